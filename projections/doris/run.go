package doris

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// pending is how many hub events are read ahead; they are small.
const pending = 64

// Run implements projections.Leg: gather, load, settle, until something is unknown, or the
// end of a replay's lane is on record: then it is nil before the context ends. A load that is
// under way when the context ends is broken off; the next owner settles it.
func (l *leg) Run(ctx context.Context) error {
	g, inner := errgroup.WithContext(ctx)
	events := make(chan arrival, pending)
	g.Go(func() error { return l.read(inner, events) })
	g.Go(func() error { return l.watchOrphans(inner) })
	g.Go(func() error {
		for {
			b, err := l.gather(inner, events)
			if err != nil {
				return err
			}
			if err := l.admitted(inner, b); err != nil {
				return err
			}
		}
	})
	if err := g.Wait(); ctx.Err() == nil && !errors.Is(err, errEnd) {
		return err
	}
	return nil
}

// read follows the input after the cursor; out is closed at the end of a replay's lane.
func (l *leg) read(ctx context.Context, out chan<- arrival) error {
	if l.Done() {
		close(out)
		return nil
	}
	r, err := l.follow(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	cut := l.cutter()
	defer cut.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		a := arrival{ref: e.Ref()}
		if a.commit, err = l.taken(ctx, cut, e); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case out <- a:
		}
		if last, err := l.isLast(e); err != nil || last {
			close(out)
			return err
		}
	}
}
