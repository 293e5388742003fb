// Package projectiontest is the contract that every projection keeps
// (architecture.md, "Contracts that every projection keeps"), as tests that run on
// each of them: opening takes over, an error means unknown, and every write has its
// pair of faults.
package projectiontest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// World is one leg with everything around it: a journal, a target, and processes that
// come and go. Each test gets a new one, and calls it from one goroutine.
type World interface {
	// Process is the opener of one more process; its incarnation is higher than all
	// before.
	Process() projections.Opener
	// Stream is the leg's own stream.
	Stream() domain.Stream
	// Incidents files what the leg may not decide.
	Incidents() projections.Incidents
	// Feed gives the leg more rows, and returns the cursor at which it has carried them.
	Feed() domain.Cursor
	// Carried waits until the journal says that the leg came to a cursor, or ctx ends.
	Carried(ctx context.Context, at domain.Cursor) error
	// Sites names the leg's writes to its target, in the order in which a batch makes
	// them.
	Sites() []string
	// Fail arms the fault of the next write at a site, of whatever process: its error
	// reaches the leg, and it was done (FaultAfter) or not (FaultBefore).
	Fail(site string, fault journal.Fault)
	// Pause makes the next write at a site, of whatever process, wait: arrived is closed
	// when it is there, and it goes on when release is called.
	Pause(site string) (arrived <-chan struct{}, release func())
	// Tally fails the test unless the target holds every fed row exactly once, and the
	// journal says where.
	Tally()
}

// Run tests a projection. newWorld makes a World whose clean-up is the test's.
func Run(t *testing.T, newWorld func(t *testing.T) World) {
	t.Run("carries", func(t *testing.T) { carries(t, newWorld(t)) })
	for _, site := range newWorld(t).Sites() {
		t.Run("zombie at "+site, func(t *testing.T) { zombie(t, newWorld(t), site, false) })
		t.Run("late zombie at "+site, func(t *testing.T) { zombie(t, newWorld(t), site, true) })
		for name, fault := range map[string]journal.Fault{"not done": journal.FaultBefore, "done": journal.FaultAfter} {
			t.Run(fmt.Sprintf("%s failed and %s", site, name), func(t *testing.T) { recovers(t, newWorld(t), site, fault) })
			t.Run(fmt.Sprintf("%s failed and %s, then another process", site, name), func(t *testing.T) { inherits(t, newWorld(t), site, fault) })
		}
	}
}

// carries: rows arrive, and the next process begins where the last one ended.
func carries(t *testing.T, w World) {
	ctx := deadline(t)
	for range 3 {
		p := start(ctx, t, w, w.Process())
		w.Feed()
		p.until(ctx, w.Feed())
		p.stop()
	}
	at := w.Feed()
	p := start(ctx, t, w, w.Process())
	p.until(ctx, at)
	p.stop()
	leg, err := w.Process().Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer leg.Close()
	if leg.Cursor() != at {
		t.Errorf("opened at %s, the leg had come to %s", leg.Cursor(), at)
	}
	w.Tally()
}

// recovers: after an error the same process opens again, settles and goes on.
func recovers(t *testing.T, w World, site string, fault journal.Fault) {
	ctx := deadline(t)
	p := start(ctx, t, w, w.Process())
	p.until(ctx, w.Feed())
	w.Fail(site, fault)
	p.until(ctx, w.Feed())
	p.until(ctx, w.Feed())
	p.stop()
	w.Tally()
}

// inherits: the process dies of the fault, and another one settles.
func inherits(t *testing.T, w World, site string, fault journal.Fault) {
	ctx := deadline(t)
	leg, err := w.Process().Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.Fail(site, fault)
	at := w.Feed()
	if err := leg.Run(ctx); err == nil {
		t.Error("a failed write did not end Run")
	}
	leg.Close()
	p := start(ctx, t, w, w.Process())
	p.until(ctx, at)
	p.until(ctx, w.Feed())
	p.stop()
	w.Tally()
}

// zombie: a process stands still before a write, another one opens, and the first one
// wakes up before the other has written anything, or when it has carried the same rows
// itself. After Open returned no other writer can commit.
func zombie(t *testing.T, w World, site string, late bool) {
	ctx := deadline(t)
	older := start(ctx, t, w, w.Process())
	older.until(ctx, w.Feed())
	arrived, release := w.Pause(site)
	at := w.Feed()
	select {
	case <-arrived:
	case <-ctx.Done():
		t.Fatalf("no write at %s", site)
	}
	next := w.Process()
	leg, err := next.Open(ctx)
	if err != nil {
		release()
		t.Fatal(err)
	}
	var newer *process
	if late {
		newer = start(ctx, t, w, opened(leg, next))
		newer.until(ctx, at)
	}
	release()
	var fenced *journal.FencedError
	if err := <-older.done; !errors.As(err, &fenced) {
		t.Errorf("older process ended with %v, want to be fenced", err)
	}
	if !late {
		newer = start(ctx, t, w, opened(leg, next))
		newer.until(ctx, at)
	}
	newer.until(ctx, w.Feed())
	newer.stop()
	w.Tally()
}

// opened is the opener of a leg that is open already; after an error, which means
// unknown as always, its own process opens again.
func opened(leg projections.Leg, by projections.Opener) projections.Opener {
	return projections.OpenerFunc(func(ctx context.Context) (projections.Leg, error) {
		l := leg
		leg = nil
		if l == nil {
			return by.Open(ctx)
		}
		return l, nil
	})
}

// process is a leg under its runner.
type process struct {
	t        *testing.T
	w        World
	cancel   context.CancelFunc
	done     chan error
	reporter *projections.Reporter
}

func start(ctx context.Context, t *testing.T, w World, o projections.Opener) *process {
	t.Helper()
	p := &process{t: t, w: w, done: make(chan error, 1), reporter: projections.NewReporter(w.Stream())}
	var running context.Context
	running, p.cancel = context.WithCancel(ctx)
	r := &projections.Runner{
		Stream: w.Stream(), Opener: o, Incidents: w.Incidents(), Reporter: p.reporter,
		Log: slog.New(slog.DiscardHandler), Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
	}
	go func() { p.done <- r.Run(running) }()
	t.Cleanup(p.cancel)
	return p
}

// until waits for a cursor to be carried.
func (p *process) until(ctx context.Context, at domain.Cursor) {
	p.t.Helper()
	if err := p.w.Carried(ctx, at); err != nil {
		s := p.reporter.Status()
		p.t.Fatalf("carry up to %s: %v; leg is %s: %s", at, err, s.State, s.Error)
	}
}

// stop ends the process cleanly and waits for it.
func (p *process) stop() {
	p.t.Helper()
	p.cancel()
	if err := <-p.done; err != nil {
		p.t.Errorf("leg was told to stop and ended with %v", err)
	}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
