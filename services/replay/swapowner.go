package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// mine demands that this process has the Doris leg of every shard: it can hold no others. Errors:
// *refusedError, which says who has the others and what to do.
func (x *exchange) mine(c *domain.ControlState) error {
	var others []string
	for shard := range x.o.Configured.Shards {
		leg := domain.Claim{Shard: shard, Leg: domain.LegDoris}
		has := x.s.set.Role().Has(domain.LegDoris) && slices.Contains(x.o.Shards, shard)
		if !has || c.Fenced(leg, x.o.Incarnation) {
			others = append(others, fmt.Sprintf("shard %d (%s)", shard, owner(c, leg)))
		}
	}
	if len(others) == 0 {
		return nil
	}
	return &refusedError{"the loads of every shard are held while tables are exchanged, and this process does not have the Doris leg of " + strings.Join(others, ", ") +
		". If one process has all of them, ask that one: hefu swap with its hefu.yaml. Else start one that takes all of them over, hefu run without --shards and --only, and ask it"}
}

// owner is the process that has a leg, for people.
func owner(c *domain.ControlState, leg domain.Claim) string {
	by := c.Started[c.Owners[leg]]
	if by == nil {
		return "no process has it"
	}
	return fmt.Sprintf("instance %s on host %s has it, process %d", by.Instance, by.Host, by.PID)
}
