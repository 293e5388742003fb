package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
)

// Service proves all the time: of each pipeline of which this process reads the first shard's
// cities, it looks at what is new and at what differed, says on control what it found, and
// writes reports. It also looks at a scope when somebody asks.
type Service struct {
	set     *pipeline.Set
	signing Signing
	log     *slog.Logger

	mu    sync.Mutex
	state map[string]*State // by pipeline
	ended bool              // nobody is answered any more
	asks  sync.WaitGroup    // that are being answered
}

// NewService makes the Service.
func NewService(set *pipeline.Set, signing Signing, log *slog.Logger) *Service {
	return &Service{set: set, signing: signing, log: log, state: map[string]*State{}}
}

// Run proves until the context ends, and then waits for those who asked: the API, which ends
// before, has broken off what they asked for. It returns an error when the process must stop:
// the journal is not sound, and that cannot be put on record.
func (s *Service) Run(ctx context.Context) error {
	defer func() {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.asks.Wait()
	}()
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	g, watching := errgroup.WithContext(ctx)
	for _, o := range opened {
		every := o.Config.Reconcile.Interval
		if every <= 0 || !s.first(o) {
			continue
		}
		g.Go(func() error { return s.watch(watching, o, every) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// first reports whether this process is the one that proves a pipeline: of several only one
// has to.
func (s *Service) first(o *pipeline.Open) bool {
	for _, shard := range o.Shards {
		if shard == 0 {
			return s.set.Role().Has(domain.LegIngest)
		}
	}
	return false
}

// watch looks at one pipeline again and again. A look that fails is said once and tried again;
// rows are never in danger by it. A journal that is not sound is an incident, and nobody looks
// until an operator resolved it.
func (s *Service) watch(ctx context.Context, o *pipeline.Open, every time.Duration) error {
	var w *watch
	defer func() { w.close() }()
	said, reported := "", time.Now()
	for {
		began := time.Now()
		var err error
		if w == nil {
			w, err = newWatch(ctx, o)
		}
		if err == nil {
			err = w.look(ctx)
		}
		if every := o.Config.Reconcile.Report; err == nil && every > 0 && time.Since(reported) >= every {
			if err = s.keep(ctx, w); err == nil {
				reported = time.Now()
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		s.tell(o, w, began, err)
		switch in := projections.Unsound(domain.ControlStream(o.Config.Name), err); {
		case in != nil:
			w.close()
			w = nil
			if err := s.file(ctx, o, in); err != nil {
				return err
			}
		case err == nil:
			said = ""
		default:
			if err.Error() != said {
				said = err.Error()
				s.log.WarnContext(ctx, "look of the reconciler failed, tried again", "pipeline", o.Config.Name, "error", err)
			}
			if w != nil && w.p.spoilt {
				w.close()
				w = nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// file puts on record that the journal is not sound, and waits for an operator. Where it cannot
// be put on record because control is not sound either, the process ends.
func (s *Service) file(ctx context.Context, o *pipeline.Open, in *domain.Incident) error {
	s.log.ErrorContext(ctx, "reconciler waits for an operator", "pipeline", o.Config.Name, "incident", in.ID.String(), "what", in.Error())
	if _, err := o.Incidents.Decide(ctx, in); projections.Unsound(in.Stream, err) != nil {
		return &projections.Refusal{Reason: fmt.Sprintf("%s: %s; and it could not be put on record: %v", in.Stream, in, err)}
	}
	var open bool
	o.Control.State(func(c *domain.ControlState) { open = c.Incidents[in.ID] != nil })
	if open { // else it was not put on record, and the next look finds it again
		_ = o.Incidents.Wait(ctx, in.ID) // nil, or the context's end
	}
	return nil
}

// keep writes a signed report of what the looks so far came to.
func (s *Service) keep(ctx context.Context, w *watch) error {
	key, err := s.signing.Key(ctx)
	if err != nil {
		return err
	}
	after, err := s.signing.Now(ctx, w.o.Config.Name)
	if err != nil {
		return fmt.Errorf("checkpoint for a report: %w", err)
	}
	r, err := w.p.report(w.began)
	if err != nil {
		return err
	}
	w.o.Control.State(func(c *domain.ControlState) { remember(r, c) })
	by := s.maker()
	file, err := w.p.seal(ctx, r, s.signing, key, by, w.before, after)
	if err != nil {
		return err
	}
	e, err := by.Kept.Save(file)
	if err != nil {
		return err
	}
	w.before = after
	s.kept(w.o, e.Name)
	return nil
}

// maker says who makes this process's reports.
func (s *Service) maker() Maker {
	c := s.set.Config()
	return MakerOf(c, s.set.Role().Version)
}

// MakerOf says who makes reports by a configuration.
func MakerOf(c *config.Config, version string) Maker {
	by := Maker{Version: version, Sync: "always", Kept: report.InFolder(filepath.Join(c.DataDir, report.Folder))}
	if c.Journal.Mode == config.ModeExternal {
		by.Sync = "assumed" // a client cannot see it
	}
	return by
}
