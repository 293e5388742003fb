package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/pipeline"
)

// run is one replay while this process carries it out.
type run struct {
	s    *Service
	o    *pipeline.Open
	plan *domain.Plan
	pace *projections.Pace
	gate *gate

	lanes []*lane // of the shards that this process takes
	began time.Time
}

// lane is a run's part in one shard.
type lane struct {
	domain.PlanLane
	reporter *projections.Reporter
	at       atomic.Uint64 // the last event that was carried before this run, 0 for none
}

// stopped says that an operator stopped the replay.
var errStopped = errors.New("stopped by an operator")

// carryOut takes a replay as far as it goes: to its end, to an operator's stop, or to the end of
// the context, after which whoever comes next goes on. Errors: *journal.FencedError.
func (s *Service) carryOut(ctx context.Context, o *pipeline.Open, r *domain.Replay) error {
	x, err := s.begin(o, r)
	if err != nil {
		return s.move(ctx, o, r.Planned, &domain.ReplayMoved{To: domain.PlanFailed, Why: err.Error(), Next: "make a new plan"})
	}
	s.enter(x)
	defer s.leave(x)
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g, heeding := errgroup.WithContext(working)
	g.Go(func() error { return x.heed(heeding, stop) })
	g.Go(func() error {
		err := x.work(heeding, r.State)
		stop(err) // nothing is heeded any more
		return err
	})
	err = g.Wait()
	var fenced *journal.FencedError
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &fenced):
		return err
	case errors.Is(context.Cause(working), errStopped):
		return x.settle(ctx)
	case err == nil:
		return nil
	}
	if err := x.settle(ctx); err != nil {
		return err
	}
	return s.move(ctx, o, r.Planned, failed(err))
}

// begin makes the run of a replay, whose text must be what was approved.
func (s *Service) begin(o *pipeline.Open, r *domain.Replay) (*run, error) {
	plan, err := domain.ParsePlan([]byte(r.Planned.Text))
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", r.Planned.ID, err)
	}
	if plan.Digest() != r.Planned.Digest || plan.ID != r.Planned.ID || plan.Pipeline != o.Config.Name {
		return nil, fmt.Errorf("replay %s: the plan on control is not the one with digest %s", r.Planned.ID, r.Planned.Digest)
	}
	x := &run{s: s, o: o, plan: plan, pace: projections.NewPace(r.Limits), gate: newGate(r.Limits.Concurrency), began: time.Now()}
	for _, l := range plan.Lanes {
		if s.writes(plan.Target.Kind) && slices.Contains(o.Shards, l.Shard) {
			x.lanes = append(x.lanes, &lane{PlanLane: l, reporter: projections.NewReporter(plan.Stream(l.Shard))})
		}
	}
	return x, nil
}

// writes reports whether this process has the leg that writes such a target.
func (s *Service) writes(kind domain.TargetKind) bool {
	role := s.set.Role()
	switch kind {
	case domain.TargetTable:
		return role.Has(domain.LegDoris)
	case domain.TargetTopic:
		return role.Has(domain.LegHub)
	default:
		return role.Has(domain.LegHub) || role.Has(domain.LegDoris)
	}
}

// leads reports whether this process takes the replay from state to state: the one that has
// the first of its shards.
func (x *run) leads() bool {
	if !x.s.writes(x.plan.Target.Kind) {
		return false
	}
	first := 0
	if len(x.plan.Lanes) > 0 {
		first = x.plan.Lanes[0].Shard
	}
	return slices.Contains(x.o.Shards, first)
}

// heed follows what operators decide: other limits, and a stop.
func (x *run) heed(ctx context.Context, stop context.CancelCauseFunc) error {
	limits := x.pace.Limits()
	var now domain.Replay
	moved := func(c *domain.ControlState) bool {
		now = *c.Replays[x.plan.ID]
		return now.Limits != limits || now.State != domain.PlanRunning && now.State != domain.PlanVerifying
	}
	for x.o.Control.Wait(ctx, moved) == nil {
		switch now.State {
		case domain.PlanRunning, domain.PlanVerifying:
			limits = now.Limits
			x.pace.Set(limits)
			x.gate.set(limits.Concurrency)
		default:
			stop(errStopped)
			return nil
		}
	}
	return nil
}

// work carries rows and has the outcome verified.
func (x *run) work(ctx context.Context, state domain.PlanState) error {
	said := ""
	if state == domain.PlanRunning {
		var err error
		if said, err = x.carry(ctx); err != nil {
			return err
		}
	}
	if !x.leads() {
		return x.o.Control.Wait(ctx, func(c *domain.ControlState) bool {
			now := c.Replays[x.plan.ID].State
			return now != domain.PlanRunning && now != domain.PlanVerifying
		})
	}
	if state == domain.PlanRunning {
		if err := x.others(ctx); err != nil {
			return err
		}
		if err := x.move(ctx, &domain.ReplayMoved{To: domain.PlanVerifying, Why: said}); err != nil {
			return err
		}
	}
	return x.verify(ctx)
}

// carry gives the target its rows, or rids it of some.
func (x *run) carry(ctx context.Context) (said string, err error) {
	if x.plan.Target.Mode == domain.ModeDeleteDuplicates {
		if !x.leads() {
			return "", nil
		}
		return x.remove(ctx)
	}
	if err := x.prepare(ctx); err != nil {
		return "", err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range x.lanes {
		g.Go(func() error {
			if err := x.gate.enter(ctx); err != nil {
				return err
			}
			defer x.gate.leave()
			return x.lane(ctx, l)
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	return "every row is carried", ctx.Err()
}

// others waits for the lanes that other processes carry.
func (x *run) others(ctx context.Context) error {
	if x.plan.Target.Mode == domain.ModeDeleteDuplicates {
		return nil
	}
	for _, l := range x.plan.Lanes {
		for {
			done, err := x.finished(ctx, l)
			if err != nil {
				return err
			}
			if done {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
	return nil
}

// finished reports whether a lane is carried to its end.
func (x *run) finished(ctx context.Context, l domain.PlanLane) (bool, error) {
	at, open, err := x.carried(ctx, l.Shard)
	return err == nil && !open && at == l.Last, err
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

// verify has the reconciler compare what the target has now.
func (x *run) verify(ctx context.Context) error {
	v, err := x.s.prover.ProvePlan(ctx, x.plan, func(string) {})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if v.Good {
		return x.move(ctx, &domain.ReplayMoved{To: domain.PlanDone, Why: v.Text, Report: v.Digest})
	}
	return x.move(ctx, &domain.ReplayMoved{
		To: domain.PlanFailed, Why: v.Text, Report: v.Digest, Next: "read the report (hefu report show " + v.Report + "), then make a plan of what it found",
	})
}
