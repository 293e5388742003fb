package reconcile

import (
	"cmp"
	"iter"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// window is a window with what was scanned of it.
type window struct {
	life        proof.Life
	scope       domain.Span // of its offsets
	mask        proof.Mask
	left, right proof.Tally
	runs        map[int32][]run // where the hub has its rows, as the journal says
	extra       map[int32][]run // where it has others that say to be of it
	changed     bool            // something was added since the last look
	named       bool            // what is wrong with it was found
	forgotten   bool            // runs has none of the rows up to now: the journal says them (recall)
	gone        domain.Spans    // of the hub: rows that the journal has and its log does not any more
	resumed     bool            // it was verified, by whatever Prover: its rows are not counted any more
}

// windowOf finds or makes the window of an offset.
func windowOf(all map[domain.Window]*window, of domain.Window, scope domain.Span, mask proof.Mask) *window {
	w := all[of]
	if w == nil {
		span := of.Span()
		w = &window{
			life: proof.Begin(of), mask: mask, left: proof.Tally{Mask: mask}, right: proof.Tally{Mask: mask},
			scope: domain.Span{First: max(span.First, scope.First), Next: min(span.Next, scope.Next)},
		}
		all[of] = w
	}
	return w
}

// expect takes note of where the journal has a row of the window.
func (w *window) expect(h domain.Coord, city int64) { note(&w.runs, h, city) }

// claim takes note of a row of the hub that says to be of the window, where the journal has
// none.
func (w *window) claim(h domain.Coord, city int64) { note(&w.extra, h, city) }

func note(all *map[int32][]run, h domain.Coord, city int64) {
	if *all == nil {
		*all = map[int32][]run{}
	}
	(*all)[h.Partition] = put((*all)[h.Partition], h.Offset, city, nil)
}

// spans are all the places of the hub where rows of the window may be.
func (w *window) spans() map[int32]domain.Spans {
	out := map[int32]domain.Spans{}
	for _, all := range []map[int32][]run{w.runs, w.extra} {
		for h, list := range all {
			for _, r := range list {
				out[h], _ = out[h].Add(r.hub)
			}
		}
	}
	return out
}

// offsetAt is the city offset of the row at a place of the hub: that which the journal has
// there, or else what the row said of itself.
func (w *window) offsetAt(h domain.Coord) (offset int64, ours bool) {
	for _, all := range []map[int32][]run{w.runs, w.extra} {
		if r := find(all[h.Partition], h.Offset); r != nil {
			return r.city + h.Offset - r.hub.First, true
		}
	}
	return 0, false
}

// forget drops what is only of use while the window may still differ.
func (w *window) forget() {
	if w.life.State == domain.WindowVerified && !w.changed {
		w.runs, w.extra, w.forgotten, w.resumed = nil, nil, true, true
		w.left, w.right = proof.Tally{Mask: w.mask}, proof.Tally{Mask: w.mask}
	}
}

// isGone takes note of hub offsets with rows of the window that the hub's log does not have any
// more.
func (w *window) isGone(at domain.Span) {
	if w.resumed {
		return
	}
	if n := len(w.gone); n > 0 && w.gone[n-1].Next == at.First {
		w.gone[n-1].Next = at.Next
		return
	}
	w.gone, _ = w.gone.Add(at)
}

// unverifiable reports whether nobody can say what the hub had of it.
func (w *window) unverifiable() bool { return w.life.State == domain.WindowUnverifiable }

// looked takes in what a look found. What stood still and does not any more is named anew.
func (w *window) looked(asked proof.Range, left, right domain.Vector) {
	w.life, w.changed = w.life.Looked(asked, left, right), false
	w.named = w.named && w.life.Stands()
}

// byPartition gives the windows of each hub partition, in order, one partition after the other.
func byPartition(loads map[domain.Window]*window) iter.Seq2[int32, []*window] {
	return func(yield func(int32, []*window) bool) {
		for list := sorted(loads); len(list) > 0; {
			h, n := list[0].life.Window.Partition, 1
			for n < len(list) && list[n].life.Window.Partition == h {
				n++
			}
			if !yield(h, list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// sorted are windows in the order of partition and offset.
func sorted(all map[domain.Window]*window) []*window {
	out := make([]*window, 0, len(all))
	for _, w := range all {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b *window) int {
		x, y := a.life.Window, b.life.Window
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Generation, y.Generation), cmp.Compare(x.Partition, y.Partition), cmp.Compare(x.Index, y.Index))
	})
	return out
}
