package replay

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Prover says what a target has of a plan's rows. services/reconcile is it.
type Prover interface {
	// Difference compares the journal's word of some rows with a table, "<db>.<table>".
	Difference(ctx context.Context, pipeline string, lanes []domain.PlanLane, rows domain.Selection, table string, say func(string)) (*domain.Difference, error)
	// ProvePlan compares the journal's word of a plan's rows with its target, and keeps a signed
	// report.
	ProvePlan(ctx context.Context, plan *domain.Plan, say func(string)) (Verdict, error)
}

// Verdict is what a verification came to.
type Verdict struct {
	Good   bool
	Text   string // "verified", or what is wrong, in a line
	Report string // the name under which the report is kept
	Digest domain.Hash
}

// Service plans replays and runs those that were approved, one of a pipeline at a time.
type Service struct {
	set    *pipeline.Set
	prover Prover
	legs   Legs
	log    *slog.Logger
	// tails says where the live hub topic ends (hub.Tails).
	tails func(ctx context.Context, leg hub.Config, journal domain.JournalID) (map[int32]int64, error)

	mu      sync.Mutex
	running map[domain.PlanID]*run
	ended   bool           // nobody is answered any more
	asks    sync.WaitGroup // that are being answered
	// exchanging are the pipelines of which tables are being exchanged.
	exchanging map[string]bool
	stopping   chan struct{} // closed when the process ends
}

// New makes the Service.
func New(set *pipeline.Set, prover Prover, legs Legs, log *slog.Logger) *Service {
	return &Service{set: set, prover: prover, legs: legs, log: log, tails: hub.Tails, running: map[domain.PlanID]*run{}, exchanging: map[string]bool{}, stopping: make(chan struct{})}
}

// Run carries out what is approved until the context ends, and then waits for those who asked: the
// API, which ends before, has broken off what they asked for. It returns an error when the process
// must stop: *journal.FencedError.
func (s *Service) Run(ctx context.Context) error {
	defer func() {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		close(s.stopping)
		s.asks.Wait()
	}()
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	g, running := errgroup.WithContext(ctx)
	for _, o := range opened {
		g.Go(func() error { return s.serve(running, o) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// serve carries out the replays of one pipeline, in the order in which they were approved.
func (s *Service) serve(ctx context.Context, o *pipeline.Open) error {
	if err := s.settleStopped(ctx, o); err != nil {
		return err
	}
	var next *domain.Replay
	var abandoned bool
	wanted := func(c *domain.ControlState) bool {
		next, abandoned = due(c), s.abandoned(o, c)
		return next != nil || abandoned
	}
	for o.Control.Wait(ctx, wanted) == nil {
		if abandoned {
			s.takeUp(ctx, o)
			continue
		}
		if err := s.carryOut(ctx, o, next); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// due is a copy of the replay to go on with: the one that was approved first of those that run
// or are verified. nil: none, as long as tables are being exchanged.
func due(c *domain.ControlState) *domain.Replay {
	if c.OpenSwap() != nil {
		return nil
	}
	var first *domain.Replay
	for _, id := range c.Planned {
		r := c.Replays[id]
		if (r.State == domain.PlanRunning || r.State == domain.PlanVerifying) && (first == nil || r.Approved < first.Approved) {
			first = r
		}
	}
	if first == nil {
		return nil
	}
	now := *first
	return &now
}

func (s *Service) enter(x *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[x.plan.ID] = x
}

func (s *Service) leave(x *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, x.plan.ID)
}
