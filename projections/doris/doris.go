// Package doris moves the rows of committed hub transactions into a Doris table: one
// Stream Load with two-phase commit per batch (architecture.md, "Doris projection"). Where
// the source is the hub topic itself, what ingest journaled of it stands for the
// transactions (input.go); all else is the same.
//
// The doris stream of the journal explains what was done; Doris decides what was. The
// label of a load is made of the hash of its DorisBegun, so a label found in Doris is
// this intent, of this journal. The fence is the append of DorisPrepared: no commit
// before its ack.
package doris

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// Limits close a batch; the first one reached does. Doris suffers from many small
// versions of a tablet, so a batch waits for its age even when nothing more comes.
type Limits struct {
	Rows  int           // 0: 500,000
	Bytes int           // of the hub's values; 0: 128 MiB
	Age   time.Duration // since its first row; 0: 5 s
}

func (l Limits) withDefaults() Limits {
	if l.Rows <= 0 {
		l.Rows = 500_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 128 << 20
	}
	if l.Age <= 0 {
		l.Age = 5 * time.Second
	}
	return l
}

// Config of a shard's Doris leg.
type Config struct {
	Pipeline domain.PipelineConfig // as journaled
	// Configured gives the configuration in force while the leg runs, which may have more
	// sources; nil: Pipeline is it.
	Configured projections.Configured
	Shard      int
	Conn       dorisconn.Config
	Database   string
	Table      string
	Model      string          // unique or duplicate, as the table must be; empty: either
	Semantic   domain.Semantic // empty: exactly-once
	// Properties are the original job's sink.properties.*, as far as Hefu leaves them to
	// people: headers of each load.
	Properties map[string]string
	Batch      Limits
	// Cadence is shared by all shards of a process that load into the table; nil: none.
	Cadence *Cadence
	// Beside is, of a replay into another table than the live one, the live table's Cadence, nil: none. A
	// load of the replay begins when none of the live table is under way.
	Beside *Cadence
	// Replay makes the leg that of a plan: it carries the rows of a lane into the plan's table,
	// exactly once whatever the pipeline promises, and ends. Database and Table are the plan's
	// target; a Cadence is shared with the live legs where that is the live table.
	Replay *projections.Replay
	// MaxRecordBytes is the longest text that the column record takes; 0: 1 MiB, which is
	// string_type_length_soft_limit_bytes of a back end (be/src/common/config.cpp).
	MaxRecordBytes int
}

// Doris opens the Doris leg of one shard. It belongs to one goroutine.
type Doris struct {
	cfg         Config
	j           *journal.Journal
	stream      domain.Stream
	incarnation domain.Seq
	incidents   projections.Incidents
	reporter    *projections.Reporter
	log         *slog.Logger
	zone        *time.Location
	bounds      bounds
	framing     framing
	probePause  time.Duration // before the second probe of a search; doubled before each further one
	sources     *sources
	input       domain.Leg // whose stream is followed

	pace pace // of the loads
	// orphans is what was last found of them; Open and then Run's watch have it.
	orphans   projections.Orphans
	lookEvery time.Duration
	opened    bool // once it was, what refuses a start is tried again
	// careful makes every row be looked at before an intent. It is set once a row came
	// by that the table cannot hold, since where there is one there are more.
	careful bool
}

// New makes the opener of a shard's Doris leg. incarnation is the seq of the process's
// Started, config that of the PipelineConfigured in force. Nothing is connected yet.
func New(cfg Config, j *journal.Journal, incarnation, config domain.Seq,
	incidents projections.Incidents, reporter *projections.Reporter, log *slog.Logger,
) (*Doris, error) {
	if len(cfg.Conn.FE) == 0 || len(cfg.Conn.MySQL) == 0 {
		return nil, fmt.Errorf("doris of shard %d: no address of a front end", cfg.Shard)
	}
	if cfg.Semantic == "" || cfg.Replay != nil {
		cfg.Semantic = domain.ExactlyOnce
	}
	if err := dorisconn.CheckProperties(cfg.Properties, cfg.Pipeline.Timezone, cfg.Semantic); err != nil {
		return nil, fmt.Errorf("doris of shard %d: %w", cfg.Shard, err)
	}
	if cfg.Cadence == nil {
		cfg.Cadence = NewCadence(0)
	}
	if cfg.Configured == nil {
		cfg.Configured = func() (domain.PipelineConfig, domain.Seq) { return cfg.Pipeline, config }
	}
	cfg.Batch = cfg.Batch.withDefaults()
	if cfg.MaxRecordBytes <= 0 {
		cfg.MaxRecordBytes = 1 << 20
	}
	zone, err := time.LoadLocation(cfg.Pipeline.Timezone)
	if err != nil {
		return nil, fmt.Errorf("doris of shard %d: %w", cfg.Shard, err)
	}
	d := &Doris{
		cfg: cfg, j: j, incarnation: incarnation, incidents: incidents, reporter: reporter, log: log,
		stream: domain.Stream{Pipeline: j.Pipeline(), Shard: cfg.Shard, Leg: domain.LegDoris},
		zone:   zone, bounds: newBounds(zone, cfg.MaxRecordBytes),
		framing: framingOf(cfg.Properties), probePause: firstProbePause, lookEvery: orphanInterval,
		sources: &sources{now: cfg.Configured}, input: inputOf(&cfg.Pipeline),
	}
	if cfg.Replay != nil {
		d.stream = cfg.Replay.Stream()
	}
	return d, d.checkReplay()
}

// inForce is the seq of the configuration in force.
func (d *Doris) inForce() domain.Seq {
	_, seq := d.cfg.Configured()
	return seq
}

func (d *Doris) streamOf(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: d.stream.Pipeline, Shard: d.stream.Shard, Leg: leg}
}

// table is "<database>.<table>", as events and errors name it.
func (d *Doris) table() string { return d.cfg.Database + "." + d.cfg.Table }
