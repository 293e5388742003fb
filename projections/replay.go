package projections

import (
	"github.com/hefu-io/hefu/domain"
)

// Replay makes a projection that of a plan (replay.md: "a projection with bounds, a filter and
// another target"): it reads the events of a lane, carries the rows that the plan takes, keeps
// its events in a stream of the plan's own, and ends. A nil Replay is the pipeline's own leg.
type Replay struct {
	Plan *domain.Plan
	Lane domain.PlanLane
	Pace *Pace // shared by the lanes of the plan
}

// Stream is the stream of the replay's own events.
func (r *Replay) Stream() domain.Stream { return r.Plan.Stream(r.Lane.Shard) }
