package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/pipeline"
)

// holdFor is how long the loads of the live table may stand still for an exchange that is not
// begun yet: for loads under way to end, and for the last rows to be caught up.
const holdFor = 2 * time.Minute

// SwapAsk is the body of POST /v1/replays/{id}/swap.
type SwapAsk struct {
	Who  string `json:"who" doc:"the person who decides" minLength:"1" maxLength:"200"`
	Why  string `json:"why" doc:"the reason; it stays in the journal" minLength:"1" maxLength:"2000"`
	Back bool   `json:"back,omitempty" doc:"the way back: the table that was live before is to be it again"`
}

// Exchange is what an exchange of tables came to.
type Exchange struct {
	Plan   domain.PlanID `json:"plan"`
	Live   string        `json:"live"`
	Shadow string        `json:"shadow" doc:"where the table is that was live before"`
	Back   bool          `json:"back"`
	Caught int64         `json:"caught_up" doc:"rows that were loaded since and that the table was given before"`
	Held   float64       `json:"held_seconds" doc:"for how long no load of the live table was begun"`
	How    string        `json:"how" doc:"how the outcome is known"`
}

// exchange is one exchange of a replay's table with the live one, under way.
//
// The table under the shadow's name is brought up to the live one's state; then the loads of the
// live table are held, since one that is prepared before the exchange and committed after it goes
// into the table that it was prepared for; what came meanwhile is caught up; and then both have
// the same rows, so that whichever is live after a crash is the right one to load into. The way
// back is the same.
type exchange struct {
	s    *Service
	o    *pipeline.Open
	plan *domain.Plan
	ask  *SwapAsk
	say  func(string)

	shadow  string // where the table stands that is not the live one
	caught  int64
	unknown bool // whether the tables are exchanged, which whoever comes next finds out
}

// swap exchanges the shadow table of a plan with the live one. Errors: *refusedError where that
// may not be, and why; any other means that it could not be done, and TableSwap on control says
// how far it came.
func (s *Service) swap(ctx context.Context, o *pipeline.Open, plan *domain.Plan, ask *SwapAsk, say func(string)) (*Exchange, error) {
	leave, free := s.alone(o)
	if !free {
		return nil, &refusedError{"another exchange of tables is under way in pipeline " + o.Config.Name}
	}
	defer leave()
	x := &exchange{s: s, o: o, plan: plan, ask: ask, say: say}
	if err := x.check(); err != nil {
		return nil, err
	}
	if err := s.settleSwap(ctx, o); err != nil {
		return nil, err
	}
	o.Control.State(func(c *domain.ControlState) { x.shadow = c.Beside(plan) })
	if err := x.stands(ctx); err != nil {
		return nil, err
	}
	if err := x.ours(ctx); err != nil {
		return nil, err
	}
	if err := x.catchUp(ctx); err != nil {
		return nil, err
	}
	if !ask.Back {
		// The table that was live before was good enough to be live: of it, only what is added is
		// compared.
		if err := x.compare(ctx); err != nil {
			return nil, err
		}
		if err := x.catchUp(ctx); err != nil {
			return nil, err
		}
	}
	return x.held(ctx)
}

// check refuses what needs no question to anybody.
func (x *exchange) check() error {
	t, scope, id := x.plan.Target, &x.plan.Scope, x.plan.ID
	switch {
	case t.Kind != domain.TargetTable || t.Mode != domain.ModeShadow:
		return &refusedError{fmt.Sprintf("replay %s made no shadow table: there is nothing to exchange", id)}
	case x.o.Config.ReadHub != nil && x.o.Config.ReadHub.Bounded != "":
		return &refusedError{fmt.Sprintf("pipeline %s ends at a bound, and from there on the rows of table %s are another pipeline's, whose loads nobody here can hold: under the live name they would be missing", x.o.Config.Name, x.o.Configured.Table)}
	case !t.Shadow.IsZero():
		return &refusedError{fmt.Sprintf("replay %s brought the table of replay %s up to date: exchange that one", id, t.Shadow)}
	case scope.AsOf != nil:
		return &refusedError{fmt.Sprintf("replay %s made the table as it stood at a moment: under the live name everything that was loaded since would be missing, and Hefu would not load it again. "+
			"Make a plan of everything and exchange that one: hefu replay plan --all --into table --name %s_all --why …", id, x.o.Configured.Table)}
	case !scope.Everything() || !x.plan.Rows.All():
		return &refusedError{fmt.Sprintf("replay %s carried a part of the rows: under the live name the others would be missing. "+
			"Make a plan of everything: hefu replay plan --all --into table --name %s_all --why …; or fill in what is missing: --fill-missing", id, x.o.Configured.Table)}
	}
	var err error
	x.o.Control.State(func(c *domain.ControlState) { err = x.mayNow(c) })
	return err
}

// mayNow is why the exchange may not be at this moment, by what control says.
func (x *exchange) mayNow(c *domain.ControlState) error {
	if err := x.mine(c); err != nil {
		return err
	}
	if r := c.Replays[x.plan.ID]; r == nil || r.State != domain.PlanDone {
		return &refusedError{fmt.Sprintf("replay %s is not done: only a table that was verified is exchanged", x.plan.ID)}
	}
	for _, id := range c.Planned {
		r := c.Replays[id]
		busy := r.State == domain.PlanRunning || r.State == domain.PlanVerifying
		if busy && (r.Plan == nil || r.Plan.Target.Shadow != x.plan.ID) {
			return &refusedError{fmt.Sprintf("replay %s is %s: wait for its end, or pause it", id, r.State)}
		}
	}
	return nil
}

