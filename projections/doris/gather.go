package doris

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// gathering is a batch that grows until it is full, or is old and has its turn in the
// table's budget of loads.
type gathering struct {
	l    *leg
	b    *draft
	age  *time.Timer // since its first row
	turn *turn       // once it waits for one
}

// gather waits for rows and takes what comes until a limit is reached; a batch whose time
// has come goes on growing until it has its turn. Hub events without rows go with the
// next rows.
func (l *leg) gather(ctx context.Context, events <-chan *journal.Entry) (*draft, error) {
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
		if g.b.full(l.cfg.Batch) {
			if l.cfg.Cadence.pass() {
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
		case e := <-more:
			if err := g.take(ctx, e); err != nil {
				return nil, err
			}
		}
	}
}

// take adds a hub event.
func (g *gathering) take(ctx context.Context, e *journal.Entry) error {
	c := g.b.add(e)
	if c == nil {
		return nil
	}
	if g.l.careful {
		if err := g.l.exclude(ctx, g.b, c); err != nil {
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
		g.turn = g.l.cfg.Cadence.join()
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

func (g *gathering) say(waiting string) {
	g.l.reporter.Update(func(s *projections.Status) { s.Waiting = waiting })
}
