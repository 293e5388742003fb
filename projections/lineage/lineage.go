// Package lineage keeps the way of every record in a ClickHouse table, one row each: city,
// hub and Doris coordinates, the events around it, and a digest of its bytes. It follows
// the outcomes of the last leg before it, and nothing waits for it.
//
// The lineage stream of the journal explains what was written. A LineageBegun says where a
// block begins and ends before it is sent, so that whoever sends it again sends the same:
// its rows are a function of the journal. ClickHouse knows a block again by its token where
// it can; where it cannot, rows that come again have the same key in the same partition and
// are the same in all columns: ReplacingMergeTree makes one of them, at once for a reader
// that says FINAL. So there is nothing to abort and nobody to fence: an older owner that
// wakes up sends what is there.
package lineage

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// Limits close a block; the first one reached does. Each is at least one part of the table,
// and ClickHouse suffers from many.
type Limits struct {
	Rows int           // 0: 100,000; also of one INSERT at most
	Age  time.Duration // since its first row; 0: 5 s
}

func (l Limits) withDefaults() Limits {
	if l.Rows <= 0 {
		l.Rows = 100_000
	}
	if l.Age <= 0 {
		l.Age = 5 * time.Second
	}
	return l
}

// Config of a shard's lineage leg.
type Config struct {
	Pipeline domain.PipelineConfig // as journaled
	// Configured gives the configuration in force while the leg runs, which may have more
	// sources; nil: Pipeline is it.
	Configured projections.Configured
	Shard      int
	Doris      bool // rows come by the Doris leg; else by the hub leg
	Conn       clickhouseconn.Config
	Database   string
	Table      string
	Batch      Limits
}

// Lineage opens the lineage leg of one shard. It belongs to one goroutine.
type Lineage struct {
	cfg         Config
	j           *journal.Journal
	stream      domain.Stream
	incarnation domain.Seq
	config      domain.Seq
	reporter    *projections.Reporter
	log         *slog.Logger
	zone        *time.Location
	cities      map[domain.SourceID]domain.City // of sources that came by; a source's never changes
}

// New makes the opener of a shard's lineage leg. incarnation is the seq of the process's
// Started, config that of the PipelineConfigured in force. Nothing is connected yet.
func New(cfg Config, j *journal.Journal, incarnation, config domain.Seq, reporter *projections.Reporter, log *slog.Logger) (*Lineage, error) {
	if cfg.Pipeline.Direct && !cfg.Doris {
		return nil, fmt.Errorf("lineage of shard %d: without a hub leg and a Doris leg there is nothing to follow", cfg.Shard)
	}
	if cfg.Configured == nil {
		cfg.Configured = func() (domain.PipelineConfig, domain.Seq) { return cfg.Pipeline, config }
	}
	cfg.Batch = cfg.Batch.withDefaults()
	zone, err := time.LoadLocation(cfg.Pipeline.Timezone)
	if err != nil {
		return nil, fmt.Errorf("lineage of shard %d: %w", cfg.Shard, err)
	}
	return &Lineage{
		cfg: cfg, j: j, incarnation: incarnation, config: config, reporter: reporter, log: log, zone: zone,
		stream: domain.Stream{Pipeline: j.Pipeline(), Shard: cfg.Shard, Leg: domain.LegLineage},
		cities: map[domain.SourceID]domain.City{},
	}, nil
}

// followed is the stream whose outcomes are carried.
func (l *Lineage) followed() domain.Stream {
	if l.cfg.Doris {
		return l.streamOf(domain.LegDoris)
	}
	return l.streamOf(domain.LegHub)
}

func (l *Lineage) streamOf(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: l.stream.Pipeline, Shard: l.stream.Shard, Leg: leg}
}

// city is the code of a source.
func (l *Lineage) city(id domain.SourceID) (domain.City, error) {
	if c, known := l.cities[id]; known {
		return c, nil
	}
	in, _ := l.cfg.Configured()
	for _, s := range in.Sources {
		l.cities[s.ID] = s.City
	}
	c, known := l.cities[id]
	if !known {
		return "", fmt.Errorf("source %s is not in the configuration in force", id)
	}
	return c, nil
}
