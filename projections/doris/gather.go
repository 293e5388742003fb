package doris

import (
	"context"
	"errors"
	"time"

	"github.com/hefu-io/hefu/projections"
)

// gathering is a batch that grows until it is full, or is old and has its turn in the
// table's budget of loads.
type gathering struct {
	l    *leg
	b    *draft
	age  *time.Timer // since its first row
	turn *turn       // once it waits for one
	last bool        // nothing comes any more
}

// errEnd says that the lane of a replay is carried to its end.
var errEnd = errors.New("the lane is at its end")

// gather waits for rows and takes what comes until a limit is reached; a batch whose time
// has come goes on growing until it has its turn. Hub events without rows go with the
// next rows; those at the end of a replay's lane go alone, in a batch without a load, so that
// the end is on record. Errors: errEnd, the context's, those of exclude.
func (l *leg) gather(ctx context.Context, events <-chan arrival) (*draft, error) {
	g := &gathering{l: l, b: newDraft()}
	defer g.end()
	for {
		var old <-chan time.Time
		var ready <-chan struct{}
		switch {
		case g.turn != nil:
			ready = g.turn.ready
		case g.age != nil:
			old = g.age.C
		}
		more := events
		if full := g.b.full(l.limits()); full || g.last {
			switch {
			case g.b.first.IsZero():
				return nil, errEnd
			case g.b.rows == 0 && g.last, full && !l.fills() && l.cfg.Cadence.pass():
				return g.b, nil
			}
			more = nil
			g.wait()
			ready = g.turn.ready
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ready:
			return g.b, nil
		case <-old:
			g.wait()
		case a, comes := <-more:
			if g.last = !comes; g.last {
				continue
			}
			if err := g.take(ctx, a); err != nil {
				return nil, err
			}
		}
	}
}

// take adds a hub event.
func (g *gathering) take(ctx context.Context, a arrival) error {
	g.b.add(a)
	if a.commit == nil {
		return nil
	}
	if g.l.careful {
		if err := g.l.exclude(ctx, g.b, a.commit); err != nil {
			return err
		}
	}
	if g.age == nil {
		g.age = time.NewTimer(g.l.cfg.Batch.Age)
	}
	return nil
}

// wait queues up for a turn and says so.
func (g *gathering) wait() {
	if g.turn == nil {
		g.turn = g.l.cfg.Cadence.join(g.l.fills())
		g.say(g.l.cfg.Cadence.String())
	}
}

// end gives back what the gathering holds.
func (g *gathering) end() {
	if g.age != nil {
		g.age.Stop()
	}
	if g.turn != nil {
		g.turn.leave()
		g.say("")
	}
}

func (g *gathering) say(waiting string) { g.l.say(waiting) }

// say tells people what a batch waits for, or that it does not any more.
func (l *leg) say(waiting string) {
	l.reporter.Update(func(s *projections.Status) { s.Waiting = waiting })
}
