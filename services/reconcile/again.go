package reconcile

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// readAgain reads windows of the cities again and holds the journal against them: all of them,
// or a sample and those with gaps that are not the markers of transactions. With closed it
// reads those that are closed, each until there is a result, and no more.
func (p *Prover) readAgain(ctx context.Context, closed bool) error {
	cities := map[domain.SourceID]*origin.City{}
	for _, c := range p.in.Cities(p.p) {
		cities[c.Source] = c
	}
	before := p.again
	p.again = nil
	done := map[domain.Window]bool{}
	for _, a := range before {
		if closed && isResult(a.State) {
			p.again = append(p.again, a)
			done[a.Range.Window] = true
		}
	}
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
			if n == nil || c == nil || n.scope.Len() == 0 || done[b.Window] || closed && n.next < b.Span().Next {
				continue
			}
			if why := silent[c.Source]; why != "" && !p.scope.Deep {
				continue // a sample; it is not asked again for each window
			}
			if err := p.readWindow(ctx, l, b, n, c, silent); err != nil {
				return err
			}
		}
	}
	return nil
}

// isResult reports whether a window that was read again need not be once more.
func isResult(s domain.WindowState) bool {
	return s == domain.WindowVerified || s == domain.WindowDiverged || s == domain.WindowUnverifiable
}

// readWindow reads one window of a city again.
func (p *Prover) readWindow(ctx context.Context, l *lane, b *origin.WindowBook, n *part, c *origin.City, silent map[domain.SourceID]string) error {
	span := b.Span()
	in := proof.Range{Window: b.Window, Span: domain.Span{First: max(span.First, n.scope.First), Next: min(span.Next, n.scope.Next)}}
	if in.Len() == 0 {
		return nil
	}
	p.say(fmt.Sprintf("reading city %s again, source %s partition %d", c.City, c.Source, b.Partition))
	a, err := l.books.ReadAgain(ctx, c, in)
	if err != nil {
		if ctx.Err() != nil || projections.Unsound(domain.Stream{}, err) != nil {
			return err
		}
		// One city that does not answer is not checked; the others are.
		silent[c.Source] = err.Error()
		a = &origin.Again{Range: in, Compared: domain.Span{First: in.First, Next: in.First}, State: domain.WindowNotChecked, Why: err.Error()}
	}
	p.again = append(p.again, a)
	p.found.addAll(a.Findings, 0)
	return nil
}
