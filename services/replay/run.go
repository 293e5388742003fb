package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

	leads bool    // this process takes the replay from state to state
	lanes []*lane // that this process carries
	began time.Time
	step  atomic.Pointer[string] // what is being done, for people
	wrong atomic.Pointer[string] // what went wrong and is tried again
}

// lane is a run's part in one shard.
type lane struct {
	domain.PlanLane
	reporter *projections.Reporter
	at       atomic.Uint64 // the last event that was carried before this run, 0 for none
}

// errStopped says that the replay is not to go on: an operator stopped it, or it is at its end.
var errStopped = errors.New("stopped by what control says")

// carryOut takes a replay as far as it goes: to its end, to an operator's stop, or to the end of
// the context, after which whoever comes next goes on. Errors: *journal.FencedError.
func (s *Service) carryOut(ctx context.Context, o *pipeline.Open, r *domain.Replay) error {
	x, err := s.begin(o, r)
	if err != nil {
		s.move(ctx, o, r.Planned, &domain.ReplayMoved{To: domain.PlanFailed, Why: err.Error(), Next: "make a new plan"})
		return nil
	}
	s.enter(x)
	defer s.leave(x)
	working, stop := context.WithCancelCause(ctx)
	var heeding sync.WaitGroup
	heeding.Go(func() { x.heed(working, stop) })
	err = x.work(working)
	stop(err) // nothing is heeded any more
	heeding.Wait()
	var fenced *journal.FencedError
	switch {
	case errors.As(err, &fenced):
		return err
	case ctx.Err() != nil:
		return nil
	case errors.Is(context.Cause(working), errStopped):
		return x.settle(ctx)
	case err == nil:
		return nil
	}
	if err := x.settle(ctx); err != nil {
		return err
	}
	x.move(ctx, failed(err))
	return nil
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
	if len(plan.Lanes) == 0 {
		return nil, fmt.Errorf("replay %s: its plan reads nothing", r.Planned.ID)
	}
	writes := s.set.Role().Has(plan.CarriedBy(&o.Configured))
	x.leads = writes && slices.Contains(o.Shards, plan.Lanes[0].Shard)
	for _, l := range plan.Lanes {
		mine := writes && slices.Contains(o.Shards, l.Shard)
		if k := plan.Target.Kind; k == domain.TargetFile || k == domain.TargetNull {
			mine = x.leads // the files of a plan are all on one host, where they are verified
		}
		if mine {
			x.lanes = append(x.lanes, &lane{PlanLane: l, reporter: projections.NewReporter(plan.Stream(l.Shard))})
		}
	}
	return x, nil
}

// heed follows what operators decide, other limits and a stop, until the context ends.
func (x *run) heed(ctx context.Context, stop context.CancelCauseFunc) {
	limits := x.pace.Limits()
	var now domain.Replay
	moved := func(c *domain.ControlState) bool {
		now = *c.Replays[x.plan.ID]
		return now.Limits != limits || !goesOn(now.State)
	}
	for x.o.Control.Wait(ctx, moved) == nil {
		if !goesOn(now.State) {
			stop(errStopped)
			return
		}
		limits = now.Limits
		x.pace.Set(limits)
		x.gate.set(limits.Concurrency)
	}
}

// goesOn reports whether a replay in some state is one to work at.
func goesOn(s domain.PlanState) bool { return s == domain.PlanRunning || s == domain.PlanVerifying }

// state is what control says of the replay now.
func (x *run) state() (s domain.PlanState) {
	x.o.Control.State(func(c *domain.ControlState) { s = c.Replays[x.plan.ID].State })
	return s
}

// What goes wrong outside of the lanes, which are opened again for as long as it takes, is tried
// again so often, with a pause that doubles up to pauseLast: some minutes in all.
const mostTries = 10

// work takes the replay to its end; what goes wrong and is no refusal is tried again.
func (x *run) work(ctx context.Context) error {
	wait := pauseFirst
	for tries := 1; ; tries++ {
		err := x.once(ctx)
		if err == nil || ctx.Err() != nil || isFinal(err) {
			return err
		}
		if tries == mostTries {
			return fmt.Errorf("tried %d times, at last: %w", tries, err)
		}
		text := err.Error()
		if said := x.wrong.Swap(&text); said == nil || *said != text {
			x.s.log.WarnContext(ctx, "step of a replay is tried again after an error", "replay", x.plan.ID.String(), "error", err)
		}
		if rest(ctx, &wait) != nil {
			return ctx.Err()
		}
	}
}

// rest waits, each time twice as long.
func rest(ctx context.Context, wait *time.Duration) error {
	timer := time.NewTimer(*wait)
	defer timer.Stop()
	*wait = min(2**wait, pauseLast)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isFinal reports whether it is of no use to try again: something is refused, another process has
// taken over, or the journal is not sound.
func isFinal(err error) bool {
	var ends interface{ ExitCode() int }
	var next *nextError
	return errors.As(err, &ends) || errors.As(err, &next) || projections.Unsound(domain.Stream{}, err) != nil
}

// once carries rows and has the outcome verified, from the state on that control says.
func (x *run) once(ctx context.Context) error {
	state, said := x.state(), ""
	if state == domain.PlanRunning {
		var err error
		if said, err = x.carry(ctx); err != nil {
			return err
		}
	}
	x.wrong.Store(nil)
	switch {
	case !goesOn(state):
		return nil
	case !x.leads:
		return x.o.Control.Wait(ctx, func(c *domain.ControlState) bool { return !goesOn(c.Replays[x.plan.ID].State) })
	case state == domain.PlanRunning:
		if err := x.others(ctx); err != nil {
			return err
		}
		x.move(ctx, &domain.ReplayMoved{To: domain.PlanVerifying, Why: said})
	}
	return x.verify(ctx)
}

// carry gives the target its rows, or rids it of some.
func (x *run) carry(ctx context.Context) (said string, err error) {
	if x.plan.Target.Mode == domain.ModeDeleteDuplicates {
		if !x.leads {
			return "", nil
		}
		return x.remove(ctx)
	}
	if len(x.lanes) == 0 {
		return "", nil
	}
	x.tell("making the target")
	if err := x.prepare(ctx); err != nil {
		return "", err
	}
	x.tell("carrying rows")
	return "every row is carried", x.carryLanes(ctx)
}

// tell says what is being done, for whoever looks.
func (x *run) tell(step string) { x.step.Store(&step) }
