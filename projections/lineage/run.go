package lineage

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/journal"
)

// pending is how many outcomes are read ahead; they are small.
const pending = 16

// Run implements projections.Leg: gather rows, write, until something is unknown.
func (l *leg) Run(ctx context.Context) error {
	g, inner := errgroup.WithContext(ctx)
	events := make(chan *journal.Entry, pending)
	g.Go(func() error { return l.read(inner, events) })
	g.Go(func() error {
		for {
			b, err := l.gather(inner, events)
			if err != nil {
				return err
			}
			if err := l.carry(inner, b); err != nil {
				return err
			}
		}
	})
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// read follows the outcomes after the cursor.
func (l *leg) read(ctx context.Context, out chan<- *journal.Entry) error {
	r, err := l.j.Read(ctx, l.followed(), l.cursor)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if !isOutcome(e.Event) {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case out <- e:
		}
	}
}

// gather waits for rows and takes what comes until a limit is reached.
func (l *leg) gather(ctx context.Context, events <-chan *journal.Entry) (*block, error) {
	b := &block{}
	var old <-chan time.Time
	for len(b.lines) < l.cfg.Batch.Rows {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-old:
			return b, nil
		case e := <-events:
			if err := l.walk.add(ctx, b, e); err != nil {
				return nil, err
			}
			if old == nil && len(b.lines) > 0 {
				age := time.NewTimer(l.cfg.Batch.Age)
				defer age.Stop()
				old = age.C
			}
		}
	}
	return b, nil
}
