package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// settleFor is how long settling what a stopped replay left open may take before the next one
// begins. What is still open then is settled by whoever opens the leg next.
const settleFor = 30 * time.Second

// settle brings what a stopped replay left open to its outcome: a load that is prepared and not
// committed would stay in Doris until it times out, an open transaction would hold back the
// readers of its topic. It opens each leg as its next owner would.
func (x *run) settle(ctx context.Context) error {
	if k := x.plan.Target.Kind; k == domain.TargetFile || k == domain.TargetNull {
		x.discard(ctx) // a file that is not whole has nothing open anywhere
		return nil
	}
	within, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for _, l := range x.lanes {
		err := x.settleLane(within, l)
		var fenced *journal.FencedError
		switch {
		case errors.As(err, &fenced):
			return err
		case err != nil && ctx.Err() == nil:
			x.s.log.WarnContext(ctx, "what a stopped replay left open is not settled", "stream", x.plan.Stream(l.Shard).String(), "error", err)
		}
	}
	return nil
}

func (x *run) settleLane(ctx context.Context, l *lane) error {
	_, open, err := x.carried(ctx, l.Shard)
	if err != nil || !open {
		return err
	}
	opener, err := x.opener(l)
	if err != nil {
		return err
	}
	leg, err := opener.Open(ctx)
	if err != nil {
		return fmt.Errorf("open to settle: %w", err)
	}
	leg.Close()
	return nil
}

// settleStopped settles, once in the life of a process, what a process before it left open of
// replays that were stopped meanwhile.
func (s *Service) settleStopped(ctx context.Context, o *pipeline.Open) error {
	var stopped []domain.Replay
	o.Control.State(func(c *domain.ControlState) {
		for _, id := range c.Planned {
			switch r := c.Replays[id]; r.State {
			case domain.PlanPaused, domain.PlanCancelled, domain.PlanFailed:
				stopped = append(stopped, *r)
			default: // it goes on, or nothing is open
			}
		}
	})
	for i := range stopped {
		x, err := s.begin(o, &stopped[i])
		if err != nil {
			continue // nobody can have run it
		}
		if err := x.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}
