package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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

// Where the pause after an error begins and ends: as the live Doris leg's, since aborted loads
// push the labels of committed ones out of Doris's memory.
const (
	pauseFirst = 200 * time.Millisecond
	pauseLast  = 30 * time.Second
)

// prepare makes the target, as far as it is to be made, and demands what must be so before anything
// is written to one that is live. It may be called again at any time.
func (x *run) prepare(ctx context.Context) error {
	t := x.plan.Target
	switch {
	case t.Kind == domain.TargetTopic && t.Mode == domain.ModeShadow:
		c := x.s.legs.HubLeg(x.o, 0)
		c.Replay = &projections.Replay{Plan: x.plan, Pace: x.pace}
		return hub.MakeShadowTopic(ctx, c)
	case x.fillsTail():
		return x.stand(ctx)
	case t.Kind == domain.TargetTable && t.Mode == domain.ModeShadow && t.Shadow.IsZero():
		if why := retired(x.o, t.Name); why != "" { // since it was planned
			return &nextError{errors.New(why), "cancel it, and make a plan with another name"}
		}
		return x.s.withDoris(x.o, func(c *dorisconn.Cluster) error {
			return doris.MakeShadow(ctx, c, x.o.Configured.Table, t.Name, x.plan.Marker())
		})
	default:
		return nil
	}
}

// retired is why no table may be made under a name any more, empty where one may.
func retired(o *pipeline.Open, table string) (why string) {
	o.Control.State(func(c *domain.ControlState) {
		if c.Retired(table) {
			why = fmt.Sprintf("shadow %s: a table of this name was given another one to end an exchange whose statement may still be on its way, and must not meet a new one", table)
		}
	})
	return why
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
			c.Beside, c.Cadence = c.Cadence, nil // the live table is not loaded
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
