package reconcile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// windows are those that were compared, in order.
func (c *comparison) windows() []*judged {
	out := make([]*judged, 0, len(c.judged))
	for _, w := range c.judged {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b *judged) int {
		return cmp.Or(cmp.Compare(a.id.Partition, b.id.Partition), cmp.Compare(a.id.Index, b.id.Index))
	})
	return out
}

// difference is what was found, without names of what is altered.
func (c *comparison) difference() *domain.Difference {
	d := &domain.Difference{}
	for _, w := range c.windows() {
		d.Expected += w.expected
		d.Present += w.present
		for _, s := range w.missing {
			if n := len(d.Missing); n > 0 && d.Missing[n-1].Partition == w.id.Partition && d.Missing[n-1].Span.Next == s.First {
				d.Missing[n-1].Span.Next = s.Next
			} else {
				d.Missing = append(d.Missing, domain.HubSpan{Partition: w.id.Partition, Span: s})
			}
		}
		d.Equal = append(d.Equal, w.equal...)
	}
	for _, key := range c.strayKeys() {
		if c.strays[key].dup {
			d.Doubled = append(d.Doubled, key)
		} else {
			d.Foreign = append(d.Foreign, key)
		}
	}
	return d
}

// nameAltered says what is wrong with the rows that are there and not as they must be, or several
// times under one key: one finding for each column, or for each row too many. Rows beyond those
// that are kept are only counted.
func (c *comparison) nameAltered(ctx context.Context) (list []domain.Finding, more int64, err error) {
	at := map[int32]domain.Spans{}
	rows := int64(0)
	for _, w := range c.windows() {
		named := slices.Clone(w.altered)
		for _, e := range w.equal {
			named, _ = named.Add(domain.Span{First: e.Key.Offset, Next: e.Key.Offset + 1})
		}
		for _, s := range named {
			keep := min(s.Len(), max(0, keptFindings-rows))
			rows += keep
			more += s.Len() - keep
			if keep > 0 {
				at[w.id.Partition] = append(at[w.id.Partition], domain.Span{First: s.First, Next: s.First + keep})
			}
		}
	}
	if rows == 0 {
		return nil, more, nil
	}
	right := heldRows{name: c.side.Name(), rows: map[int32][]proof.Row{}}
	for h, spans := range at {
		err := c.side.RowsAt(ctx, h, spans, func(r *proof.Row) error {
			right.rows[h] = append(right.rows[h], shortened(r))
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	list, beyond, err := c.nameRows(ctx, at, right)
	return list, more + beyond, err
}

// nameRows says what is wrong with the rows at some places, of which a target has those given.
func (c *comparison) nameRows(ctx context.Context, at map[int32]domain.Spans, right heldRows) (list []domain.Finding, more int64, err error) {
	if len(at) == 0 {
		return nil, 0, nil
	}
	left, of, err := c.wordOf(ctx, at)
	if err != nil {
		return nil, 0, err
	}
	search := proof.Search{Left: left, Right: right, Mask: c.mask}
	for h, spans := range at {
		for _, s := range spans {
			for ; s.Len() > 0; s.First = (s.First/domain.WindowSize + 1) * domain.WindowSize {
				w := domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: s.First / domain.WindowSize}
				in := proof.Range{Window: w, Span: domain.Span{First: s.First, Next: min(s.Next, w.Span().Next)}}
				if _, err := search.Look(ctx, in); err != nil {
					return nil, 0, err
				}
			}
		}
	}
	list, more, err = search.Findings(ctx)
	list = slices.DeleteFunc(list, func(f domain.Finding) bool { return of[place(&f)].unread(f.Column) })
	for i := range list {
		from := of[place(&list[i])]
		list[i].Source, list[i].Generation = from.source, from.generation
	}
	return list, more, err
}

// origins says which source a row is of, and which columns of it the journal cannot say.
type origins struct {
	source     domain.SourceID
	generation domain.Generation
	cannot     proof.Mask
}

func (o origins) unread(column string) bool {
	for i := range proof.Columns {
		if o.cannot.Has(i) && proof.ColumnName(i) == column {
			return true
		}
	}
	return false
}

// wordOf is the journal's word of the rows at some places.
func (c *comparison) wordOf(ctx context.Context, at map[int32]domain.Spans) (heldRows, map[domain.Coord]origins, error) {
	out, of := heldRows{name: "journal", rows: map[int32][]proof.Row{}}, map[domain.Coord]origins{}
	rows := domain.Selection{}
	for h, spans := range at {
		for _, s := range spans {
			rows.Hub = append(rows.Hub, domain.HubSpan{Partition: h, Span: s})
		}
	}
	for _, l := range c.lanes {
		err := c.in.Planned(ctx, l, rows, nil, func(e *origin.Expected, taken bool) error {
			if !taken {
				return nil
			}
			row, cannot := c.rowOf(e)
			r := shortened(row)
			r.Offset, r.Hub = e.Hub.Offset, e.Hub
			out.rows[e.Hub.Partition] = append(out.rows[e.Hub.Partition], r)
			of[domain.Coord{Partition: e.Hub.Partition, Offset: e.Hub.Offset}] = origins{e.Source, e.Generation, cannot}
			return nil
		})
		if err != nil {
			return out, nil, err
		}
	}
	return out, of, nil
}

// shortened is a row to be kept: of a long record its digest, which differs where the record does.
func shortened(r *proof.Row) proof.Row {
	const long = 4 << 10
	out := *r
	if len(r.Text[proof.Record]) > long {
		sum := sha256.Sum256([]byte(r.Text[proof.Record]))
		out.Text[proof.Record] = "sha256 " + hex.EncodeToString(sum[:])
	}
	return out
}

// heldRows is rows in memory as a place: by hub partition, in the order of their offsets.
type heldRows struct {
	name string
	rows map[int32][]proof.Row
}

// Name implements proof.Witness.
func (h heldRows) Name() string { return h.name }

// Vectors implements proof.Witness.
func (h heldRows) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	parts := map[int64]*proof.Tally{}
	err := h.Rows(ctx, in, func(r proof.Row) error {
		at := r.Offset / step * step
		if parts[at] == nil {
			parts[at] = &proof.Tally{Mask: mask}
		}
		parts[at].Add(&r)
		return nil
	})
	out := map[int64]domain.Vector{}
	for at, t := range parts {
		out[at] = t.Vector()
	}
	return out, err
}

// Rows implements proof.Witness.
func (h heldRows) Rows(_ context.Context, in proof.Range, each func(proof.Row) error) error {
	list := h.rows[in.Partition]
	i, _ := slices.BinarySearchFunc(list, in.First, func(r proof.Row, first int64) int { return cmp.Compare(r.Offset, first) })
	for ; i < len(list) && list[i].Offset < in.Next; i++ {
		if err := each(list[i]); err != nil {
			return err
		}
	}
	return nil
}
