// Package project runs the projections: the hub, Doris and lineage legs of every shard
// that this process takes.
package project

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Service is the projections of a process.
type Service struct {
	set   *pipeline.Set
	board *projections.Board
	log   *slog.Logger

	mu       sync.Mutex
	cadences map[string]*doris.Cadence // of the pipelines' tables, whatever the shard
}

// New makes the Service; nothing is opened yet.
func New(set *pipeline.Set, board *projections.Board, log *slog.Logger) *Service {
	return &Service{set: set, board: board, log: log, cadences: map[string]*doris.Cadence{}}
}

// Run keeps every leg running until the context ends. It returns an error when the
// process must stop: *journal.FencedError, *projections.Refusal.
func (s *Service) Run(ctx context.Context) error {
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range opened {
		for _, shard := range o.Shards {
			for _, r := range []struct {
				leg  domain.Leg
				make func(*pipeline.Open, int, *projections.Reporter) (*projections.Runner, error)
			}{{domain.LegHub, s.hub}, {domain.LegDoris, s.doris}, {domain.LegLineage, s.lineage}} {
				if !s.set.Role().Has(r.leg) || !o.Has(r.leg) {
					continue
				}
				reporter := projections.NewReporter(domain.Stream{Pipeline: o.Config.Name, Shard: shard, Leg: r.leg})
				runner, err := r.make(o, shard, reporter)
				if err != nil {
					return fmt.Errorf("pipeline %s: %w", o.Config.Name, err)
				}
				s.board.AddLeg(reporter)
				g.Go(func() error { return runner.Run(ctx) })
			}
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (s *Service) runner(o *pipeline.Open, reporter *projections.Reporter, opener projections.Opener) *projections.Runner {
	return &projections.Runner{
		Stream: reporter.Status().Stream, Opener: opener, Incidents: o.Incidents, Reporter: reporter, Log: s.log,
	}
}

func (s *Service) hub(o *pipeline.Open, shard int, reporter *projections.Reporter) (*projections.Runner, error) {
	h, err := hub.New(s.HubLeg(o, shard), o.Journal, o.Incarnation, o.ConfigSeq, o.Incidents, reporter, s.log)
	if err != nil {
		return nil, err
	}
	r := s.runner(o, reporter, h)
	r.Explain = kafkaconn.Explain
	return r, nil
}

// HubLeg is a shard's hub leg as hefu.yaml and the journal say.
func (*Service) HubLeg(o *pipeline.Open, shard int) hub.Config {
	c := o.Config.Hub
	return hub.Config{
		Pipeline: o.Configured, Configured: o.InForce, Kafka: c.Config, Shard: shard, ProgressTopic: c.ProgressTopic,
		Batch: hub.Limits{
			Rows: c.Batch.Rows, Bytes: int(c.Batch.Bytes), Age: c.Batch.Age, Runs: c.Batch.Runs,
		},
		Semantic:           domain.Semantic(c.Semantic),
		TransactionTimeout: c.TransactionTimeout,
	}
}

// dorisBackoff is where the pause after a refused load begins and ends: aborted
// transactions push committed labels out of Doris's memory (doris-wire.md §11.1, 10),
// so they must not follow each other fast.
const (
	dorisBackoff    = 200 * time.Millisecond
	dorisMaxBackoff = 30 * time.Second
)

func (s *Service) doris(o *pipeline.Open, shard int, reporter *projections.Reporter) (*projections.Runner, error) {
	d, err := doris.New(s.DorisLeg(o, shard), o.Journal, o.Incarnation, o.ConfigSeq, o.Incidents, reporter, s.log)
	if err != nil {
		return nil, err
	}
	r := s.runner(o, reporter, d)
	r.Backoff, r.MaxBackoff = dorisBackoff, dorisMaxBackoff
	return r, nil
}

// DorisLeg is a shard's Doris leg as hefu.yaml and the journal say. All that load into the
// pipeline's table share its cadence, replays too.
func (s *Service) DorisLeg(o *pipeline.Open, shard int) doris.Config {
	c := o.Config.Doris
	return doris.Config{
		Pipeline: o.Configured, Configured: o.InForce, Shard: shard, Conn: c.Config, Database: c.Database, Table: c.Table, Model: c.Model,
		Semantic: domain.Semantic(c.Semantic), Properties: c.Properties, MaxRecordBytes: int(c.MaxRecordBytes),
		Batch:   doris.Limits{Rows: c.Batch.Rows, Bytes: int(c.Batch.Bytes), Age: c.Batch.Age},
		Cadence: s.cadence(o),
	}
}

// cadence is that of a pipeline's table.
func (s *Service) cadence(o *pipeline.Open) *doris.Cadence {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cadences[o.Config.Name]
	if c == nil {
		c = doris.NewCadence(o.Config.Doris.Batch.Interval)
		s.cadences[o.Config.Name] = c
	}
	return c
}
