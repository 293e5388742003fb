package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Runner keeps one leg running: open, run, and after any error open again.
type Runner struct {
	Stream    domain.Stream
	Opener    Opener
	Incidents Incidents
	Reporter  *Reporter
	Log       *slog.Logger
	// Backoff is the first pause after an error, doubled up to MaxBackoff while errors
	// follow each other. Zero: 50 ms and 5 s.
	Backoff, MaxBackoff time.Duration
}

// Run returns nil when the context ends, and an error only when the process must
// stop: one that names its exit code, as *journal.FencedError does.
func (r *Runner) Run(ctx context.Context) error {
	first, limit := r.Backoff, r.MaxBackoff
	if first <= 0 {
		first = 50 * time.Millisecond
	}
	if limit <= 0 {
		limit = 5 * time.Second
	}
	defer r.Reporter.Enter(StateStopped, "", domain.IncidentID{})
	said := ""
	for wait := first; ; {
		r.Reporter.Enter(StateOpening, said, domain.IncidentID{})
		began := time.Now()
		err := r.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > limit {
			wait, said = first, "" // it ran well for a while
		}
		var ends interface{ ExitCode() int }
		var incident *domain.Incident
		switch {
		case errors.As(err, &ends):
			return err
		case errors.As(err, &incident):
			if err = r.wait(ctx, incident); err != nil {
				continue // the context ended, or control is not reachable: look again
			}
			wait, said = first, ""
			continue
		}
		if text := err.Error(); text != said {
			said = text
			r.Log.WarnContext(ctx, "leg is opened again after an error", "stream", r.Stream.String(), "error", err)
		}
		r.Reporter.Enter(StateRetrying, said, domain.IncidentID{})
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, limit)
	}
}

func (r *Runner) once(ctx context.Context) error {
	leg, err := r.Opener.Open(ctx)
	if err != nil {
		return r.decidable(ctx, err)
	}
	defer leg.Close()
	r.Reporter.Update(func(s *Status) { s.Cursor = leg.Cursor(); s.Opens++ })
	r.Reporter.Enter(StateRunning, "", domain.IncidentID{})
	err = leg.Run(ctx)
	if err == nil {
		err = errors.New("leg ended by itself")
	}
	return r.decidable(ctx, err)
}

// decidable makes an incident of what damages the journal itself, and puts every
// incident on record.
func (r *Runner) decidable(ctx context.Context, err error) error {
	var broken *journal.IntegrityError
	if errors.As(err, &broken) {
		return r.file(ctx, domain.NewIncident(domain.IncidentIntegrity, broken.Stream, "", nil,
			domain.Fact{Key: "at", Value: domain.Ref{Stream: broken.Stream, Seq: broken.Seq}.String()},
			domain.Fact{Key: "found", Value: broken.What},
			domain.Fact{Key: "do", Value: "keep the files; put a sound copy of the journal back, then resolve with retry"}))
	}
	if errors.Is(err, journal.ErrRegressed) {
		return r.file(ctx, domain.NewIncident(domain.IncidentJournalRegressed, r.Stream, "", nil,
			domain.Fact{Key: "found", Value: err.Error()},
			domain.Fact{Key: "do", Value: "keep every node's files; put the journal back that has the acknowledged events, then resolve with retry"}))
	}
	return err
}

func (r *Runner) file(ctx context.Context, in *domain.Incident) error {
	_, err := r.Incidents.Decide(ctx, in)
	if err == nil {
		return in
	}
	return err
}

func (r *Runner) wait(ctx context.Context, in *domain.Incident) error {
	r.Reporter.Enter(StateIncident, in.Error(), in.ID)
	r.Log.ErrorContext(ctx, "leg waits for an operator", "stream", r.Stream.String(), "incident", in.ID.String(), "what", in.Error())
	return r.Incidents.Wait(ctx, in.ID)
}
