package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
)

// attestEvery is how often the settings of the journal's streams are compared with
// what they must be (proof.md, "Journal integrity").
const attestEvery = time.Minute

// Set is all pipelines of a process. Run opens them; the services of the legs Wait.
type Set struct {
	// DiscoverEvery is how often clusters are asked for the topics of patterns: 30 s.
	DiscoverEvery time.Duration
	// AskHub is asked before anything is appended; nil: the hub is not.
	AskHub AskHub

	c    *config.Config // as the process began
	role Role
	log  *slog.Logger

	held   chan struct{} // closed when no other process can have the store
	opened chan struct{} // closed when the pipelines are open
	open   []*Open

	reloading sync.Mutex     // one change of the sources at a time
	file      *config.Config // as last taken over
	lastMu    sync.Mutex
	last      *Reloaded // nil before the first
}

// NewSet makes the Set of a configuration; nothing is opened yet.
func NewSet(c *config.Config, role Role, log *slog.Logger) *Set {
	return &Set{DiscoverEvery: discoverEvery, c: c, file: c, role: role, log: log, held: make(chan struct{}), opened: make(chan struct{})}
}

// Held waits until this process holds the data directory: with an external journal, which
// belongs to nobody, before that is there. Until then another process may be running there,
// and what it says of itself is not to be written over.
func (s *Set) Held(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.held:
		return nil
	}
}

// Role is what this process takes.
func (s *Set) Role() Role { return s.role }

// Config is the file as read when the process began.
func (s *Set) Config() *config.Config { return s.c }

// Opened reports the pipelines once they are open.
func (s *Set) Opened() ([]*Open, bool) {
	select {
	case <-s.opened:
		return s.open, true
	default:
		return nil, false
	}
}

// Wait returns the pipelines when they are open.
func (s *Set) Wait(ctx context.Context) ([]*Open, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.opened:
		return s.open, nil
	}
}

// Run opens the store and the pipelines and watches over them until the context ends.
// It returns an error when the process must stop: *journal.FencedError (exit code 3),
// *ConfigError (2), journal.ErrMissing, journal.ErrDrift, embedded.ErrLocked, checkpoint.ErrHeld.
func (s *Set) Run(ctx context.Context) (err error) {
	if s.c.Journal.Mode == config.ModeExternal {
		release, err := checkpoint.Hold(s.c.DataDir)
		if err != nil {
			return refusal(err)
		}
		defer func() { _ = release() }() // the kernel does it anyway
		close(s.held)
	}
	store, err := OpenStore(ctx, s.c, s.log)
	if err != nil {
		return ended(ctx, err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if s.c.Journal.Mode == config.ModeEmbedded {
		close(s.held)
	}
	for _, p := range s.c.Pipelines {
		o, err := open(ctx, s.c, p, store, s.role, s.AskHub, s.log)
		if err != nil {
			return ended(ctx, err)
		}
		s.open = append(s.open, o)
	}
	close(s.opened)
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range s.open {
		g.Go(func() error { return o.follow(ctx, s.log) })
		g.Go(func() error { return o.watchOwners(ctx) })
		g.Go(func() error { return o.watchSettings(ctx) })
		g.Go(func() error { return o.watchConfig(ctx) })
		if s.role.Has(domain.LegIngest) {
			g.Go(func() error { return s.discover(ctx, o) })
		}
	}
	g.Go(func() error { return s.heed(ctx) })
	return ended(ctx, g.Wait())
}

// follow keeps the control state up to date. Whatever the store's trouble is, the legs
// meet it themselves; only a broken chain ends the process.
func (o *Open) follow(ctx context.Context, log *slog.Logger) error {
	for {
		err := o.Control.Run(ctx)
		if err == nil {
			return nil
		}
		var ends interface{ ExitCode() int }
		if unsound(err) || errors.As(err, &ends) {
			return exit(2, fmt.Errorf("pipeline %s: %w", o.Config.Name, journal.Damaged(err)))
		}
		log.WarnContext(ctx, "control stream is followed anew after an error", "pipeline", o.Config.Name, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// exitError is an error that ends the process with a code of its own.
type exitError struct {
	error
	code int
}

func exit(code int, err error) error { return &exitError{err, code} }

// ExitCode is the process's exit code.
func (e *exitError) ExitCode() int { return e.code }

// Unwrap gives the error itself.
func (e *exitError) Unwrap() error { return e.error }

// unsound reports whether an error says that the journal is not what it was.
func unsound(err error) bool {
	var broken *journal.IntegrityError
	var breach *journal.BreachError
	return errors.As(err, &broken) || errors.As(err, &breach) || errors.Is(err, journal.ErrRegressed)
}

// refusal marks errors after which an operator has to change something: starting again
// would only meet them again.
func refusal(err error) error {
	for _, known := range []error{journal.ErrMissing, journal.ErrAnotherJournal, journal.ErrDrift, embedded.ErrLocked, checkpoint.ErrHeld} {
		if errors.Is(err, known) {
			return exit(2, err)
		}
	}
	if unsound(err) {
		return exit(2, journal.Damaged(err))
	}
	return err
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return refusal(err)
}

// watchOwners stops the process when a higher incarnation claims one of its legs: an
// append would be refused anyway, but against a saturating writer a takeover by the
// expected sequence alone can take a minute (architecture.md, "Identity").
func (o *Open) watchOwners(ctx context.Context) error {
	var fenced *journal.FencedError
	err := o.Control.Wait(ctx, func(s *domain.ControlState) bool {
		mine := s.Started[o.Incarnation]
		if mine == nil {
			return false
		}
		for _, c := range mine.Claims {
			if s.Fenced(c, o.Incarnation) {
				fenced = &journal.FencedError{
					Stream: domain.Stream{Pipeline: o.Config.Name, Shard: c.Shard, Leg: c.Leg}, Mine: o.Incarnation, Owner: s.Owners[c],
				}
				return true
			}
		}
		return false
	})
	if fenced != nil {
		return fenced
	}
	return ended(ctx, err)
}

func (o *Open) watchSettings(ctx context.Context) error {
	tick := time.NewTicker(attestEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			// A server that does not answer is another leg's trouble; drift is ours.
			if err := o.Journal.Attest(ctx); errors.Is(err, journal.ErrDrift) {
				return fmt.Errorf("pipeline %s: %w", o.Config.Name, err)
			}
		}
	}
}
