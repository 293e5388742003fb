package ingest

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/config"
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
		sources, _, changed := o.Sources()
		var shards []*Shard
		for _, number := range o.Shards {
			reporter := projections.NewReporter(domain.Stream{Pipeline: o.Config.Name, Shard: number, Leg: domain.LegIngest})
			shard, err := New(s.config(o, number, sources), o.Journal, o.Incarnation, o.Incidents, reporter, s.log)
			if err != nil {
				return fmt.Errorf("pipeline %s: %w", o.Config.Name, err)
			}
			shards = append(shards, shard)
			s.board.AddLeg(reporter)
			s.board.AddSources(func() []projections.SourceStatus { return shown(o.Config.Name, number, shard.Sources()) })
			runner := projections.Runner{
				Stream: reporter.Status().Stream, Opener: shard, Incidents: o.Incidents, Reporter: reporter, Log: s.log,
			}
			g.Go(func() error { return runner.Run(ctx) })
		}
		g.Go(func() error { return s.follow(ctx, o, shards, changed) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// follow gives the shards other sources whenever the pipeline has others. Those that a shard
// cannot take, which the rules of hefu.yaml do not let through, are no reason to stop the rest.
func (s *Service) follow(ctx context.Context, o *pipeline.Open, shards []*Shard, changed <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		var list []pipeline.Source
		var seq domain.Seq
		list, seq, changed = o.Sources()
		for _, shard := range shards {
			if err := shard.Configure(sourcesOf(list), seq); err != nil {
				s.log.ErrorContext(ctx, "sources were not taken over", "stream", shard.Stream().String(), "error", err)
			}
		}
	}
}

// config is a shard's ingest as hefu.yaml and the journal say.
func (s *Service) config(o *pipeline.Open, shard int, sources []pipeline.Source) Config {
	in, all := o.Config.Ingest, s.set.Config().Journal
	c := Config{
		Pipeline: o.Config.Name, Shard: shard, Shards: o.Configured.Shards, HubPartitions: o.Configured.HubPartitions, ConfigSeq: o.ConfigSeq,
		Sources: sourcesOf(sources), EventBytes: int(in.EventBytes), Linger: in.Linger, QueueBytes: int64(in.QueueBytes),
		FetchBytes: int32(in.FetchBytes), MaxWait: in.MaxWait, MaxEvent: o.MaxPayload,
		MaxJournalBytes: int64(all.MaxBytes), ReserveBytes: int64(all.ReserveBytes),
	}
	if o.TakesOver() {
		c.Taken = func(ctx context.Context, src *Source) (map[int32]int64, error) {
			ends, err := pipeline.ReadTableEnds(ctx, o.Config.Doris)
			if err != nil || o.Configured.Direct {
				return ends.Hub, err
			}
			return ends.Cities[src.City], nil
		}
	}
	if o.Has(domain.LegHub) {
		c.Guard = func(ctx context.Context) (*domain.ProgressRecord, error) {
			return hub.ProgressGuard(ctx, hub.Config{Pipeline: o.Configured, Kafka: o.Config.Hub.Config, Shard: shard, ProgressTopic: o.Config.Hub.ProgressTopic})
		}
	}
	return c
}

// sourcesOf are sources as a shard reads them.
func sourcesOf(list []pipeline.Source) []Source {
	out := make([]Source, 0, len(list))
	for i := range list {
		s, r := &list[i], &list[i].Reading
		out = append(out, Source{
			ID: s.ID, City: s.City, Base: s.Base, Kafka: s.Kafka, Topic: s.Topic, Start: r.StartSpec(), Stop: r.StopSpec(), Group: r.Group,
			Uncommitted: r.Isolation == config.ReadUncommitted, CatchUp: int64(r.CatchUp), Paused: r.Paused,
		})
	}
	return out
}

// shown is the sources as the board shows them.
func shown(pipeline string, shard int, list []SourceStatus) []projections.SourceStatus {
	out := make([]projections.SourceStatus, 0, len(list))
	for _, s := range list {
		o := projections.SourceStatus{
			Pipeline: pipeline, Shard: shard, Source: s.Source, City: s.City, State: projections.State(s.State), Error: s.Error, Rows: s.Rows, Gaps: s.Gaps,
		}
		for _, p := range s.Partitions {
			o.Partitions = append(o.Partitions, projections.PartitionStatus{Partition: p.Partition, Next: p.Next, LastStable: p.LSO, Lag: p.Lag})
		}
		out = append(out, o)
	}
	return out
}
