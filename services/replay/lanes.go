package replay

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// carryLanes carries the lanes of this process to their ends, so many at once as the limits let.
func (x *run) carryLanes(ctx context.Context) error {
	for _, l := range x.lanes {
		at, _, err := x.carried(ctx, l.Shard)
		if err != nil {
			return err
		}
		l.at.Store(uint64(at.Seq))
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range x.lanes {
		g.Go(func() error {
			if err := x.gate.enter(ctx); err != nil {
				return err
			}
			defer x.gate.leave()
			return x.carryLane(ctx, l)
		})
	}
	return g.Wait()
}

// carryLane carries one lane to its end: opened again after any error, as every leg is.
func (x *run) carryLane(ctx context.Context, l *lane) error {
	opener, err := x.opener(l)
	if err != nil {
		return err
	}
	r := &projections.Runner{
		Stream: x.plan.Stream(l.Shard), Opener: opener, Incidents: x.o.Incidents, Reporter: l.reporter, Log: x.s.log,
		Backoff: pauseFirst, MaxBackoff: pauseLast, Ends: true,
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

// othersEvery is how often the lanes of other processes are looked at.
const othersEvery = time.Second

// others waits for the lanes that other processes carry.
func (x *run) others(ctx context.Context) error {
	if x.plan.Target.Mode == domain.ModeDeleteDuplicates {
		return nil
	}
	x.tell("waiting for the other shards")
	for _, l := range x.plan.Lanes {
		for {
			at, open, err := x.carried(ctx, l.Shard)
			if err != nil {
				return err
			}
			if !open && at == l.Last {
				break
			}
			wait := othersEvery
			if err := rest(ctx, &wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// carried is how far a lane is carried, as the last commit of its stream says, and whether
// something is open.
func (x *run) carried(ctx context.Context, shard int) (at domain.Cursor, open bool, err error) {
	tail, err := x.o.Journal.Tail(ctx, x.plan.Stream(shard))
	if errors.Is(err, journal.ErrNotFound) {
		return at, false, nil
	}
	if err != nil {
		return at, false, err
	}
	trail := domain.TrailOf(tail.Event).After(tail.Seq, tail.Event)
	if trail.Commit == 0 {
		return at, trail.Open(), nil
	}
	e, err := x.o.Journal.Get(ctx, tail.Stream, trail.Commit)
	if err != nil {
		return at, false, err
	}
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		at = ev.Cursor
	case *domain.DorisCommitted:
		at = ev.Cursor
	}
	return at, trail.Open(), nil
}
