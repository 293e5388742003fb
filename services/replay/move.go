package replay

import (
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/pipeline"
)

// move appends that the service takes a replay to another state, however long the journal takes;
// it gives up with the context only. Where an operator was faster and it may not go there any
// more, nothing is appended: what the operator decided holds. After an answer that was not clear
// the state says whether it happened.
func (s *Service) move(ctx context.Context, o *pipeline.Open, of *domain.ReplayPlanned, m *domain.ReplayMoved) {
	m.ID, m.Digest = of.ID, of.Digest
	said := ""
	for wait := pauseFirst; ; {
		crash.Point("replay.moved.before")
		_, err := o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
			r := c.Replays[of.ID]
			if r == nil || !r.State.May(m.To) {
				return nil, nil
			}
			now := *m
			now.Limits = r.Limits
			return &now, nil
		})
		crash.Point("replay.moved.after")
		if err == nil || ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != said {
			said = text
			s.log.WarnContext(ctx, "where a replay has come to is not on control yet", "replay", of.ID.String(), "state", string(m.To), "error", err)
		}
		if rest(ctx, &wait) != nil {
			return
		}
	}
}

func (x *run) move(ctx context.Context, m *domain.ReplayMoved) {
	x.s.move(ctx, x.o, &domain.ReplayPlanned{ID: x.plan.ID, Digest: x.plan.Digest()}, m)
}

// nextError is an error that says what to do about it.
type nextError struct {
	error
	next string
}

// Unwrap gives the error itself.
func (e *nextError) Unwrap() error { return e.error }

// failed is the end of a replay by an error.
func failed(err error) *domain.ReplayMoved {
	m := &domain.ReplayMoved{To: domain.PlanFailed, Why: err.Error(), Next: "put right what it says, then approve the plan again: it goes on where it stopped"}
	var next *nextError
	var refused *projections.Refusal
	switch {
	case errors.As(err, &next):
		m.Next = next.next
	case errors.As(err, &refused):
		m.Next = "put right what is refused, then approve the plan again: it goes on where it stopped"
	}
	return m
}
