// Package services puts the long-running parts of Hefu together under fx. Each part
// is plain Go with a module.go; only this folder knows fx.
package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/archive"
	"github.com/hefu-io/hefu/services/bounded"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/explain"
	"github.com/hefu-io/hefu/services/ingest"
	"github.com/hefu-io/hefu/services/lifecycle"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/project"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
	"github.com/hefu-io/hefu/services/timeline"
)

// stopTimeout is how long a clean stop may take. A process that is killed instead
// loses nothing.
const stopTimeout = 20 * time.Second

// Options are the parts of a process that takes a role.
func Options(c *config.Config, role pipeline.Role, log *slog.Logger) fx.Option {
	parts := []fx.Option{
		fx.Supply(c, role, log, &projections.Board{}),
		fx.Provide(lifecycle.NewEnding),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: log}
			l.UseLogLevel(slog.LevelDebug)
			return l
		}),
		fx.StopTimeout(stopTimeout),
		fx.Invoke(func(s *pipeline.Set) { s.AskHub = askHub }),
		pipeline.Module,
		checkpoint.Module,
	}
	if role.Has(domain.LegIngest) {
		parts = append(parts, ingest.Module, bounded.Module)
	}
	if role.Has(domain.LegHub) || role.Has(domain.LegDoris) {
		parts = append(parts, project.Module, replaying())
	}
	if c.Journal.Archive != nil {
		parts = append(parts, archive.Module)
	}
	return fx.Options(append(parts, fx.Provide(func(s *checkpoint.Service) reconcile.Signing { return s }), reconcile.Module, explain.Module, timeline.Module, status.Module)...)
}

// askHub gives the pipelines what the hub remembers of their journals.
func askHub(ctx context.Context, p *config.Pipeline, shard int) ([]journal.Anchor, error) {
	return hub.Anchors(ctx, hub.Config{Kafka: p.Hub.Config, Shard: shard, ProgressTopic: p.Hub.ProgressTopic})
}

// EndedError says that the process ended because a part of it did; the part's error is
// in the log.
type EndedError struct{ Code int }

// Error is for people.
func (e *EndedError) Error() string {
	return fmt.Sprintf("ended with exit code %d, see the log above", e.Code)
}

// ExitCode is the process's exit code.
func (e *EndedError) ExitCode() int { return e.Code }

// Run runs the app until the context ends (nil) or a part of it ends (*EndedError).
func Run(ctx context.Context, c *config.Config, role pipeline.Role, log *slog.Logger) error {
	app := fx.New(Options(c, role, log))
	if err := app.Err(); err != nil {
		return fmt.Errorf("put the parts together: %w", err)
	}
	ended := app.Wait() // before Start: a part may end at once
	// An end that comes meanwhile is a clean one, too: starting is a moment's work, and waits for nobody.
	start, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StartTimeout())
	defer cancel()
	if err := app.Start(start); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	var code int
	select {
	case <-ctx.Done():
	case s := <-ended:
		code = s.ExitCode
	}
	stop, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
	defer cancelStop()
	if err := app.Stop(stop); err != nil && !errors.Is(err, context.Canceled) {
		log.WarnContext(ctx, "stop was not clean; nothing is lost by it", "error", err)
	}
	if code != 0 {
		return &EndedError{code}
	}
	return nil
}
