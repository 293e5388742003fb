package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// generationAt says of a finding of the table which generation its row is of, where several have
// the offset: the one whose row the hub has there.
func (p *Prover) generationAt(ctx context.Context, f *domain.Finding) error {
	var of []*part
	for _, n := range p.places.byCity[f.City][f.Row.City.Partition] {
		if n.journaled(f.Row.City.Offset) {
			of = append(of, n)
		}
	}
	for i := 0; i < len(of) && len(of) > 1; i++ {
		at, err := p.firstPlace(ctx, of[i], domain.Span{First: f.Row.City.Offset, Next: f.Row.City.Offset + 1})
		if err != nil {
			return err
		}
		if at.Partition == f.Row.Hub.Partition && at.Offset == f.Row.Hub.Offset {
			f.Source, f.Generation = of[i].Source, of[i].Generation
			break
		}
	}
	return nil
}

// ofFormer calls a copy of a row of a former generation, at an offset that the one of now does
// not have, what it is, if it comes after rows of the one of now.
func (p *Prover) ofFormer(ctx context.Context, f *domain.Finding) error {
	n := p.parts[domain.PartitionKey{Source: f.Source, Generation: f.Generation, Partition: f.Row.City.Partition}]
	if f.Class != domain.Doubled || n == nil || !n.former {
		return nil
	}
	for _, now := range p.places.byCity[n.city][n.Partition] { // the newest first
		if now.Source != n.Source || now.Generation <= n.Generation {
			continue
		}
		at, err := p.firstPlace(ctx, now, domain.Span{First: now.first, Next: now.next})
		if err != nil {
			return err
		}
		if at.Partition == f.Row.Hub.Partition && at.Offset < f.Row.Hub.Offset {
			f.Class, f.Generation = domain.Former, now.Generation
			f.Detail = fmt.Sprintf("it is of generation %d of the source partition: %s", n.Generation, f.Detail)
			return nil
		}
	}
	return nil
}

var errEnough = errors.New("enough")

// firstPlace is where the hub has the first row of a span of a part's offsets, as the journal
// says; -1 where it has none.
func (p *Prover) firstPlace(ctx context.Context, n *part, in domain.Span) (domain.Coord, error) {
	at := domain.Coord{Partition: -1, Offset: -1}
	for in.Len() > 0 && at.Offset < 0 {
		w := n.window(in.First)
		next := min(in.Next, w.Span().Next)
		err := journalSide{p}.Rows(ctx, proof.Range{Window: w, Span: domain.Span{First: in.First, Next: next}}, func(r proof.Row) error {
			at = r.Hub
			return errEnough
		})
		if err != nil && !errors.Is(err, errEnough) {
			return at, err
		}
		in.First = next
	}
	return at, nil
}
