// Package lifecycle ties the parts that run for the life of the process to fx: whatever has Run(ctx) error is started
// with the app, stopped with it, and takes the app down when it ends by itself. It is the only way a service starts a
// goroutine that outlives its constructor.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.uber.org/fx"
)

// Runner is a long-running part. Run works until ctx ends and then returns nil or ctx's error; a return before that,
// with an error or without, is a failure of the part. Whatever Run started has ended when it returns.
type Runner interface {
	Run(ctx context.Context) error
}

// Ending takes the app down once, with the exit code of the first part that ended by itself: when a part falls, others
// fall over it a moment later, and only the first one knows why. (fx.Shutdowner alone is neither: concurrent calls race
// on its exit code and the last one wins; fx v1.24.0, shutdown.go.) Give it to the app with fx.Provide(NewEnding).
type Ending struct {
	once sync.Once
	app  fx.Shutdowner
	log  *slog.Logger
}

// NewEnding makes the one Ending of an app.
func NewEnding(app fx.Shutdowner, log *slog.Logger) *Ending {
	return &Ending{app: app, log: log}
}

// Start ties part to the app: fx.Invoke(lifecycle.Start[*Service]). The app's start runs part.Run in a goroutine and
// does not wait for it; the app's stop cancels its context and waits for its return within the deadline of the stop,
// in the reverse order of the Invokes. A Run that returns earlier ends the app: with exit code 1, or with the code of
// an error in the chain that has ExitCode() int (fenced by another owner: 3).
//
// The error of Run is logged here, once, and not given to fx: an error from a stop hook would turn every exit code
// into 1. Only a Run that outlasts the deadline is an error of the stop.
func Start[R Runner](lc fx.Lifecycle, ending *Ending, part R) {
	ctx, cancel := context.WithCancel(context.Background())
	returned := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(returned)
				err := part.Run(ctx)
				ending.returned(ctx, fmt.Sprintf("%T", part), err)
			}()
			return nil
		},
		OnStop: func(deadline context.Context) error {
			cancel()
			select {
			case <-returned:
				return nil
			case <-deadline.Done():
				return fmt.Errorf("stop %T: still running: %w", part, deadline.Err())
			}
		},
	})
}

// returned judges the return of a part's Run; ctx is the one it ran under.
func (e *Ending) returned(ctx context.Context, part string, err error) {
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return
	}
	if err == nil {
		err = errors.New("returned without being asked to stop")
	}
	e.log.ErrorContext(ctx, "part ended", "part", part, "error", err)
	code := 1
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		code = coded.ExitCode()
	}
	e.end(ctx, code)
}

// Done ends the app with exit code 0: there is nothing left to do. The part that says so goes on until it is stopped. A
// part that fell before keeps its exit code.
func (e *Ending) Done(ctx context.Context) { e.end(ctx, 0) }

func (e *Ending) end(ctx context.Context, code int) {
	e.once.Do(func() {
		if err := e.app.Shutdown(fx.ExitCode(code)); err != nil {
			// Nobody received it because an operator's signal came first: the app is on its way down all the same.
			e.log.WarnContext(ctx, "exit code lost to an earlier signal", "exit_code", code, "error", err)
		}
	})
}
