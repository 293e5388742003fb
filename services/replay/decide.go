package replay

import (
	"context"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
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

// decide appends what an operator decided of a replay. Errors: *refusedError; any other means that
// nobody knows whether it is on control, and the same decision may be said again.
func decide(ctx context.Context, o *pipeline.Open, id domain.PlanID, action Action, d *Decision) error {
	if strings.TrimSpace(d.Who) == "" || strings.TrimSpace(d.Why) == "" {
		return &refusedError{"who decides, and why: both stay in the journal"}
	}
	crash.Point("replay.decided.before")
	_, err := o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		r := c.Replays[id]
		if r == nil {
			return nil, &refusedError{fmt.Sprintf("no replay %s in pipeline %s; hefu replay ls lists them", id, o.Config.Name)}
		}
		if err := read(r, action, d); err != nil {
			return nil, err
		}
		if last := r.Last(); last != nil && last.Who == d.Who && last.Why == d.Why && action.done(r, d) {
			return nil, nil // said twice
		}
		return move(r, action, d)
	})
	crash.Point("replay.decided.after")
	return err
}

// read demands of an approval that it names the plan that is on control.
func read(r *domain.Replay, action Action, d *Decision) error {
	switch id := r.Planned.ID; {
	case action != Approve:
		return nil
	case d.Digest == nil:
		return &refusedError{"approve what was read: name the plan's digest"}
	case *d.Digest != r.Planned.Digest:
		return &refusedError{fmt.Sprintf("the plan of replay %s has digest %s, not %s: a plan that was edited is another plan, plan it again", id, r.Planned.Digest, d.Digest)}
	default:
		return nil
	}
}

// good reports whether limits are any.
func good(l domain.PlanLimits) bool { return l.Rows >= 0 && l.Bytes >= 0 && l.Concurrency >= 0 }

const noLimits = "limits: rows and bytes a second and lanes at once, each 0 (no limit) or more"

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
		if r.State != domain.PlanPlanned && r.State != domain.PlanFailed {
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
		if d.Limits == nil || !good(*d.Limits) {
			return nil, &refusedError{noLimits}
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
