package ingest

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Service is the ingest of every shard that this process takes.
type Service struct {
	set   *pipeline.Set
	board *projections.Board
	log   *slog.Logger
}

// NewService makes the Service; nothing is opened yet.
func NewService(set *pipeline.Set, board *projections.Board, log *slog.Logger) *Service {
	return &Service{set: set, board: board, log: log}
}

// Run keeps the ingest of every shard running until the context ends. It returns an
// error when the process must stop: *journal.FencedError.
func (s *Service) Run(ctx context.Context) error {
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range opened {
		for _, number := range o.Shards {
			reporter := projections.NewReporter(domain.Stream{Pipeline: o.Config.Name, Shard: number, Leg: domain.LegIngest})
			shard, err := New(s.config(o, number), o.Journal, o.Incarnation, o.Incidents, reporter, s.log)
			if err != nil {
				return fmt.Errorf("pipeline %s: %w", o.Config.Name, err)
			}
			s.board.AddLeg(reporter)
			s.board.AddSources(func() []projections.SourceStatus { return shown(o.Config.Name, number, shard.Sources()) })
			runner := projections.Runner{
				Stream: reporter.Status().Stream, Opener: shard, Incidents: o.Incidents, Reporter: reporter, Log: s.log,
			}
			g.Go(func() error { return runner.Run(ctx) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// config is a shard's ingest as hefu.yaml and the journal say.
func (s *Service) config(o *pipeline.Open, shard int) Config {
	in, all := o.Config.Ingest, s.set.Config().Journal
	c := Config{
		Pipeline: o.Config.Name, Shard: shard, Shards: o.Configured.Shards, HubPartitions: o.Configured.HubPartitions, ConfigSeq: o.ConfigSeq,
		EventBytes: int(in.EventBytes), Linger: in.Linger, QueueBytes: int64(in.QueueBytes), FetchBytes: int32(in.FetchBytes),
		MaxWait: in.MaxWait, MaxEvent: o.MaxPayload, MaxJournalBytes: int64(all.MaxBytes), ReserveBytes: int64(all.ReserveBytes),
		Guard: func(ctx context.Context) (*domain.ProgressRecord, error) {
			return hub.ProgressGuard(ctx, hub.Config{Pipeline: o.Configured, Kafka: o.Config.Hub.Config, Shard: shard, ProgressTopic: o.Config.Hub.ProgressTopic})
		},
	}
	for _, src := range o.Config.Sources {
		journaled, known := o.Configured.Source(domain.SourceID(src.ID))
		if !known || journaled.Ended {
			continue
		}
		c.Sources = append(c.Sources, Source{
			ID: journaled.ID, City: journaled.City, Base: journaled.Base, Kafka: src.Config, Topic: src.Topic,
			Start: domain.StartAt(src.Start), Missing: domain.OnMissingCursor(src.OnMissingCursor), Group: src.Group,
		})
	}
	return c
}

// shown is the sources as the board shows them.
func shown(pipeline string, shard int, list []SourceStatus) []projections.SourceStatus {
	out := make([]projections.SourceStatus, 0, len(list))
	for _, s := range list {
		o := projections.SourceStatus{
			Pipeline: pipeline, Shard: shard, Source: s.Source, City: s.City, State: projections.State(s.State), Error: s.Error, Rows: s.Rows,
		}
		for _, p := range s.Partitions {
			o.Partitions = append(o.Partitions, projections.PartitionStatus{Partition: p.Partition, Next: p.Next, LastStable: p.LSO, Lag: p.Lag})
		}
		out = append(out, o)
	}
	return out
}
