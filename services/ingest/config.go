package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Source is one city's topic on its own cluster, as a shard reads it.
type Source struct {
	ID    domain.SourceID
	City  domain.City
	Base  int32 // b of PipelineConfigured
	Kafka kafkaconn.Config
	Topic string
	// Start and Stop are resolved once, when the source is first opened; the zero Stop is
	// that of a source without an end.
	Start domain.StartSpec
	Stop  domain.StopSpec
	Group string // told the position, for tools that show lag; empty: nobody is told
	// Uncommitted reads read_uncommitted: the rows of aborted and open transactions too.
	Uncommitted bool
	CatchUp     int64 // bytes a second while it is behind; 0: no limit
	Paused      bool  // not read; its positions stay
}

// Config is one shard's ingest. Zero bounds take the defaults that stand beside them.
type Config struct {
	Pipeline      string
	Shard, Shards int
	HubPartitions int32      // H of PipelineConfigured
	ConfigSeq     domain.Seq // of the PipelineConfigured in force
	Sources       []Source

	EventBytes int           // an event is cut at this size; 1 MiB
	Linger     time.Duration // how long rows wait for more; 5 ms
	QueueBytes int64         // fetched and not yet journaled, all sources of the shard; 8 MiB
	FetchBytes int32         // asked of one partition at once; 1 MiB
	MaxWait    time.Duration // how long a broker may hold an empty fetch; 500 ms
	Refresh    time.Duration // how late a new partition may be noticed; 15 s
	MaxEvent   int64         // the largest event that the journal takes; 16 MiB

	// Ingest stops while the journal holds MaxJournalBytes - ReserveBytes or more, so
	// that outcomes still find room. MaxJournalBytes 0: no bound.
	MaxJournalBytes, ReserveBytes int64

	// Guard reads the shard's progress record from the hub, nil when there is none.
	// It is asked once, before the first append of the process; nil: not asked.
	Guard func(ctx context.Context) (*domain.ProgressRecord, error)

	// Taken says up to which offsets of a source the table has rows of another job, by
	// partition. It is asked when the source is opened for the first time; nil: not asked.
	Taken func(ctx context.Context, s *Source) (map[int32]int64, error)
}

func (c Config) withDefaults() Config {
	if c.EventBytes <= 0 {
		c.EventBytes = 1 << 20
	}
	if c.Linger <= 0 {
		c.Linger = 5 * time.Millisecond
	}
	if c.QueueBytes <= 0 {
		c.QueueBytes = 8 << 20
	}
	if c.FetchBytes <= 0 {
		c.FetchBytes = 1 << 20
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 500 * time.Millisecond
	}
	if c.Refresh <= 0 {
		c.Refresh = 15 * time.Second
	}
	if c.MaxEvent <= 0 {
		c.MaxEvent = 16 << 20
	}
	c.EventBytes = min(c.EventBytes, int(c.maxRun()))
	c.FetchBytes = min(c.FetchBytes, int32(min(c.maxRun(), 1<<30)))
	return c
}

// maxRun is the weight of the largest run: what an event holds beside its batches
// (the position map, above all) keeps a sixteenth of it, and at least 64 KiB.
func (c Config) maxRun() int64 { return c.MaxEvent - max(64<<10, c.MaxEvent/16) }

func (c Config) validate() error {
	switch {
	case c.Shards < 1 || c.Shard < 0 || c.Shard >= c.Shards:
		return fmt.Errorf("shard %d of %d", c.Shard, c.Shards)
	case c.HubPartitions < 1:
		return fmt.Errorf("%d hub partitions", c.HubPartitions)
	case c.MaxJournalBytes > 0 && c.ReserveBytes >= c.MaxJournalBytes:
		return fmt.Errorf("a reserve of %d bytes leaves nothing of a journal of %d", c.ReserveBytes, c.MaxJournalBytes)
	case c.maxRun() < 64<<10:
		return fmt.Errorf("an event of %d bytes holds no record batch", c.MaxEvent)
	}
	seen := map[domain.SourceID]bool{}
	for _, s := range c.Sources {
		if seen[s.ID] {
			return fmt.Errorf("source %s is there twice", s.ID)
		}
		seen[s.ID] = true
		if s.Start.At == domain.StartGroupOffsets && s.Group == "" {
			return fmt.Errorf("source %s: start %s needs a group", s.ID, s.Start.At)
		}
		if s.Stop.At == domain.StopGroupOffsets && s.Group == "" {
			return fmt.Errorf("source %s: bounded %s needs a group", s.ID, s.Stop.At)
		}
		if s.Topic == "" {
			return fmt.Errorf("source %s: no topic", s.ID)
		}
	}
	return nil
}

// stream is the one that the shard's ingest writes.
func (c Config) stream() domain.Stream {
	return domain.Stream{Pipeline: c.Pipeline, Shard: c.Shard, Leg: domain.LegIngest}
}

// owns reports whether a partition of a source belongs to the shard.
func (c Config) owns(s *Source, partition int32) bool {
	return domain.ShardOf(domain.HubPartition(s.Base, partition, c.HubPartitions), c.Shards) == c.Shard
}
