package doris

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/journal"
)

// pending is how many hub events are read ahead; they are small.
const pending = 64

// Run implements projections.Leg: gather, load, settle, until something is unknown. A
// load that is under way when the context ends is broken off; the next owner settles it.
func (l *leg) Run(ctx context.Context) error {
	g, inner := errgroup.WithContext(ctx)
	events := make(chan *journal.Entry, pending)
	g.Go(func() error { return l.read(inner, events) })
	g.Go(func() error { return l.watchOrphans(inner) })
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

// read follows the input after the cursor.
func (l *leg) read(ctx context.Context, out chan<- *journal.Entry) error {
	r, err := l.j.Read(ctx, l.streamOf(l.input), l.cursor)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case out <- l.slim(e):
		}
	}
}
