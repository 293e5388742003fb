package reconcile

import (
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/report"
)

// scoped is the books of a part inside of a while: what its ingest events have, and what became
// of their rows. Of everything the books of the whole part say it.
type scoped struct {
	rows    int64
	gaps    map[domain.Reason][]domain.Span
	windows map[int64]int64 // rows by index
	inHub   int64
	inDoris int64
	without int64 // left out of the table
	from    domain.Micros
	to      domain.Micros
}

// countScope reads the ingest events of a lane's while and counts what they have.
func (p *Prover) countScope(ctx context.Context, l *lane) error {
	s := domain.Stream{Pipeline: p.p.Name, Shard: l.shard, Leg: domain.LegIngest}
	if l.slice.Ingest.Len() == 0 {
		return nil
	}
	r, err := p.j.ReadFrom(ctx, s, domain.Seq(l.slice.Ingest.First))
	if err != nil {
		return err
	}
	defer r.Close()
	for seq := l.slice.Ingest.First; seq < l.slice.Ingest.Next; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		in, is := e.Event.(*domain.Ingested)
		for i := 0; is && i < len(in.Runs); i++ {
			run := &in.Runs[i]
			n := p.parts[domain.PartitionKey{Source: run.Source, Generation: run.Generation, Partition: run.Partition}]
			if n != nil && n.scope.Len() > 0 {
				n.count(run, in.ExtractTime)
			}
		}
	}
	return nil
}

// beginScan begins the scan of a lane with the first commit that has rows of its while, and
// ends it with the last one.
func (p *Prover) beginScan(ctx context.Context, l *lane) error {
	if p.direct() {
		l.until = domain.Seq(l.slice.Ingest.Next - 1)
		return p.scanFrom(ctx, l, domain.LegIngest, domain.Seq(l.slice.Ingest.First))
	}
	first := domain.Seq(0)
	for _, b := range l.books.Windows(domain.ProofCityHub) {
		n := p.parts[domain.PartitionKey{Source: b.Source, Generation: b.Generation, Partition: b.Partition}]
		in := b.Span()
		if n != nil && max(in.First, n.scope.First) < min(in.Next, n.scope.Next) {
			first, l.until = sooner(first, b.Commits.First), max(l.until, b.Commits.Last)
		}
	}
	return p.scanFrom(ctx, l, domain.LegHub, first)
}

// sooner is the lesser of two seqs, of which 0 is none.
func sooner(a, b domain.Seq) domain.Seq {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// scanFrom makes an event of the stream that decides the first one that a lane scans; 0 for all
// of them.
func (p *Prover) scanFrom(ctx context.Context, l *lane, leg domain.Leg, first domain.Seq) error {
	from, err := p.before(ctx, l, leg, first)
	if err == nil && from != (origin.Cursors{}) {
		l.scan = p.in.NewScan(l.shard, from, p.found.add)
	}
	return err
}

// before is where a scan stands that goes on with an event of the stream that decides.
func (p *Prover) before(ctx context.Context, l *lane, leg domain.Leg, first domain.Seq) (from origin.Cursors, err error) {
	if first <= 1 {
		return from, nil
	}
	e, err := p.j.Get(ctx, domain.Stream{Pipeline: p.p.Name, Shard: l.shard, Leg: leg}, first-1)
	if err != nil {
		return from, err
	}
	if leg == domain.LegIngest {
		return origin.Cursors{Ingest: e.Ref()}, nil
	}
	return origin.Cursors{Hub: e.Ref()}, nil
}

// count takes in a run of an ingest event.
func (n *part) count(r *domain.Run, at domain.Micros) {
	if n.scoped == nil {
		n.scoped = &scoped{gaps: map[domain.Reason][]domain.Span{}, windows: map[int64]int64{}, from: at}
	}
	c := n.scoped
	c.to = at
	c.rows += r.Rows
	next := r.First
	rows := func(end int64) {
		for next < end {
			index := next / domain.WindowSize
			stop := min(end, (index+1)*domain.WindowSize)
			c.windows[index] += stop - next
			next = stop
		}
	}
	for _, g := range r.Gaps {
		rows(g.Span.First)
		next = g.Span.Next
		if list := c.gaps[g.Reason]; len(list) > 0 && list[len(list)-1].Next == g.Span.First {
			list[len(list)-1].Next = g.Span.Next
			continue
		}
		c.gaps[g.Reason] = append(c.gaps[g.Reason], g.Span)
	}
	rows(r.Next)
}

// carried takes in a row of the scope that a commit carried.
func (n *part) carried(city, hub int64, of *hubLane) {
	if n.scoped == nil {
		return
	}
	n.scoped.inHub++
	switch {
	case of.without.Contains(hub):
		n.scoped.without++
	case city < n.inDoris:
		n.scoped.inDoris++
	}
}

// listedGaps is how many runs of one reason are listed one by one.
const listedGaps = 64

// source is the books of a part inside of its while.
func (c *scoped) source(n *part) report.Source {
	s := report.Source{
		Source: string(n.Source), City: string(n.city), Generation: n.Generation, Partition: n.Partition, First: n.scope.First, Next: n.scope.Next,
		Rows: c.rows, Gaps: map[string]int64{}, InHub: c.inHub, ExcludedHub: n.excluded.Within(n.scope).Len(), InDoris: c.inDoris, ExcludedDoris: c.without,
	}
	for reason, spans := range c.gaps {
		for _, g := range spans {
			s.Gaps[reason.String()] += g.Len()
		}
	}
	s.Pending = s.Rows - s.InHub - s.ExcludedHub
	s.PendingDoris = s.InHub - s.InDoris - s.ExcludedDoris
	s.FromTime, s.ToTime = earlier(nil, c.from), later(nil, c.to)
	return s
}

// listed are the gaps of a part inside of its while, one by one, or, where a reason has too
// many, all of them as one.
func (c *scoped) listed(n *part) (out []report.Gap) {
	for _, reason := range slices.Sorted(maps.Keys(c.gaps)) {
		spans := c.gaps[reason]
		gap := report.Gap{Source: string(n.Source), Generation: n.Generation, Partition: n.Partition, Reason: reason.String()}
		if len(spans) > listedGaps {
			gap.First, gap.Next, gap.Runs = spans[0].First, spans[len(spans)-1].Next, int64(len(spans))
			for _, g := range spans {
				gap.Offsets += g.Len()
			}
			out = append(out, gap)
			continue
		}
		for _, g := range spans {
			gap.First, gap.Next, gap.Runs, gap.Offsets = g.First, g.Next, 1, g.Len()
			out = append(out, gap)
		}
	}
	return out
}
