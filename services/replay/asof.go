package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// asOf resolves a time, or takes positions as they are, for every shard: what was carried by
// then, and the batches that were begun and had no outcome.
func (p *planning) asOf(ctx context.Context, ask *domain.AsOf) (*domain.AsOf, error) {
	out := &domain.AsOf{Time: ask.Time, Take: ask.Take}
	if (ask.Time == nil) == (len(ask.Positions) == 0) {
		return nil, &refusedError{"as of: a time, or a position of each shard"}
	}
	leg := follows(p.o, p.plan.Target.Kind)
	for _, r := range ask.Positions {
		if s := r.Stream; s.Pipeline != p.o.Config.Name || s.Leg != leg || s.Shard < 0 || s.Shard >= p.o.Configured.Shards {
			return nil, &refusedError{fmt.Sprintf("as of %s: a position of a %s stream of pipeline %s says what such a target had", r, leg, p.o.Config.Name)}
		}
	}
	for shard := range p.o.Configured.Shards {
		s := domain.Stream{Pipeline: p.o.Config.Name, Shard: shard, Leg: leg}
		seq, err := p.position(ctx, ask, s)
		if err != nil {
			return nil, err
		}
		if seq == 0 {
			p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("of shard %d nothing is taken: it has no event by then", shard))
			continue
		}
		v, err := viewAt(ctx, p.o.Journal, s, seq)
		if err != nil {
			return nil, err
		}
		out.Positions = append(out.Positions, v.at)
		if v.open > 0 {
			if err := p.undecided(ctx, s, &v, ask.Take); err != nil {
				return nil, err
			}
		}
		if v.last.Seq > 0 {
			p.bound(shard, 1, v.last)
		}
	}
	return out, nil
}

// position is the event of a stream that an AsOf means, 0 for none.
func (p *planning) position(ctx context.Context, ask *domain.AsOf, s domain.Stream) (domain.Seq, error) {
	if ask.Time != nil {
		return p.o.Journal.Until(ctx, s, *ask.Time)
	}
	for _, r := range ask.Positions {
		if r.Stream != s {
			continue
		}
		e, err := p.o.Journal.Get(ctx, s, r.Seq)
		if errors.Is(err, journal.ErrNotFound) {
			return 0, &refusedError{fmt.Sprintf("as of %s: the journal has no such event", r)}
		}
		if err != nil {
			return 0, err
		}
		if !r.Hash.IsZero() && e.Hash != r.Hash {
			return 0, &refusedError{fmt.Sprintf("as of %s: the journal has another event there, with hash %s", r, e.Hash)}
		}
		return r.Seq, nil
	}
	return 0, nil
}

// undecided lists a batch that had begun at a view and had no outcome, unless it came to
// nothing, which nobody can have seen. Taken, it moves the view behind it.
func (p *planning) undecided(ctx context.Context, s domain.Stream, v *view, take bool) error {
	u, last, err := p.outcome(ctx, s, v.open)
	if err != nil || u == nil {
		return err
	}
	if u.Taken = take; take {
		if u.Outcome.Seq == 0 {
			return &refusedError{fmt.Sprintf("%s has no outcome yet: it can be left out, or wait until it has one", u.Begun)}
		}
		v.last = last
	}
	p.plan.Undecided = append(p.plan.Undecided, *u)
	return nil
}

// outcome is an intent with what became of it, and how far the input is carried with it; nil
// where it came to nothing.
func (p *planning) outcome(ctx context.Context, s domain.Stream, begun domain.Seq) (*domain.Undecided, domain.Cursor, error) {
	j := p.o.Journal
	e, err := j.Get(ctx, s, begun)
	if err != nil {
		return nil, domain.Cursor{}, err
	}
	u := &domain.Undecided{Begun: e.Ref()}
	tail, err := j.Tail(ctx, s)
	if err != nil {
		return nil, domain.Cursor{}, err
	}
	for seq := begun + 1; seq <= tail.Seq; seq++ {
		if e, err = j.Get(ctx, s, seq); err != nil {
			return nil, domain.Cursor{}, err
		}
		switch ev := e.Event.(type) {
		case *domain.HubAborted, *domain.DorisAborted:
			return nil, domain.Cursor{}, nil
		case *domain.HubCommitted:
			u.Outcome, u.Rows = e.Ref(), ev.Rows
			return u, e.Ref(), nil
		case *domain.DorisCommitted:
			u.Outcome, u.Rows = e.Ref(), ev.Rows
			return u, ev.Cursor, nil
		}
	}
	return u, domain.Cursor{}, nil
}

// bound adds a lane, of which nothing is known but how far it goes.
func (p *planning) bound(shard int, first domain.Seq, last domain.Ref) {
	if last.Seq >= first {
		p.plan.Lanes = append(p.plan.Lanes, domain.PlanLane{Shard: shard, First: first, Last: last})
	}
}

// toNow bounds every shard by what is carried now.
func (p *planning) toNow(ctx context.Context) error {
	for shard := range p.o.Configured.Shards {
		v, err := now(ctx, p.o.Journal, domain.Stream{Pipeline: p.o.Config.Name, Shard: shard, Leg: follows(p.o, p.plan.Target.Kind)})
		if err != nil {
			return err
		}
		if v.last.Seq > 0 {
			p.bound(shard, 1, v.last)
		}
	}
	return nil
}
