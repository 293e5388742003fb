package reconcile

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// readAgain reads windows of the cities again and holds the journal against them: all of them,
// or a sample and those with gaps that are not the markers of transactions.
func (p *Prover) readAgain(ctx context.Context) error {
	cities := map[domain.SourceID]*origin.City{}
	for _, c := range p.in.Cities(p.p) {
		cities[c.Source] = c
	}
	p.again = nil
	silent := map[domain.SourceID]string{}
	defer func() { p.silent = silent }()
	for _, l := range p.lanes {
		list := l.books.Windows(domain.ProofCityHub)
		if !p.scope.Deep {
			list = l.books.Sample(p.j.ID().String(), p.scope.Sample)
		}
		for _, b := range list {
			n := p.parts[domain.PartitionKey{Source: b.Source, Generation: b.Generation, Partition: b.Partition}]
			c := cities[b.Source]
			if n == nil || c == nil || n.scope.Len() == 0 {
				continue
			}
			if why := silent[c.Source]; why != "" && !p.scope.Deep {
				continue // a sample; it is not asked again for each window
			}
			span := b.Span()
			in := proof.Range{Window: b.Window, Span: domain.Span{First: max(span.First, n.scope.First), Next: min(span.Next, n.scope.Next)}}
			if in.Len() == 0 {
				continue
			}
			p.say(fmt.Sprintf("reading city %s again, source %s partition %d", c.City, c.Source, b.Partition))
			a, err := l.books.ReadAgain(ctx, c, in)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				// One city that does not answer is not checked; the others are.
				silent[c.Source] = err.Error()
				a = &origin.Again{Range: in, Compared: domain.Span{First: in.First, Next: in.First}, State: domain.WindowNotChecked, Why: err.Error()}
			}
			p.again = append(p.again, a)
			p.found.addAll(a.Findings, 0)
		}
	}
	return nil
}
