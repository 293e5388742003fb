package replay

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
)

// chain is how far the table that stands under the shadow's name has come: by the plan that made
// it, and by those that went on with it. When tables are exchanged both have the same rows, so
// that the chain is that of whichever stands there.
type chain struct {
	ends  map[int]domain.Ref // the last event that is carried, by shard
	after []domain.PlanID    // the plans that went on with it
	left  *domain.Replay     // one of them that is not at its end; nil: none
}

// chain reads it from control. Errors: *refusedError where a part of a plan is in the table and
// nobody can say which.
func (x *exchange) chain() (*chain, error) {
	c := &chain{ends: map[int]domain.Ref{}}
	var err error
	x.o.Control.State(func(control *domain.ControlState) {
		for _, id := range control.Planned {
			r := control.Replays[id]
			if r.Plan == nil || r.Plan.Marker() != x.plan.ID {
				continue
			}
			switch {
			case r.State == domain.PlanDone:
				for _, l := range r.Plan.Lanes {
					if l.Last.Seq > c.ends[l.Shard].Seq {
						c.ends[l.Shard] = l.Last
					}
				}
				if id != x.plan.ID {
					c.after = append(c.after, id)
				}
			case r.State == domain.PlanCancelled && r.Approved > 0:
				err = &refusedError{fmt.Sprintf("replay %s was cancelled while it brought table %s up to date, and some of its rows may be there: make a new plan", id, x.shadow)}
			case r.State != domain.PlanCancelled:
				left := *r
				c.left = &left
			}
		}
	})
	return c, err
}

// whole is a plan of everything that the table under a name is to have by now, and of nothing else.
func (c *chain) whole(plan *domain.Plan, table string) *domain.Plan {
	all := *plan
	all.Target.Name, all.Lanes = table, nil
	for _, shard := range slices.Sorted(maps.Keys(c.ends)) {
		all.Lanes = append(all.Lanes, domain.PlanLane{Shard: shard, First: 1, Last: c.ends[shard]})
	}
	for _, id := range c.after {
		all.Notes = append(slices.Clip(all.Notes), "with the rows of replay "+id.String())
	}
	return &all
}

// behind is a plan, not on record yet, of the rows that are in the live table and not in the
// chain's.
func (x *exchange) behind(ctx context.Context) (*planning, error) {
	c, err := x.chain()
	if err != nil {
		return nil, err
	}
	p := &planning{s: x.s, o: x.o, say: x.say, ask: &Ask{Who: x.ask.Who, Why: x.ask.Why}, plan: &domain.Plan{
		Pipeline: x.o.Config.Name, Created: x.o.Journal.Now(),
		Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeShadow, Name: x.shadow, Shadow: x.plan.ID},
	}}
	for shard := range x.o.Configured.Shards {
		live, err := now(ctx, x.o.Journal, domain.Stream{Pipeline: x.o.Config.Name, Shard: shard, Leg: domain.LegDoris})
		if err != nil {
			return nil, err
		}
		l := domain.PlanLane{Shard: shard, First: c.ends[shard].Seq + 1, Last: live.last}
		if live.last.Seq < l.First {
			continue
		}
		drawn, err := p.countLane(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("count what shard %d has to catch up: %w", shard, err)
		}
		if drawn.First > 0 {
			p.plan.Lanes = append(p.plan.Lanes, drawn)
			p.plan.Scope.Seqs = append(p.plan.Scope.Seqs, domain.SeqSpan{Shard: shard, First: drawn.First, Last: drawn.Last.Seq})
		}
	}
	return p, nil
}

// catchUp gives the table the rows that were loaded into the live one by now: first those of a
// plan that was broken off, then those of a new one.
func (x *exchange) catchUp(ctx context.Context) error {
	c, err := x.chain()
	if err != nil {
		return err
	}
	if c.left != nil {
		if err := x.carry(ctx, c.left); err != nil {
			return err
		}
	}
	p, err := x.behind(ctx)
	if err != nil || p.plan.Expect.Rows == 0 {
		return err
	}
	if _, err := rand.Read(p.plan.ID[:]); err != nil {
		return fmt.Errorf("choose an id: %w", err)
	}
	p.batches()
	r, err := p.record(ctx)
	if err != nil {
		return err
	}
	x.say(fmt.Sprintf("replay %s brings table %s up to date: %s rows", p.plan.ID, x.shadow, humanize.Comma(p.plan.Expect.Rows)))
	if err := x.carry(ctx, r); err != nil {
		return err
	}
	x.caught += p.plan.Expect.Rows
	return nil
}

// carry has a plan carried out and waits for its end.
func (x *exchange) carry(ctx context.Context, r *domain.Replay) error {
	id := r.Planned.ID
	d := &Decision{Who: x.ask.Who, Why: x.ask.Why, Digest: &r.Planned.Digest}
	action := Approve
	switch r.State {
	case domain.PlanRunning, domain.PlanVerifying:
		action = ""
	case domain.PlanPaused:
		action = Resume
	default: // it is planned, or it failed
	}
	if action != "" {
		if err := decide(ctx, x.o, id, action, d); err != nil {
			return err
		}
	}
	var end domain.Replay
	err := x.o.Control.Wait(ctx, func(c *domain.ControlState) bool {
		end = *c.Replays[id]
		return end.State != domain.PlanRunning && end.State != domain.PlanVerifying
	})
	switch {
	case err != nil:
		return fmt.Errorf("wait for replay %s: %w", id, err)
	case end.State == domain.PlanDone:
		return nil
	case end.State == domain.PlanFailed:
		return &refusedError{fmt.Sprintf("replay %s, which brings table %s up to date, failed: %s; %s", id, x.shadow, end.Last().Why, end.Last().Next)}
	default:
		return &refusedError{fmt.Sprintf("replay %s, which brings table %s up to date, was %s by %s: %s", id, x.shadow, end.State, end.Last().Who, end.Last().Why)}
	}
}
