package pipeline

import (
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Writes reports whether a process of a role writes a stream of the pipeline: it has the leg and
// the shard whose stream it is, or those that carry the replay. So whoever takes these over takes
// over their replays, and has a higher incarnation on both. Control, to which every process
// writes, is nobody's.
func (o *Open) Writes(role Role, s domain.Stream) bool {
	by := domain.Claim{Shard: s.Shard, Leg: s.Leg}
	if id, is := s.Leg.Plan(); is {
		by.Leg = ""
		o.Control.State(func(c *domain.ControlState) {
			if r := c.Replays[id]; r != nil && r.Plan != nil {
				by = r.Plan.Carrier(&o.Configured, s.Shard)
			}
		})
	}
	return role.Has(by.Leg) && slices.Contains(o.Shards, by.Shard)
}
