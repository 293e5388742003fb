package target

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// How many offsets one question is about. It follows the time that the last ones took, so that
// none keeps the back ends busy for long.
const (
	firstSpan = 1 << 18
	leastSpan = 1 << 14
	mostSpan  = 1 << 24
	rowsSpan  = 1 << 15 // of a question for the rows themselves
	tooLong   = 2 * time.Second
	short     = tooLong / 4
)

// DorisWitness is the table's side of the proof hub ↔ Doris.
type DorisWitness struct {
	d     *Doris
	shown Digits
}

// Witness is the table as a side of the proof hub ↔ Doris, with times shown as f shows them,
// which was made with the table's Digits.
func (d *Doris) Witness(f *Format) *DorisWitness { return &DorisWitness{d, f.Digits()} }

// Name is "doris".
func (w *DorisWitness) Name() string { return "doris" }

// Vectors asks for the sums of a range. Where the server does not make digests (Doris.Digests)
// and one is asked for, it reads the rows.
func (w *DorisWitness) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	if mask != 0 && !w.d.hashes {
		p := newParts(step, mask, true)
		err := w.Rows(ctx, in, func(r proof.Row) error { p.add(&r); return nil })
		return p.vectors(), err
	}
	out := map[int64]domain.Vector{}
	err := w.d.ask(ctx, func(q *questions) error {
		for first := in.First; first < in.Next; {
			span := max(w.d.span.Load(), step)
			next := nextQuestion(first, in.Next, span)
			began := time.Now()
			err := q.ask(ctx, w.vectorsSQL(in.Partition, domain.Span{First: first, Next: next}, step, mask), func(cells []sql.RawBytes) error {
				part, v, err := vectorOf(cells, mask != 0)
				out[part*step] = v
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			w.d.adapt(span, time.Since(began))
			first = next
		}
		return nil
	})
	return out, err
}

// nextQuestion is where the one after that at first begins: at a whole number of spans.
func nextQuestion(first, next, span int64) int64 {
	if next-first <= span-first%span {
		return next
	}
	return first - first%span + span
}

// adapt makes the next question longer or shorter than one of span that took so long.
func (d *Doris) adapt(span int64, took time.Duration) {
	switch {
	case took > tooLong:
		d.span.Store(max(leastSpan, span/2))
	case took < short:
		d.span.Store(min(mostSpan, span*2))
	}
}

// vectorOf is a vector of an answer, in the order of vectorsSQL.
func vectorOf(cells []sql.RawBytes, digests bool) (part int64, v domain.Vector, err error) {
	var sums []string
	for i, to := range []*int64{&part, &v.Rows, &v.Distinct, &v.Min, &v.Max} {
		if *to, err = strconv.ParseInt(string(cells[i]), 10, 64); err != nil {
			return part, v, fmt.Errorf("column %d of a vector: %w", i+1, err)
		}
	}
	for _, cell := range cells[5:] {
		sums = append(sums, string(cell))
	}
	if v.Offsets, err = domain.ParseSum(sums[0]); err != nil || !digests {
		return part, v, err
	}
	if v.Digest, err = domain.ParseSum(sums[1]); err != nil {
		return part, v, err
	}
	xor, err := strconv.ParseInt(sums[2], 10, 64)
	v.Xor = uint64(xor)
	return part, v, err
}

// Rows reads the rows of a range in the order of hub offsets.
func (w *DorisWitness) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	return w.d.ask(ctx, func(q *questions) error {
		for first := in.First; first < in.Next; {
			next := nextQuestion(first, in.Next, rowsSpan)
			err := q.ask(ctx, w.rowsSQL(in.Partition, domain.Span{First: first, Next: next}), func(cells []sql.RawBytes) error {
				return each(w.rowOf(cells))
			})
			if err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			first = next
		}
		return nil
	})
}

// rowOf is a row of an answer, whose columns are in the order of a row's.
func (w *DorisWitness) rowOf(cells []sql.RawBytes) proof.Row {
	r := proof.Row{Hub: domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}}
	for col := range proof.Columns {
		if cells[col] == nil {
			r.Null |= 1 << col
			continue
		}
		r.Text[col] = string(cells[col])
		if w.d.digits[col] > w.shown[col] {
			r.Text[col] = r.Text[col][:min(len(r.Text[col]), shownLength(w.shown[col]))]
		}
	}
	r.Offset = numberOf(r.Text[proof.HubOffset])
	r.Hub = domain.Coord{Partition: int32(numberOf(r.Text[proof.HubPartition])), Offset: r.Offset, Timestamp: -1}
	return r
}

// PartitionRows is what the table has of one hub partition.
type PartitionRows struct {
	Partition int64 // as the table has it: a foreign row may have any
	Rows      int64
	Min, Max  int64 // hub offsets
}

// Sweep asks for all rows of the table by hub partition, for those that lie outside of every
// window. It reads the key of the whole table.
func (d *Doris) Sweep(ctx context.Context) (out []PartitionRows, err error) {
	err = d.ask(ctx, func(q *questions) error {
		return q.ask(ctx, "SELECT hw_partition_id, COUNT(*), MIN(hw_offset_id), MAX(hw_offset_id) FROM "+d.table+
			" GROUP BY hw_partition_id ORDER BY hw_partition_id", func(cells []sql.RawBytes) (err error) {
			var p PartitionRows
			for i, to := range []*int64{&p.Partition, &p.Rows, &p.Min, &p.Max} {
				if *to, err = strconv.ParseInt(string(cells[i]), 10, 64); err != nil {
					return fmt.Errorf("rows by hub partition: %w", err)
				}
			}
			out = append(out, p)
			return nil
		})
	})
	return out, err
}
