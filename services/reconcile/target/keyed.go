package target

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// spansAtOnce bounds the spans that one question names: each is two conditions of it.
const spansAtOnce = 200

// RowsAt reads the rows of some spans of hub offsets, in their order.
func (w *DorisWitness) RowsAt(ctx context.Context, partition int32, spans domain.Spans, each func(*proof.Row) error) error {
	return w.d.ask(ctx, func(q *questions) error {
		return inParts(spans, rowsSpan, func(part domain.Spans) error {
			err := q.ask(ctx, w.rowsAtSQL(partition, part), func(cells []sql.RawBytes) error {
				r := w.rowOf(cells)
				return each(&r)
			})
			if err != nil {
				return fmt.Errorf("hub partition %d %s: %w", partition, domain.Span{First: part[0].First, Next: part[len(part)-1].Next}, err)
			}
			return nil
		})
	})
}

// inParts hands out spans a few at a time, with so many offsets at most.
func inParts(spans domain.Spans, most int64, do func(domain.Spans) error) error {
	var part domain.Spans
	left := most
	flush := func() error {
		if len(part) == 0 {
			return nil
		}
		err := do(part)
		part, left = nil, most
		return err
	}
	for _, s := range spans {
		for s.Len() > 0 {
			n := domain.Span{First: s.First, Next: min(s.Next, s.First+left)}
			part = append(part, n)
			s.First = n.Next
			if left -= n.Len(); left == 0 || len(part) == spansAtOnce {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// CityVectors asks for the sums of the rows that say to be of a city's partition, in parts of
// step city offsets: the offsets that are summed are the city's. The table's key does not follow
// them, so a question reads as much of the table as its zone maps do not rule out. Where the
// server does not make digests (Doris.Digests), that of a vector is 0.
func (w *DorisWitness) CityVectors(ctx context.Context, city domain.City, partition int64, in domain.Span, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	if !w.d.hashes {
		mask = 0
	}
	out := map[int64]domain.Vector{}
	err := w.d.ask(ctx, func(q *questions) error {
		for first := in.First; first < in.Next; {
			span := max(w.d.span.Load(), step)
			next := nextQuestion(first, in.Next, span)
			began := time.Now()
			err := q.ask(ctx, w.cityVectorsSQL(city, partition, domain.Span{First: first, Next: next}, step, mask), func(cells []sql.RawBytes) error {
				part, v, err := vectorOf(cells, mask != 0)
				out[part*step] = v
				return err
			})
			if err != nil {
				return fmt.Errorf("city %s partition %d: %w", city, partition, err)
			}
			w.d.adapt(span, time.Since(began))
			first = next
		}
		return nil
	})
	return out, err
}

// CityKeys reads the keys of the rows that say to be of some spans of a city's partition.
func (w *DorisWitness) CityKeys(ctx context.Context, city domain.City, partition int64, spans domain.Spans, each func(Key) error) error {
	return w.d.ask(ctx, func(q *questions) error {
		return inParts(spans, rowsSpan, func(part domain.Spans) error {
			text := keysSQL(w.d.table) + " WHERE sscsdm = " + quotedText(string(city)) + " AND city_partition_id = " + strconv.FormatInt(partition, 10) +
				" AND " + within("city_offset_id", part)
			if err := q.ask(ctx, text, keyed(each)); err != nil {
				return fmt.Errorf("city %s partition %d: %w", city, partition, err)
			}
			return nil
		})
	})
}

// Key is the key of a row of the table, and the place in the city that it says to be of.
type Key struct {
	Partition, Offset         int64 // of the hub, as the table has it
	City                      domain.City
	CityPartition, CityOffset int64 // -1 where it says none
}

// Sweep is the table's (Doris.Sweep).
func (w *DorisWitness) Sweep(ctx context.Context) ([]PartitionRows, error) { return w.d.Sweep(ctx) }

// KeysOutside reads the keys of the rows of a hub partition, as the table has it, that are in none
// of some spans of hub offsets.
func (w *DorisWitness) KeysOutside(ctx context.Context, partition int64, in domain.Spans, each func(Key) error) error {
	around := domain.Spans{{First: math.MinInt64, Next: math.MaxInt64}}
	if len(in) > 0 {
		around = in.Gaps(around[0])
	}
	return w.d.ask(ctx, func(q *questions) error {
		for part := range slices.Chunk(around, spansAtOnce) {
			text := keysSQL(w.d.table) + fmt.Sprintf(" WHERE hw_partition_id = %d AND ", partition) + within("hw_offset_id", part)
			if err := q.ask(ctx, text, keyed(each)); err != nil {
				return err
			}
		}
		return nil
	})
}

func keysSQL(table string) string {
	return "SELECT hw_partition_id, hw_offset_id, sscsdm, city_partition_id, city_offset_id FROM " + table
}

func keyed(each func(Key) error) func([]sql.RawBytes) error {
	return func(cells []sql.RawBytes) error {
		return each(Key{
			Partition: numberOf(string(cells[0])), Offset: numberOf(string(cells[1])), City: domain.City(cells[2]),
			CityPartition: numberOf(string(cells[3])), CityOffset: numberOf(string(cells[4])),
		})
	}
}

func (w *DorisWitness) rowsAtSQL(partition int32, spans domain.Spans) string {
	names := make([]string, proof.Columns)
	for col := range names {
		names[col] = proof.ColumnName(col)
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + w.d.table + fmt.Sprintf(" WHERE hw_partition_id = %d AND ", partition) +
		within("hw_offset_id", spans) + " ORDER BY hw_offset_id"
}

// cityVectorsSQL has its columns in the order of vectorsSQL.
func (w *DorisWitness) cityVectorsSQL(city domain.City, partition int64, in domain.Span, step int64, mask proof.Mask) string {
	part := fmt.Sprintf("city_offset_id DIV %d", step)
	sums := "SUM(CAST(city_offset_id AS LARGEINT))"
	if mask != 0 {
		digest := w.digestSQL(mask)
		sums += ", SUM(CAST(" + digest + " AS LARGEINT)), GROUP_BIT_XOR(" + digest + ")"
	}
	return "SELECT " + part + ", COUNT(*), COUNT(DISTINCT city_offset_id), MIN(city_offset_id), MAX(city_offset_id), " + sums + " FROM " + w.d.table +
		" WHERE sscsdm = " + quotedText(string(city)) + fmt.Sprintf(" AND city_partition_id = %d AND ", partition) + within("city_offset_id", domain.Spans{in}) + " GROUP BY " + part
}

// within is the condition that a column is in one of some spans. One that encloses all of them
// stands before it, for the table's indices.
func within(column string, spans domain.Spans) string {
	one := func(s domain.Span) string {
		if s.Len() == 1 {
			return fmt.Sprintf("%s = %d", column, s.First)
		}
		return fmt.Sprintf("%s >= %d AND %s < %d", column, s.First, column, s.Next)
	}
	all := one(domain.Span{First: spans[0].First, Next: spans[len(spans)-1].Next})
	if len(spans) == 1 {
		return all
	}
	parts := make([]string, len(spans))
	for i, s := range spans {
		parts[i] = "(" + one(s) + ")"
	}
	return all + " AND (" + strings.Join(parts, " OR ") + ")"
}
