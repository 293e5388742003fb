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
}

// State is what the looks of a pipeline came to.
type State struct {
	Pipeline string
	Looks    int64
	Last     time.Time // of the last look that came to its end; zero: none did
	Took     time.Duration
	Error    string // of the last look; empty: none
	Windows  map[domain.Proof]map[domain.WindowState]int
	Findings int    // that nobody accepted, of the looks since the process began
	Report   string // that was kept last
}

// NewService makes the Service.
func NewService(set *pipeline.Set, signing Signing, log *slog.Logger) *Service {
	return &Service{set: set, signing: signing, log: log, state: map[string]*State{}}
}

// Run proves until the context ends.
func (s *Service) Run(ctx context.Context) error {
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

// watch looks at one pipeline again and again. A look that fails is said once and tried again
// with nothing but what control has; rows are never in danger by it.
func (s *Service) watch(ctx context.Context, o *pipeline.Open, every time.Duration) error {
	var w *watch
	defer func() { w.close() }()
	said := ""
	reported := time.Now()
	for {
		if w == nil {
			w = newWatch(o)
		}
		began := time.Now()
		err := w.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && o.Config.Reconcile.Report > 0 && time.Since(reported) >= o.Config.Reconcile.Report {
			err = s.keep(ctx, w)
			reported = time.Now()
		}
		s.tell(w, began, err)
		if err != nil {
			if err.Error() != said {
				said = err.Error()
				s.log.WarnContext(ctx, "look of the reconciler failed, tried again", "pipeline", o.Config.Name, "error", err)
			}
			w.close()
			w = nil
		} else {
			said = ""
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// tell keeps what a look came to, for whoever asks.
func (s *Service) tell(w *watch, began time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state[w.o.Config.Name]
	if st == nil {
		st = &State{Pipeline: w.o.Config.Name}
		s.state[w.o.Config.Name] = st
	}
	st.Looks++
	st.Took = time.Since(began)
	if err != nil {
		st.Error = err.Error()
		return
	}
	st.Error, st.Last = "", time.Now()
	st.Windows, st.Findings = w.counts()
}

// keep writes a signed report of what the looks so far came to.
func (s *Service) keep(ctx context.Context, w *watch) error {
	if err := w.p.readAgain(ctx); err != nil {
		return err
	}
	key, err := s.signing.Key(ctx)
	if err != nil {
		return err
	}
	after, err := s.signing.Now(ctx)
	if err != nil {
		return fmt.Errorf("checkpoint for a report: %w", err)
	}
	r, err := w.p.report(w.began)
	if err != nil {
		return err
	}
	by := s.maker()
	file, err := w.p.seal(ctx, r, s.signing, key, by, w.before, after)
	if err != nil {
		return err
	}
	w.before = after
	e, err := by.Kept.Save(file)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.state[w.o.Config.Name]; st != nil {
		st.Report = e.Name
	}
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

// States are what the looks of each pipeline came to.
func (s *Service) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]State, 0, len(s.state))
	for _, o := range s.set.Config().Pipelines {
		if st := s.state[o.Name]; st != nil {
			out = append(out, *st)
		}
	}
	return out
}
