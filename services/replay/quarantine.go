package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// quarantine is what loads left out.
type quarantine struct {
	places  []domain.HubSpan // of the rows that a table could take by now
	before  int64            // rows that were left out before the hub
	forever map[string]int64 // rows that no table takes, by why
}

// quarantined takes the rows that loads left out, by their places in the hub, and no others.
func (p *planning) quarantined(ctx context.Context) error {
	if !p.plan.Scope.Quarantine {
		return nil
	}
	if !p.o.Has(domain.LegDoris) {
		return &refusedError{"quarantined rows: pipeline " + p.o.Config.Name + " loads no table, so no load left any out"}
	}
	q := quarantine{forever: map[string]int64{}}
	for _, l := range p.plan.Lanes {
		if err := q.lane(ctx, p.o.Journal, l, p.plan.Target.Kind); err != nil {
			return fmt.Errorf("look for rows that loads of shard %d left out: %w", l.Shard, err)
		}
	}
	p.note(q.before, "rows were left out before the hub and have no place in it", "no replay carries them; their city has to send them as its source declares them")
	for _, why := range slices.Sorted(maps.Keys(q.forever)) {
		p.note(q.forever[why], "rows are no rows of any table", why)
	}
	if len(q.places) == 0 {
		return &refusedError{fmt.Sprintf("nothing is quarantined that a target could take: %v", append([]string{"loads left out no such row of the scope"}, p.plan.Notes...))}
	}
	return p.meetHub(true, joined(q.places))
}

// lane finds what loads left out of the commits of a lane.
func (q *quarantine) lane(ctx context.Context, j *journal.Journal, l domain.PlanLane, to domain.TargetKind) error {
	left, err := leftOut(ctx, j, domain.Stream{Pipeline: j.Pipeline(), Shard: l.Shard, Leg: domain.LegDoris})
	if err != nil {
		return err
	}
	return eachCommit(ctx, j, l, func(_ *journal.Entry, c *domain.HubCommitted) error {
		for i := range c.Excluded {
			q.before += c.Excluded[i].Count
		}
		for i := range c.Runs {
			r := &c.Runs[i]
			for _, x := range left[runOf{r.Ingest, r.Run}] {
				first, next := max(r.First, x.Ordinal), min(r.First+r.N, x.Ordinal+x.Count)
				if first >= next {
					continue
				}
				if unfit(x.Reason, to) {
					q.forever[x.Reason] += next - first
					continue
				}
				at := r.Offset + first - r.First
				q.places = append(q.places, domain.HubSpan{Partition: r.Partition, Span: domain.Span{First: at, Next: at + next - first}})
			}
		}
		return nil
	})
}

// unfit reports whether a row that was left out for some reason is none for a target either.
func unfit(reason string, to domain.TargetKind) bool {
	switch reason {
	case domain.ExcludedUndecodable, domain.ExcludedUnreadable:
		return true
	case domain.ExcludedTimestamp:
		return to == domain.TargetTable
	default:
		return false
	}
}

// runOf names a run of an ingest event.
type runOf struct {
	ingest domain.Seq
	run    int
}

// leftOut is what the visible loads of a stream left out.
func leftOut(ctx context.Context, j *journal.Journal, s domain.Stream) (map[runOf][]domain.Exclusion, error) {
	out, begun := map[runOf][]domain.Exclusion{}, map[domain.Seq][]domain.Exclusion{}
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := j.ReadFrom(ctx, s, 1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for seq := domain.Seq(0); seq < tail.Seq; {
		e, err := r.Next(ctx)
		if err != nil {
			return nil, err
		}
		seq = e.Seq
		switch ev := e.Event.(type) {
		case *domain.DorisBegun:
			if len(ev.Excluded) > 0 {
				begun[seq] = ev.Excluded
			}
		case *domain.DorisAborted:
			delete(begun, ev.Begun.Seq)
		case *domain.DorisCommitted:
			for _, x := range begun[ev.Begun.Seq] {
				out[runOf{x.Ingest, x.Run}] = append(out[runOf{x.Ingest, x.Run}], x)
			}
			delete(begun, ev.Begun.Seq)
		}
	}
	return out, nil
}

// joined sorts places of the hub and joins those that touch.
func joined(list []domain.HubSpan) []domain.HubSpan {
	slices.SortFunc(list, func(a, b domain.HubSpan) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Span.First, b.Span.First))
	})
	var out []domain.HubSpan
	for _, h := range list {
		if n := len(out); n > 0 && out[n-1].Partition == h.Partition && h.Span.First <= out[n-1].Span.Next {
			out[n-1].Span.Next = max(out[n-1].Span.Next, h.Span.Next)
			continue
		}
		out = append(out, h)
	}
	return out
}
