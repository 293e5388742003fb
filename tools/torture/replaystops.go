package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
)

// replayStop is a replay that an operator stops while it carries rows. Hefu dies at a point of that
// decision, which is the second one of its life; with no point just after the answer.
type replayStop struct {
	action replay.Action
	name   string
}

// String is the name under which it is printed, and chosen with -only.
func (p replayStop) String() string {
	if p.name == "" {
		return "replay/" + string(p.action) + "/answered"
	}
	return "replay/" + string(p.action) + "/" + p.name
}

// stopped is the state that it is in then.
func (p replayStop) stopped() domain.PlanState {
	if p.action == replay.Pause {
		return domain.PlanPaused
	}
	return domain.PlanCancelled
}

func replayStops() (all []replayStop) {
	for _, action := range []replay.Action{replay.Pause, replay.Cancel} {
		for _, name := range []string{"replay.decided.before", "replay.decided.after", ""} {
			all = append(all, replayStop{action, name})
		}
	}
	return all
}

// hitStops kills hefu where it stops a replay, and demands that not a row more is carried until it
// is resumed, and never where it was cancelled.
func (r *replaying) hitStops(ctx context.Context, o options, out *results) error {
	for _, p := range replayStops() {
		if !o.wants(p.String()) {
			continue
		}
		began, x := time.Now(), result{name: p.String()}
		for range o.hits {
			if err := r.stop(ctx, p); err != nil {
				x.other, x.note = x.other+1, err.Error()
			} else {
				x.hits++
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		out.rows = append(out.rows, x)
		fmt.Printf("%-40s hits %d other %d stuck %d, %s %s\n", x.name, x.hits, x.other, x.stuck, time.Since(began).Round(100*time.Millisecond), x.note)
	}
	return nil
}

// stop is a life in which a replay begins and is stopped, and those that find it so.
func (r *replaying) stop(ctx context.Context, p replayStop) error {
	r.plans++
	now, err := r.dieStopping(ctx, p)
	if err != nil {
		return err
	}
	c, err := r.found(ctx, now, p, p.name == "replay.decided.before")
	if err != nil {
		return err
	}
	defer func() { c.kill() }()
	rows, err := r.still(ctx, c, now, p)
	if err != nil {
		return err
	}
	if p.action == replay.Pause {
		c.post(ctx, "/v1/replays/"+now.ID.String()+"/resume", replay.Decision{Who: who, Why: "go on"})
		c.post(ctx, "/v1/replays/"+now.ID.String()+"/limits", replay.Decision{Who: who, Why: "it was slow enough", Limits: &domain.PlanLimits{Rows: 1 << 40}})
		end, err := c.untilReplay(ctx, now.ID, r.w.o.rounds, isOver)
		if err == nil && end.State != domain.PlanDone {
			err = fmt.Errorf("resumed it is %s", lastMove(&end))
		}
		return err
	}
	c.kill()
	if c, err = r.found(ctx, now, p, false); err != nil {
		return err
	}
	if again, err := r.still(ctx, c, now, p); err != nil || again != rows {
		return fmt.Errorf("a cancelled replay had %d rows, and %d after another start: %w", rows, again, err)
	}
	return nil
}

// dieStopping plans a replay that takes some seconds, lets it carry rows, and dies over its stop.
func (r *replaying) dieStopping(ctx context.Context, p replayStop) (*replay.Shown, error) {
	crash := ""
	if p.name != "" {
		crash = p.name + ":2"
	}
	c, err := r.w.start(ctx, r.w.file, r.w.cfg.DataDir, crash)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if err := c.answers(ctx, time.Minute); err != nil {
		return nil, err
	}
	ask := &replay.Ask{
		Pipeline: r.w.cfg.Pipelines[0].Name, Scope: r.scope, Who: who, Why: r.why(),
		Target: domain.PlanTarget{Kind: domain.TargetTable, Name: fmt.Sprintf("replayed_%d", r.plans)}, Limits: domain.PlanLimits{Rows: 1},
	}
	counted, err := c.plan(ctx, ask)
	if err != nil {
		return nil, err
	}
	ask.Limits.Rows = max(1, counted.Plan.Expect.Rows/20)
	now, err := c.plan(ctx, ask)
	if err != nil {
		return nil, err
	}
	c.approve(ctx, now)
	if _, err := c.untilReplay(ctx, now.ID, r.w.o.rounds, carries); err != nil {
		return nil, err
	}
	r.tellStop(ctx, c, now, p)
	if p.name == "" {
		c.kill()
	}
	if !c.wait(ctx, time.Minute) || !c.killed() {
		return nil, errors.New("did not come to the point: " + tail(c.log))
	}
	return now, nil
}

// carries reports whether rows of a replay were carried in this life.
func carries(s *replay.Shown) bool { return s.Progress != nil && s.Progress.Rows > 0 }

func (r *replaying) tellStop(ctx context.Context, c *child, now *replay.Shown, p replayStop) {
	c.post(ctx, "/v1/replays/"+now.ID.String()+"/"+string(p.action), replay.Decision{Who: who, Why: "stop"})
}

// found starts hefu, which has the stop on control; or not yet: then it goes on, and is told again.
func (r *replaying) found(ctx context.Context, now *replay.Shown, p replayStop, again bool) (*child, error) {
	c, err := r.w.start(ctx, r.w.file, r.w.cfg.DataDir, "")
	if err != nil {
		return nil, err
	}
	err = c.answers(ctx, time.Minute)
	if err == nil && again {
		if _, err = c.untilReplay(ctx, now.ID, time.Minute, carries); err == nil {
			r.tellStop(ctx, c, now, p)
		}
	}
	state := domain.PlanState("")
	if s, ok := c.replay(ctx, now.ID); ok {
		state = s.State
	}
	if err == nil && state != p.stopped() {
		err = fmt.Errorf("it is %s, want %s", state, p.stopped())
	}
	if err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// still waits until what was under way has its outcome, and demands that no row comes after it, of
// a replay that would carry some each second. It returns how many there are.
func (r *replaying) still(ctx context.Context, c *child, now *replay.Shown, p replayStop) (rows int64, err error) {
	const look = 2 * time.Second
	for last := int64(-1); rows != last; {
		if err := pause(ctx, look); err != nil {
			return 0, err
		}
		last = rows
		if err := r.w.db.QueryRowContext(ctx, "SELECT count(*) FROM "+now.Plan.Target.Name).Scan(&rows); err != nil {
			return 0, err
		}
	}
	s, ok := c.replay(ctx, now.ID)
	switch {
	case !ok || s.State != p.stopped():
		return 0, fmt.Errorf("it is %s, want %s", s.State, p.stopped())
	case rows == 0 || rows >= now.Plan.Expect.Rows:
		return 0, fmt.Errorf("%d rows of %d are in table %s of a replay that is %s", rows, now.Plan.Expect.Rows, now.Plan.Target.Name, s.State)
	}
	return rows, nil
}
