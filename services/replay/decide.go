package replay

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Decision is the body of POST /v1/replays/{id}/{action}.
type Decision struct {
	Who    string             `json:"who" doc:"the person who decides" minLength:"1" maxLength:"200"`
	Why    string             `json:"why" doc:"the reason; it stays in the journal" minLength:"1" maxLength:"2000"`
	Digest *domain.Hash       `json:"digest,omitempty" doc:"of the plan that was read; approve demands it"`
	Limits *domain.PlanLimits `json:"limits,omitempty" doc:"of the action limits"`
}

// Action is what an operator may do with a replay.
type Action string

// The actions. Approve is also how a replay that failed goes on.
const (
	Approve Action = "approve"
	Pause   Action = "pause"
	Resume  Action = "resume"
	Cancel  Action = "cancel"
	Limit   Action = "limits"
)

// refusedError says why an operator's decision is not taken.
type refusedError struct{ why string }

// Error is the reason.
func (e *refusedError) Error() string { return e.why }

// decide appends what an operator decided of a replay. Errors: *refusedError.
func decide(ctx context.Context, o *pipeline.Open, id domain.PlanID, action Action, d *Decision) error {
	_, err := o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		r := c.Replays[id]
		if r == nil {
			return nil, &refusedError{fmt.Sprintf("no replay %s in pipeline %s; hefu replay ls lists them", id, o.Config.Name)}
		}
		if last := r.Last(); last != nil && last.Who == d.Who && last.Why == d.Why && action.done(r, d) {
			return nil, nil // said twice
		}
		return move(r, action, d)
	})
	return err
}

// done reports whether a replay is where an action would take it.
func (a Action) done(r *domain.Replay, d *Decision) bool {
	switch a {
	case Approve, Resume:
		return r.State == domain.PlanRunning
	case Pause:
		return r.State == domain.PlanPaused
	case Cancel:
		return r.State == domain.PlanCancelled
	default:
		return d.Limits != nil && r.Limits == *d.Limits
	}
}

// move is the event of a decision.
func move(r *domain.Replay, action Action, d *Decision) (*domain.ReplayMoved, error) {
	m := &domain.ReplayMoved{ID: r.Planned.ID, Digest: r.Planned.Digest, Who: d.Who, Why: d.Why, Limits: r.Limits}
	switch action {
	case Approve:
		switch {
		case d.Digest == nil:
			return nil, &refusedError{"approve what was read: name the plan's digest"}
		case *d.Digest != r.Planned.Digest:
			return nil, &refusedError{fmt.Sprintf("the plan of replay %s has digest %s, not %s: a plan that was edited is another plan, plan it again", m.ID, r.Planned.Digest, d.Digest)}
		case r.State != domain.PlanPlanned && r.State != domain.PlanFailed:
			return nil, &refusedError{fmt.Sprintf("replay %s is %s: it needs no approval", m.ID, r.State)}
		}
		m.To = domain.PlanRunning
		if r.State == domain.PlanPlanned {
			plan, err := domain.ParsePlan([]byte(r.Planned.Text))
			if err != nil {
				return nil, err
			}
			m.Limits = plan.Limits
		}
		return m, nil
	case Resume:
		m.To = domain.PlanRunning
		if r.State != domain.PlanPaused {
			return nil, &refusedError{fmt.Sprintf("replay %s is %s, not paused", m.ID, r.State)}
		}
		return m, nil
	case Pause:
		m.To = domain.PlanPaused
	case Cancel:
		m.To = domain.PlanCancelled
	case Limit:
		if d.Limits == nil || d.Limits.Rows < 0 || d.Limits.Bytes < 0 || d.Limits.Concurrency < 0 {
			return nil, &refusedError{"limits: rows and bytes a second and lanes at once, each 0 (no limit) or more"}
		}
		if m.To, m.Limits = r.State, *d.Limits; r.State.Ended() || r.State == domain.PlanPlanned {
			return nil, &refusedError{fmt.Sprintf("replay %s is %s: its limits cannot be changed", m.ID, r.State)}
		}
		return m, nil
	default:
		return nil, &refusedError{fmt.Sprintf("action %q: approve, pause, resume, cancel or limits", action)}
	}
	if !r.State.May(m.To) {
		return nil, &refusedError{fmt.Sprintf("replay %s is %s: it cannot be %s", m.ID, r.State, m.To)}
	}
	return m, nil
}
