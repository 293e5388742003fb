package projections

import (
	"context"
	"errors"
	"fmt"
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
	// Ends says that the leg has an end: Run of the leg returns nil there, and so does Run of
	// the Runner.
	Ends bool
	// Explain says what a person might look at after an error, "" for nothing; nil for
	// a leg that has no hints.
	Explain func(error) string
	// Backoff is the first pause after an error, doubled up to MaxBackoff while errors
	// follow each other. Zero: 50 ms and 5 s. A leg that ran for longer than MaxBackoff
	// begins again with the first pause.
	Backoff, MaxBackoff time.Duration
}

// Run returns nil when the context ends, or the leg is at its end; and an error only when the process must
// stop: one that names its exit code, as *journal.FencedError and *Refusal do. An
// error that is tried again is logged once for as long as it stays the same.
func (r *Runner) Run(ctx context.Context) error {
	first, limit := r.backoff()
	defer r.Reporter.Enter(StateStopped, "", domain.IncidentID{})
	said := ""
	for wait := first; ; {
		r.Reporter.Enter(StateOpening, said, domain.IncidentID{})
		ran, err := r.once(ctx)
		if ctx.Err() != nil || err == nil {
			return nil
		}
		if ran > limit {
			wait, said = first, ""
		}
		var ends interface{ ExitCode() int }
		var incident *domain.Incident
		switch {
		case errors.As(err, &ends):
			return err
		case errors.As(err, &incident):
			if r.decided(ctx, incident) != nil {
				return nil // the context ended
			}
			wait, said = first, ""
			continue
		}
		if text := err.Error(); text != said {
			said = text
			r.Log.WarnContext(ctx, "leg is opened again after an error", "stream", r.Stream.String(), "error", err, "hint", r.hint(err))
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

func (r *Runner) hint(err error) string {
	if r.Explain == nil {
		return ""
	}
	return r.Explain(err)
}

func (r *Runner) backoff() (first, limit time.Duration) {
	first, limit = r.Backoff, r.MaxBackoff
	if first <= 0 {
		first = 50 * time.Millisecond
	}
	if limit <= 0 {
		limit = 5 * time.Second
	}
	return first, limit
}

// once opens the leg and runs it to its end, nil; ran is for how long it was open.
func (r *Runner) once(ctx context.Context) (ran time.Duration, err error) {
	leg, err := r.Opener.Open(ctx)
	if err != nil {
		return 0, r.decidable(ctx, err)
	}
	defer leg.Close()
	r.Reporter.Update(func(s *Status) { s.Cursor = leg.Cursor(); s.Opens++ })
	r.Reporter.Enter(StateRunning, "", domain.IncidentID{})
	began := time.Now()
	err = leg.Run(ctx)
	ran = time.Since(began)
	if err == nil && r.Ends {
		return ran, nil
	}
	if err == nil {
		err = errors.New("leg ended by itself")
	}
	return ran, r.decidable(ctx, err)
}

// decidable makes an incident of what damages the journal itself, and puts it on
// record. The incidents of a leg are on record already (Incidents.Decide).
func (r *Runner) decidable(ctx context.Context, err error) error {
	if in := Unsound(r.Stream, err); in != nil {
		return r.file(ctx, in)
	}
	return err
}

// file returns the incident once it is on record, else why it is not: then the leg is
// opened again and finds the same. Where control is not sound either, nothing can be put on
// record any more, and the process ends.
func (r *Runner) file(ctx context.Context, in *domain.Incident) error {
	_, err := r.Incidents.Decide(ctx, in)
	var breach *journal.BreachError
	var broken *journal.IntegrityError
	if errors.As(err, &breach) || errors.As(err, &broken) || errors.Is(err, journal.ErrRegressed) {
		return &Refusal{fmt.Sprintf("%s: %s; and it could not be put on record: %v", in.Stream, in, err)}
	}
	if err != nil {
		return err
	}
	return in
}

// decided waits for an operator. Its error is the context's.
func (r *Runner) decided(ctx context.Context, in *domain.Incident) error {
	r.Reporter.Enter(StateIncident, in.Error(), in.ID)
	r.Log.ErrorContext(ctx, "leg waits for an operator", "stream", r.Stream.String(), "incident", in.ID.String(), "what", in.Error())
	return r.Incidents.Wait(ctx, in.ID)
}
