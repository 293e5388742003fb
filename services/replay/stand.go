package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// standing are the incidents by which the hub leg of a shard stands still because the hub lost
// something. Without one the leg may write, at offsets that were given to other rows.
func standing(o *pipeline.Open, shard int) (out []*domain.Incident) {
	leg := domain.Stream{Pipeline: o.Config.Name, Shard: shard, Leg: domain.LegHub}
	o.Control.State(func(c *domain.ControlState) {
		for _, in := range c.Open() {
			if in.What == domain.IncidentHubLost && in.Stream == leg {
				out = append(out, in)
			}
		}
	})
	return out
}

func mayWrite(shard int) string {
	return fmt.Sprintf("the hub leg of shard %d does not stand still with an open incident hub-lost: it may write, and would give the offsets a second time", shard)
}

// resolves is what a person types to let a leg go on.
func resolves(in *domain.Incident) string {
	return fmt.Sprintf("hefu incidents resolve %s --choice %s --why …", in.ID.String()[:12], domain.ChoiceRetry)
}

// fillsTail reports whether the replay puts back the ends that partitions of the live topic lost.
func (x *run) fillsTail() bool {
	return x.plan.Target.Kind == domain.TargetTopic && x.plan.Target.Mode == domain.ModeFillMissing
}

// stand demands of each lane that has something to write that the live leg of its shard stands
// still. One that was killed behind its last row has only to say so, and the leg, which found its
// rows again, may go on meanwhile.
func (x *run) stand(ctx context.Context) error {
	for _, l := range x.lanes {
		at, open, err := x.carried(ctx, l.Shard)
		if err != nil {
			return err
		}
		if !open && at == l.Last || len(standing(x.o, l.Shard)) > 0 {
			continue
		}
		filled, err := x.filled(ctx, l.Shard)
		if err != nil {
			return err
		}
		if !filled {
			return &nextError{errors.New(mayWrite(l.Shard)), "as soon as the leg has found its loss again (hefu incidents), approve the plan again; where the leg goes on, cancel the plan"}
		}
	}
	return nil
}

// filled reports whether the partitions of a shard end where the plan has its last rows, or behind.
func (x *run) filled(ctx context.Context, shard int) (bool, error) {
	now, err := x.s.tails(ctx, x.s.legs.HubLeg(x.o, shard), x.o.Journal.ID())
	if err != nil {
		return false, err
	}
	for _, h := range x.plan.Rows.Hub {
		if domain.ShardOf(h.Partition, x.o.Configured.Shards) == shard && now[h.Partition] < h.Span.Next {
			return false, nil
		}
	}
	return true, nil
}

// afterwards is what is to be typed once the replay is done, a line for each command; empty for
// nothing.
func (x *run) afterwards() string {
	if !x.fillsTail() {
		return ""
	}
	var out []string
	for _, l := range x.plan.Lanes {
		for _, in := range standing(x.o, l.Shard) {
			out = append(out, resolves(in))
		}
	}
	return strings.Join(out, "\n")
}
