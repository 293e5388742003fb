package projections

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Incidents files what the machine may not decide alone, and finds what an operator
// decided.
type Incidents struct {
	Control *journal.Control
}

// Decide looks an incident up that has just been found. When an operator resolved it
// with a choice other than retry, the choice is returned: the caller does it, and the
// event that does it names the incident's id. Otherwise the incident is on record
// when Decide returns, and is itself the error. A retry is used up by looking again:
// found again, the incident is open again.
func (i Incidents) Decide(ctx context.Context, in *domain.Incident) (domain.Choice, error) {
	var choice domain.Choice
	_, err := i.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		choice = ""
		resolved, known := s.Resolved[in.ID], s.Incidents[in.ID] != nil
		switch {
		case resolved != nil && resolved.Choice != domain.ChoiceRetry:
			choice = resolved.Choice
			return nil, nil
		case known && resolved == nil:
			return nil, nil
		default:
			return in, nil
		}
	})
	if err != nil {
		return "", err
	}
	if choice == "" {
		return "", in
	}
	return choice, nil
}

// Wait returns when the incident has a resolution.
func (i Incidents) Wait(ctx context.Context, id domain.IncidentID) error {
	return i.Control.Wait(ctx, func(s *domain.ControlState) bool { return s.Resolved[id] != nil })
}

// Overtaken resolves what waits for an operator and has been overtaken: the configuration
// was changed, and what the incident held up has happened another way.
func (i Incidents) Overtaken(ctx context.Context, matches func(*domain.Incident) bool, why string) error {
	for {
		ref, err := i.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
			for _, in := range s.Open() {
				if matches(in) {
					return &domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "hefu", Why: why}, nil
				}
			}
			return nil, nil
		})
		if err != nil || ref.IsZero() {
			return err
		}
	}
}
