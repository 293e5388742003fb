package replay

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Legs are the pipeline's own as hefu.yaml and the journal say. services/project is it.
type Legs interface {
	DorisLeg(o *pipeline.Open, shard int) doris.Config
	HubLeg(o *pipeline.Open, shard int) hub.Config
}

// between is where the pause after an error begins and ends: as the live Doris leg's, since
// aborted loads push the labels of committed ones out of Doris's memory.
const (
	pauseFirst = 200 * time.Millisecond
	pauseLast  = 30 * time.Second
)

// prepare makes the target, as far as it is to be made. It may be called again at any time.
func (x *run) prepare(ctx context.Context) error {
	t := x.plan.Target
	switch {
	case t.Kind == domain.TargetTopic && t.Mode == domain.ModeShadow:
		c := x.s.legs.HubLeg(x.o, 0)
		c.Replay = &projections.Replay{Plan: x.plan, Pace: x.pace}
		return hub.MakeShadowTopic(ctx, c)
	case t.Kind == domain.TargetTable && t.Mode == domain.ModeShadow:
		return x.withDoris(func(c *dorisconn.Cluster) error {
			return doris.MakeShadow(ctx, c, x.o.Configured.Table, t.Name, x.plan.Marker())
		})
	default:
		return nil
	}
}

// remove deletes the rows that the plan names, and says how many it was.
func (x *run) remove(ctx context.Context) (said string, err error) {
	err = x.withDoris(func(c *dorisconn.Cluster) error {
		d, err := doris.DeleteRows(ctx, c, x.plan.Target.Name, x.plan.Delete)
		said = fmt.Sprintf("%s rows are deleted, %s keys named none any more", humanize.Comma(d.Rows), humanize.Comma(d.Gone))
		return err
	})
	return said, err
}

func (x *run) withDoris(do func(*dorisconn.Cluster) error) error {
	c, err := dorisconn.Open(x.s.legs.DorisLeg(x.o, 0).Conn)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

// opener is what carries a lane.
func (x *run) opener(l *lane) (projections.Opener, error) {
	replay, o := &projections.Replay{Plan: x.plan, Lane: l.PlanLane, Pace: x.pace}, x.o
	switch x.plan.Target.Kind {
	case domain.TargetTable:
		c := x.s.legs.DorisLeg(o, l.Shard)
		c.Database, c.Table, _ = strings.Cut(x.plan.Target.Name, ".")
		c.Replay = replay
		if x.plan.Target.Mode == domain.ModeShadow {
			c.Cadence = nil // the live table is not loaded
		}
		return doris.New(c, o.Journal, o.Incarnation, o.ConfigSeq, o.Incidents, l.reporter, x.s.log)
	case domain.TargetTopic:
		c := x.s.legs.HubLeg(o, l.Shard)
		c.Replay = replay
		return hub.New(c, o.Journal, o.Incarnation, o.ConfigSeq, o.Incidents, l.reporter, x.s.log)
	default:
		return file.New(file.Config{Pipeline: o.Configured, Configured: o.InForce, DataDir: x.s.set.Config().DataDir, Replay: replay},
			o.Journal, o.Incarnation, o.ConfigSeq, l.reporter, x.s.log)
	}
}

// lane carries one lane to its end: opened again after any error, as every leg is.
func (x *run) lane(ctx context.Context, l *lane) error {
	at, _, err := x.carried(ctx, l.Shard)
	if err != nil {
		return err
	}
	l.at.Store(uint64(at.Seq))
	opener, err := x.opener(l)
	if err != nil {
		return err
	}
	r := &projections.Runner{
		Stream: x.plan.Stream(l.Shard), Opener: opener, Incidents: x.o.Incidents, Reporter: l.reporter, Log: x.s.log,
		Backoff: pauseFirst, MaxBackoff: pauseLast, Ends: true,
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	return ctx.Err()
}
