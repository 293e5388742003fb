// Package projections holds what all views of the journal have in common: the
// contract of a leg, the loop that keeps it running, incidents that wait for an
// operator, and what a leg says of itself.
//
// The contracts (architecture.md, "Contracts that every projection keeps"):
//   - Open takes over. After Open returned, no other writer can commit; only then does
//     Cursor mean anything.
//   - An error from Run means unknown. Nobody interprets it: the leg is opened again
//     and settles.
//   - Recovery is the normal path: the same code settles a fresh batch and a found one.
package projections

import (
	"context"

	"github.com/hefu-io/hefu/domain"
)

// Leg is an open, taken-over part of the pipeline: a projection, or ingest.
type Leg interface {
	// Cursor is how far the leg had come when it was opened, after settling.
	Cursor() domain.Cursor
	// Run moves rows until the context ends (nil) or something is unknown, fenced or
	// an incident (the error). It returns with no goroutine of its own left.
	Run(ctx context.Context) error
	// Close gives connections back. A closed leg is of no more use.
	Close()
}

// Opener opens a leg: takes its stream and its target over, settles what is open,
// and returns the leg at its cursor. Errors: *journal.FencedError,
// *domain.Incident, or anything else, after which it is tried again.
type Opener interface {
	Open(ctx context.Context) (Leg, error)
}

// OpenerFunc makes a function an Opener.
type OpenerFunc func(ctx context.Context) (Leg, error)

// Open implements Opener.
func (f OpenerFunc) Open(ctx context.Context) (Leg, error) { return f(ctx) }

// Refusal is an error that only an operator can mend before another start: the process
// ends with exit code 2.
type Refusal struct{ Reason string }

// Error is the reason, with what to do.
func (r *Refusal) Error() string { return r.Reason }

// ExitCode is 2.
func (r *Refusal) ExitCode() int { return 2 }
