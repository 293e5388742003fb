package replay

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/services/pipeline"
)

// discard removes the half-written files of a replay that is cancelled, for good: nobody goes on with
// them, and nobody can use them. Shadow tables and topics stay, since people may have looked at them;
// so do files that are whole. What cannot be removed now is removed at the next start.
func (x *run) discard(ctx context.Context) {
	if x.plan.Target.Kind != domain.TargetFile || x.state() != domain.PlanCancelled {
		return
	}
	for _, l := range x.lanes {
		if err := file.Discard(x.s.set.Config().DataDir, x.plan.ID, l.Shard); err != nil {
			x.s.log.WarnContext(ctx, "half-written file of a cancelled replay is not removed", "stream", x.plan.Stream(l.Shard).String(), "error", err)
		}
	}
}

// discardIdle does so of a replay that was cancelled while it stood still. One that is being carried
// out does it itself, once its lanes have ended.
func (s *Service) discardIdle(ctx context.Context, o *pipeline.Open, id domain.PlanID) {
	s.mu.Lock()
	busy := s.running[id] != nil
	s.mu.Unlock()
	if busy {
		return
	}
	var r domain.Replay
	o.Control.State(func(c *domain.ControlState) { r = *c.Replays[id] })
	if x, err := s.begin(o, &r); err == nil { // else nobody can have run it
		x.discard(ctx)
	}
}
