// Package doris moves the rows of committed hub transactions into a Doris table: one
// Stream Load with two-phase commit per batch (architecture.md, "Doris projection").
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
)

// Limits close a batch; the first one reached does. Doris suffers from many small
// versions of a tablet, so a batch waits for its age even when nothing more comes.
type Limits struct {
	Rows  int           // 0: 500,000
	Bytes int           // of the hub's values; 0: 128 MiB
	Age   time.Duration // since its first row; 0: 5 s
}

// Config of a shard's Doris leg.
type Config struct {
	Pipeline     domain.PipelineConfig // as journaled
	Shard        int
	FrontEnds    []string // http://host:port
	MySQL        []string // host:port
	Database     string
	Table        string
	User         string
	PasswordFile string // empty: no password
	Batch        Limits
}

// Doris opens the Doris leg of one shard.
type Doris struct {
	cfg         Config
	j           *journal.Journal
	stream      domain.Stream
	incarnation domain.Seq
	config      domain.Seq
	incidents   projections.Incidents
	reporter    *projections.Reporter
	log         *slog.Logger
	zone        *time.Location
	cities      map[domain.SourceID]domain.City
	opens       int // picks the front end: another one after each error
}

// New makes the opener of a shard's Doris leg. incarnation is the seq of the process's
// Started, config that of the PipelineConfigured in force. Nothing is connected yet.
func New(cfg Config, j *journal.Journal, incarnation, config domain.Seq,
	incidents projections.Incidents, reporter *projections.Reporter, log *slog.Logger,
) (*Doris, error) {
	if cfg.Batch.Rows <= 0 {
		cfg.Batch.Rows = 500_000
	}
	if cfg.Batch.Bytes <= 0 {
		cfg.Batch.Bytes = 128 << 20
	}
	if cfg.Batch.Age <= 0 {
		cfg.Batch.Age = 5 * time.Second
	}
	zone, err := time.LoadLocation(cfg.Pipeline.Timezone)
	if err != nil {
		return nil, fmt.Errorf("doris of shard %d: %w", cfg.Shard, err)
	}
	d := &Doris{
		cfg: cfg, j: j, incarnation: incarnation, config: config, incidents: incidents, reporter: reporter, log: log, zone: zone,
		stream: domain.Stream{Pipeline: j.Pipeline(), Shard: cfg.Shard, Leg: domain.LegDoris},
		cities: map[domain.SourceID]domain.City{},
	}
	for _, s := range cfg.Pipeline.Sources {
		d.cities[s.ID] = s.City
	}
	return d, nil
}

func (d *Doris) streamOf(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: d.stream.Pipeline, Shard: d.stream.Shard, Leg: leg}
}

// table is "<database>.<table>", as events and errors name it.
func (d *Doris) table() string { return d.cfg.Database + "." + d.cfg.Table }