// stands demands that the tables are not exchanged already.
func (x *exchange) stands(ctx context.Context) error {
	is, err := x.swapped(ctx)
	var other *projections.Refusal
	switch {
	case errors.As(err, &other):
		return &refusedError{other.Reason}
	case err != nil:
		return err
	case is && !x.ask.Back:
		return &refusedError{fmt.Sprintf("the table of replay %s is the live one already; the way back: %s", x.plan.ID, x.way(true))}
	case !is && x.ask.Back:
		return &refusedError{fmt.Sprintf("the table of replay %s is not the live one: there is no way back from that", x.plan.ID)}
	}
	return nil
}

// ours demands that every row of the live table may be one of the journal's: the others, of the job
// that loaded the table before or from before a journal that was made anew, are in no shadow.
func (x *exchange) ours(ctx context.Context) error {
	if x.ask.Back {
		return nil
	}
	live, others := x.o.Configured.Table, int64(0)
	err := x.s.withDoris(x.o, func(c *dorisconn.Cluster) (err error) {
		others, err = doris.RowsBefore(ctx, c, live, x.shadow, x.o.Configured.HubPartitions)
		return err
	})
	if err == nil && others > 0 {
		err = &refusedError{fmt.Sprintf("table %s has %s rows from before the first ones of this journal, of a job or of a journal that was there before: no replay carries them, and under the live name they would be missing. "+
			"Put the live table right as it is: hefu replay plan --all --fill-missing, then --delete-duplicates", live, humanize.Comma(others))}
	}
	return err
}

func (x *exchange) way(back bool) string {
	text := "hefu swap " + x.plan.ID.String()
	if back {
		text += " --back"
	}
	return text + " --why …"
}

// swapped asks Doris which table is which.
func (x *exchange) swapped(ctx context.Context) (is bool, err error) {
	err = x.s.withDoris(x.o, func(c *dorisconn.Cluster) error {
		is, err = doris.Swapped(ctx, c, x.o.Configured.Table, x.shadow, x.plan.ID)
		return err
	})
	return is, err
}

// compare holds the whole table against the journal, once more: somebody may have written to it.
func (x *exchange) compare(ctx context.Context) error {
	c, err := x.chain()
	if err != nil {
		return err
	}
	x.say("comparing table " + x.shadow + " with the journal")
	v, err := x.s.prover.ProvePlan(ctx, c.whole(x.plan, x.shadow), x.say)
	if err != nil {
		return fmt.Errorf("compare table %s: %w", x.shadow, err)
	}
	if !v.Good {
		return &refusedError{fmt.Sprintf("table %s is not what the replay made of it any more: %s (hefu report show %s): make a new plan", x.shadow, v.Text, v.Report)}
	}
	return nil
}

// held holds the loads of the live table, catches up with the last of them, and exchanges.
func (x *exchange) held(ctx context.Context) (*Exchange, error) {
	waiting, cancel := context.WithTimeout(ctx, holdFor)
	defer cancel()
	began := time.Now()
	release, err := x.hold(waiting)
	if err == nil {
		defer func() {
			if !x.unknown {
				release()
			}
		}()
		err = x.lastRows(waiting)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return nil, &refusedError{fmt.Sprintf("the loads of table %s were held for %s, and that was not enough (%v): nothing is exchanged, loads go on; try again when less comes", x.o.Configured.Table, holdFor, err)}
	case err != nil:
		return nil, err
	}
	crash.Point("swap.held")
	end, err := x.exchange(ctx)
	if err != nil {
		return nil, err
	}
	return &Exchange{
		Plan: x.plan.ID, Live: end.Live, Shadow: end.Shadow, Back: x.ask.Back, Caught: x.caught,
		Held: time.Since(began).Seconds(), How: end.How,
	}, nil
}

// hold returns when no load of the live table is under way, and none begins until release.
func (x *exchange) hold(ctx context.Context) (release func(), err error) {
	x.say("holding the loads of table " + x.o.Configured.Table)
	release, err = x.s.legs.DorisLeg(x.o, 0).Cadence.Hold(ctx)
	if err != nil {
		return nil, fmt.Errorf("hold the loads of table %s: %w", x.o.Configured.Table, err)
	}
	for _, s := range x.loads() {
		if err := x.nothingOpen(ctx, s); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}

// loads are the streams of all that loads into the live table: its legs, and replays that fill it.
func (x *exchange) loads() (out []domain.Stream) {
	for shard := range x.o.Configured.Shards {
		out = append(out, domain.Stream{Pipeline: x.o.Config.Name, Shard: shard, Leg: domain.LegDoris})
	}
	x.o.Control.State(func(c *domain.ControlState) {
		for _, id := range c.Planned {
			if p := c.Replays[id].Plan; p != nil && p.Target.Kind == domain.TargetTable && p.Target.Mode == domain.ModeFillMissing {
				for _, l := range p.Lanes {
					out = append(out, p.Stream(l.Shard))
				}
			}
		}
	})
	return out
}

// nothingOpen waits until the last intent of a stream has an outcome.
func (x *exchange) nothingOpen(ctx context.Context, s domain.Stream) error {
	for {
		v, err := now(ctx, x.o.Journal, s)
		if err != nil {
			return err
		}
		if v.open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the outcome of %s@%d: %w", s, v.open, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lastRows catches up while the table is held: after that, nothing is left to be caught up.
func (x *exchange) lastRows(ctx context.Context) error {
	if err := x.catchUp(ctx); err != nil {
		return err
	}
	left, err := x.behind(ctx)
	if err == nil && left.plan.Expect.Rows > 0 {
		err = fmt.Errorf("%s rows came into table %s while its loads were held: nothing is exchanged", humanize.Comma(left.plan.Expect.Rows), x.o.Configured.Table)
	}
	return err
}
