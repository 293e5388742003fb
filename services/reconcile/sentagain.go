package reconcile

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// seeAgain finds the rows of a window that a load left out and the table has all the same:
// somebody sent them again by hand. left is what was compared of the hub: only rows beyond
// those that were counted can be such.
func (p *Prover) seeAgain(ctx context.Context, side *target.DorisWitness, w *window, left domain.Vector) error {
	of := p.hubs[w.life.Window.Partition]
	if left.Rows <= w.left.Vector().Rows {
		return nil
	}
	for _, s := range of.without.Within(w.scope) {
		in := proof.Range{Window: w.life.Window, Span: s}
		err := side.Rows(ctx, in, func(r proof.Row) error {
			of.again, _ = of.again.Add(domain.Span{First: r.Offset, Next: r.Offset + 1})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sentAgain is how many rows of a part were left out of the table and are in it.
func (p *Prover) sentAgain(n *part) (rows int64) {
	for h, of := range p.hubs {
		for _, s := range of.again {
			for o := s.First; o < s.Next; o++ {
				if key, known := n.lane.books.LeftOut(h, o); known && key == n.PartitionKey {
					rows++
				}
			}
		}
	}
	return rows
}
