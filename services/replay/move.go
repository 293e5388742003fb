package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/pipeline"
)

// move appends that the service takes a replay to another state. Where an operator was faster
// and it may not go there any more, nothing is appended: what the operator decided holds.
func (s *Service) move(ctx context.Context, o *pipeline.Open, of *domain.ReplayPlanned, m *domain.ReplayMoved) error {
	m.ID, m.Digest = of.ID, of.Digest
	_, err := o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		r := c.Replays[of.ID]
		if r == nil || !r.State.May(m.To) {
			return nil, nil
		}
		now := *m
		now.Limits = r.Limits
		return &now, nil
	})
	if err != nil {
		return fmt.Errorf("replay %s: say that it is %s: %w", of.ID, m.To, err)
	}
	return nil
}

func (x *run) move(ctx context.Context, m *domain.ReplayMoved) error {
	return x.s.move(ctx, x.o, &domain.ReplayPlanned{ID: x.plan.ID, Digest: x.plan.Digest()}, m)
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
