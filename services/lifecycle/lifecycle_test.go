package lifecycle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/services/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// part is a Runner made of a function.
type part struct {
	run func(ctx context.Context) error
}

func (p *part) Run(ctx context.Context) error { return p.run(ctx) }

type fencedError struct{}

func (fencedError) Error() string { return "fenced by incarnation 7" }
func (fencedError) ExitCode() int { return 3 }

// app wires parts under fx and returns what they logged.
func app(t *testing.T, parts ...func(ctx context.Context) error) (*fx.App, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	options := []fx.Option{
		fx.NopLogger,
		fx.Supply(slog.New(slog.NewTextHandler(&log, nil))),
		fx.Provide(lifecycle.NewEnding),
	}
	for _, run := range parts {
		options = append(options, fx.Invoke(func(lc fx.Lifecycle, ending *lifecycle.Ending) {
			lifecycle.Start(lc, ending, &part{run})
		}))
	}
	a := fx.New(options...)
	if err := a.Err(); err != nil {
		t.Fatal(err)
	}
	return a, &log
}

func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestStopWaits(t *testing.T) {
	release, finished := make(chan struct{}), false
	a, log := app(t, func(ctx context.Context) error {
		<-ctx.Done()
		<-release
		finished = true // read below without a lock: -race tells when the stop did not wait
		return nil
	})
	if err := a.Start(deadline(t)); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- a.Stop(deadline(t)) }()
	select {
	case err := <-stopped:
		t.Fatalf("stop returned (%v) before the part did", err)
	case release <- struct{}{}: // taken only once the part was told to stop
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if !finished {
		t.Fatal("stop returned before the part did")
	}
	if log.Len() != 0 {
		t.Errorf("a clean stop logged: %s", log)
	}
}

// hooks stands in for fx, whose Stop gives up at the same deadline as the hook and may answer first, without the name.
type hooks []fx.Hook

func (h *hooks) Append(hook fx.Hook) { *h = append(*h, hook) }

func TestStopBeyondItsDeadlineNamesThePart(t *testing.T) {
	release := make(chan struct{})
	var h hooks
	lifecycle.Start(&h, lifecycle.NewEnding(nil, slog.New(slog.DiscardHandler)), &part{func(context.Context) error {
		<-release
		return nil
	}})
	if err := h[0].OnStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := h[0].OnStop(ctx)
	close(release)
	const want = "stop *lifecycle_test.part: still running: context deadline exceeded"
	if err == nil || err.Error() != want {
		t.Errorf("stop: %v; want %s", err, want)
	}
	if err := h[0].OnStop(deadline(t)); err != nil {
		t.Errorf("stop after the part returned: %v", err)
	}
}

func TestEarlyReturnEndsTheApp(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		log  string
	}{
		{"an error", errors.New("disk gone"), 1, `error="disk gone"`},
		{"nil", nil, 1, "returned without being asked"},
		{"a cancelled context of its own", context.Canceled, 1, "context canceled"},
		{"fenced", fmt.Errorf("append after 41: %w", fencedError{}), 3, "fenced by incarnation 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			otherStopped := false
			a, log := app(t,
				func(ctx context.Context) error { <-ctx.Done(); otherStopped = true; return nil },
				func(context.Context) error { return c.err },
			)
			if err := a.Start(deadline(t)); err != nil {
				t.Fatal(err)
			}
			select {
			case signal := <-a.Wait():
				if signal.ExitCode != c.code {
					t.Errorf("exit code %d; want %d", signal.ExitCode, c.code)
				}
			case <-deadline(t).Done():
				t.Fatal("the app goes on without its part")
			}
			if err := a.Stop(deadline(t)); err != nil {
				t.Errorf("stop: %v; a part that ended early must not change the exit code", err)
			}
			if !otherStopped {
				t.Error("the other part was not stopped")
			}
			if got := log.String(); !strings.Contains(got, c.log) || strings.Count(got, "\n") != 1 {
				t.Errorf("log %q; want one line with %q", got, c.log)
			}
		})
	}
}

func TestFirstEndDecidesTheExitCode(t *testing.T) {
	first := make(chan struct{})
	a, _ := app(t,
		func(ctx context.Context) error { <-first; <-ctx.Done(); return errors.New("fell over the first") },
		func(context.Context) error { defer close(first); return fencedError{} },
	)
	if err := a.Start(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if signal := <-a.Wait(); signal.ExitCode != 3 {
		t.Errorf("exit code %d; want 3", signal.ExitCode)
	}
	if err := a.Stop(deadline(t)); err != nil {
		t.Errorf("stop: %v; it would turn exit code 3 into 1", err)
	}
}

func TestPartsThatEndTogetherDoNotRace(t *testing.T) {
	together := make(chan struct{})
	fall := func(context.Context) error { <-together; return fencedError{} }
	a, _ := app(t, fall, fall, fall, untilDone)
	if err := a.Start(deadline(t)); err != nil {
		t.Fatal(err)
	}
	close(together)
	if signal := <-a.Wait(); signal.ExitCode != 3 {
		t.Errorf("exit code %d; want 3", signal.ExitCode)
	}
	if err := a.Stop(deadline(t)); err != nil {
		t.Error(err)
	}
}

// Whoever says that all is done ends the app with exit code 0, and is stopped like every other part; one that fell
// before keeps its code.
func TestDoneEndsTheApp(t *testing.T) {
	for _, c := range []struct {
		name   string
		fenced bool
		code   int
	}{{"all is done", false, 0}, {"a part fell before", true, 3}} {
		t.Run(c.name, func(t *testing.T) {
			stopped := false
			done := func(ending *lifecycle.Ending) func(context.Context) error {
				return func(ctx context.Context) error {
					if c.fenced {
						return fencedError{} // Done comes later: see below
					}
					ending.Done(ctx)
					<-ctx.Done()
					stopped = true
					return nil
				}
			}
			var ending *lifecycle.Ending
			a := fx.New(fx.NopLogger, fx.Supply(slog.New(slog.DiscardHandler)), fx.Provide(lifecycle.NewEnding), fx.Populate(&ending),
				fx.Invoke(func(lc fx.Lifecycle, ending *lifecycle.Ending) { lifecycle.Start(lc, ending, &part{done(ending)}) }))
			ended := a.Wait()
			if err := a.Start(deadline(t)); err != nil {
				t.Fatal(err)
			}
			got := <-ended
			ending.Done(t.Context())
			if got.ExitCode != c.code {
				t.Errorf("exit code %d, want %d", got.ExitCode, c.code)
			}
			if err := a.Stop(deadline(t)); err != nil || stopped == c.fenced {
				t.Errorf("stop: %v; the part was stopped: %t", err, stopped)
			}
		})
	}
}
