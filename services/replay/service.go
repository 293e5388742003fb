package replay

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
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

	mu      sync.Mutex
	running map[domain.PlanID]*run
}

// New makes the Service.
func New(set *pipeline.Set, prover Prover, legs Legs, log *slog.Logger) *Service {
	return &Service{set: set, prover: prover, legs: legs, log: log, running: map[domain.PlanID]*run{}}
}

// Run carries out what is approved until the context ends. It returns an error when the process
// must stop: *journal.FencedError.
func (s *Service) Run(ctx context.Context) error {
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
	wanted := func(c *domain.ControlState) bool {
		next = due(c)
		return next != nil
	}
	for o.Control.Wait(ctx, wanted) == nil {
		if err := s.carryOut(ctx, o, next); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// due is a copy of the replay to go on with: the one that was approved first of those that run
// or are verified. nil: none.
func due(c *domain.ControlState) *domain.Replay {
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
