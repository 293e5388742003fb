package reconcile

import (
	"cmp"
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// keptWaiting bounds the rows of a hub partition that are kept until the table has them: 16 MiB.
// Those beyond it are read from the hub again when the table is as far, which may have been
// down for hours.
const keptWaiting = 1 << 20

// waiting is a row of the hub that the table does not have to have yet.
type waiting struct{ offset, digest int64 }

// waitingRows are those of a hub partition, in its order.
type waitingRows struct {
	kept    []waiting
	late    int64           // offset of the first that is not kept, where counted has any
	counted map[int64]int64 // those that are not kept, by window
	most    int             // that are kept, 0: keptWaiting
}

// add takes the next row.
func (r *waitingRows) add(row waiting) {
	if len(r.counted) == 0 && len(r.kept) < cmp.Or(r.most, keptWaiting) {
		r.kept = append(r.kept, row)
		return
	}
	if len(r.counted) == 0 {
		r.late, r.counted = row.offset, map[int64]int64{}
	}
	r.counted[row.offset/domain.WindowSize]++
}

// in is how many rows of a window are waiting, but for those that the table is not to have.
func (r *waitingRows) in(w *window, without domain.Spans) int64 {
	span, n := w.life.Window.Span(), r.counted[w.life.Window.Index]
	i, _ := slices.BinarySearchFunc(r.kept, span.First, func(row waiting, offset int64) int { return cmp.Compare(row.offset, offset) })
	for ; i < len(r.kept) && r.kept[i].offset < span.Next; i++ {
		if !without.Contains(r.kept[i].offset) {
			n++
		}
	}
	return n
}

// toTable takes a row into what the table is to have, at once or when it is loaded.
func (p *Prover) toTable(of *hubLane, r *target.HubRow) {
	if p.table == nil {
		return
	}
	row := waiting{offset: r.Hub.Offset, digest: proof.Digest(&r.Row, p.format.Mask())}
	if row.offset < of.table {
		p.load(r.Hub.Partition, of, row)
	} else {
		of.waiting.add(row)
	}
}

// flush loads what waited for it. After an error nothing is known of what was read again.
func (p *Prover) flush(ctx context.Context) error {
	for h, of := range p.hubs {
		r := &of.waiting
		n := 0
		for ; n < len(r.kept) && r.kept[n].offset < of.table; n++ {
			p.load(h, of, r.kept[n])
		}
		if r.kept = r.kept[n:]; len(r.counted) > 0 && r.late < of.table {
			if err := p.readLate(ctx, h, of); err != nil {
				return err
			}
		}
	}
	return nil
}

// readLate reads rows again that were not kept, up to where the table is.
func (p *Prover) readLate(ctx context.Context, h int32, of *hubLane) error {
	r := &of.waiting
	to := min(of.table, of.next)
	counted := func(offset int64) {
		index := offset / domain.WindowSize
		if r.counted[index]--; r.counted[index] <= 0 {
			delete(r.counted, index)
		}
	}
	gone, err := p.hub.Scan(ctx, map[int32]int64{h: r.late}, map[int32]int64{h: to}, func(row *target.HubRow) error {
		if !of.foreign.Contains(row.Offset) {
			counted(row.Offset)
			p.load(h, of, waiting{offset: row.Offset, digest: proof.Digest(&row.Row, p.format.Mask())})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, span := range gone[h] {
		for o := span.First; o < span.Next; o++ {
			if at := (domain.Span{First: o, Next: o + 1}); !of.foreign.Contains(o) {
				counted(o)
				p.loadWindow(h, o).isGone(at)
			}
		}
	}
	r.late = to
	return nil
}
