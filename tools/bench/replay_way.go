package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/file"
)

// way is how rows leave a journal.
type way string

// The ways: the pipeline's own Doris leg, and replays of everything without limits.
const (
	wayLive  way = "live"  // into the live table
	wayTable way = "table" // into a shadow table
	wayFile  way = "file"
	wayNull  way = "null" // made and counted, and that is all: the floor
)

func allWays() []way { return []way{wayLive, wayTable, wayFile, wayNull} }

// shadowTable is the target of the replay into a table.
const shadowTable = dorisTable + "_shadow"

// carrying is what the process of a leg has.
type carrying struct {
	dir         string
	way         way
	conn        dorisconn.Config
	j           *journal.Journal
	control     *journal.Control
	incarnation domain.Seq
	last        domain.Ref // of the hub stream: with it everything is carried
	replay      *projections.Replay
	reporter    *projections.Reporter
}

// prepare makes the plan of a replay, and its table.
func (c *carrying) prepare(ctx context.Context) (err error) {
	if c.incarnation, err = started(ctx, c.control); err != nil {
		return err
	}
	tail, err := c.j.Tail(ctx, domain.Stream{Pipeline: dorisPipeline, Leg: domain.LegHub})
	if err != nil {
		return err
	}
	c.last = tail.Ref()
	if c.way == wayLive {
		c.reporter = projections.NewReporter(domain.Stream{Pipeline: dorisPipeline, Leg: domain.LegDoris})
		return nil
	}
	plan := &domain.Plan{Pipeline: dorisPipeline, Target: domain.PlanTarget{Kind: domain.TargetKind(c.way)}}
	copy(plan.ID[:], c.way) // as good as any, since the journal is a copy
	c.replay = &projections.Replay{Plan: plan, Lane: domain.PlanLane{First: 1, Last: c.last}, Pace: projections.NewPace(domain.PlanLimits{})}
	c.reporter = projections.NewReporter(c.replay.Stream())
	if c.way != wayTable {
		return nil
	}
	plan.Target.Mode, plan.Target.Name = domain.ModeShadow, dorisDatabase+"."+shadowTable
	cluster, err := dorisconn.Open(c.conn)
	if err != nil {
		return err
	}
	defer cluster.Close()
	return doris.MakeShadow(ctx, cluster, dorisDatabase+"."+dorisTable, plan.Target.Name, plan.ID)
}

// opener opens the leg that carries the rows.
func (c *carrying) opener() (projections.Opener, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if c.way == wayFile || c.way == wayNull {
		return file.New(file.Config{Pipeline: dorisPipelineConfig(), DataDir: c.dir, Replay: c.replay}, c.j, c.incarnation, 0, c.reporter, log)
	}
	cfg := doris.Config{
		Pipeline: dorisPipelineConfig(), Database: dorisDatabase, Table: dorisTable, Conn: c.conn, Replay: c.replay,
		Batch: doris.Limits{Age: 200 * time.Millisecond}, // for the last batch of the live leg, which is not full
	}
	if c.way == wayTable {
		cfg.Table = shadowTable
	}
	return doris.New(cfg, c.j, c.incarnation, 0, projections.Incidents{Control: c.control}, c.reporter, log)
}

// profileSelf takes a CPU profile of this process until the returned function is called; of
// an empty name none.
func profileSelf(name string) (func() error, error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("profile to %s: %w", name, err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
