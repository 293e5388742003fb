package projections

import (
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Unsound is the incident of an error that says that the journal is not what it was, nil of
// any other. met is the stream of who met it.
func Unsound(met domain.Stream, err error) *domain.Incident {
	var breach *journal.BreachError
	var broken *journal.IntegrityError
	switch {
	case errors.As(err, &breach):
		kind := domain.IncidentIntegrity
		if breach.What == journal.BreachRegressed {
			kind = domain.IncidentJournalRegressed
		}
		at := breach.Anchor.Ref
		return domain.NewIncident(kind, at.Stream, "", nil,
			domain.Fact{Key: "at", Value: at.String()},
			domain.Fact{Key: "found", Value: string(breach.What) + ": " + breach.Found},
			domain.Fact{Key: "do", Value: "keep every node's files; put the journal back that has this event, then resolve with retry"})
	case errors.As(err, &broken):
		return domain.NewIncident(domain.IncidentIntegrity, broken.Stream, "", nil,
			domain.Fact{Key: "at", Value: domain.Ref{Stream: broken.Stream, Seq: broken.Seq}.String()},
			domain.Fact{Key: "found", Value: broken.What},
			domain.Fact{Key: "do", Value: "keep the files; put a sound copy of the journal back, then resolve with retry"})
	case errors.Is(err, journal.ErrRegressed):
		return domain.NewIncident(domain.IncidentJournalRegressed, met, "", nil,
			domain.Fact{Key: "found", Value: err.Error()},
			domain.Fact{Key: "do", Value: "keep every node's files; put the journal back that has the acknowledged events, then resolve with retry"})
	}
	return nil
}

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
