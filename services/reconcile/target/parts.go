package target

import (
	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// parts makes the vectors of the parts of a range, each of step offsets, as rows come.
type parts struct {
	step  int64
	mask  proof.Mask
	order bool // of the offsets: a part is over when the next one begins
	open  map[int64]*proof.Tally
	done  map[int64]domain.Vector
	at    int64 // of last
	last  *proof.Tally
}

func newParts(step int64, mask proof.Mask, inOrder bool) *parts {
	return &parts{step: step, mask: mask, order: inOrder, open: map[int64]*proof.Tally{}, done: map[int64]domain.Vector{}}
}

func (p *parts) add(r *proof.Row) {
	at := r.Offset &^ (p.step - 1)
	if p.last == nil || at != p.at {
		if p.order && p.last != nil {
			p.done[p.at] = p.last.Vector()
			delete(p.open, p.at)
		}
		if p.open[at] == nil {
			p.open[at] = &proof.Tally{Mask: p.mask}
		}
		p.at, p.last = at, p.open[at]
	}
	p.last.Add(r)
}

// vectors are those of all parts that have rows.
func (p *parts) vectors() map[int64]domain.Vector {
	for at, tally := range p.open {
		p.done[at] = tally.Vector()
	}
	return p.done
}
