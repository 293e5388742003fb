package replay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
)

// planning is a plan while it is made. Everything in it comes from the journal and from the
// reconciler; nothing is written but the plan itself.
type planning struct {
	s    *Service
	o    *pipeline.Open
	ask  *Ask
	plan *domain.Plan
	say  func(string)

	found  *report.Repair // what a report found, nil without one
	report *report.Report
}

// plan resolves what was asked for, counts it, and puts the plan on control. Errors:
// *refusedError for what cannot be planned.
func (s *Service) plan(ctx context.Context, o *pipeline.Open, ask *Ask, say func(string)) (*domain.Replay, error) {
	p := &planning{s: s, o: o, ask: ask, say: say, plan: &domain.Plan{
		Pipeline: o.Config.Name, Created: o.Journal.Now(), Scope: ask.Scope, Target: ask.Target, Limits: ask.Limits,
	}}
	if p.plan.Limits == (domain.PlanLimits{}) {
		p.plan.Limits = o.Config.Replay.Limits()
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if _, err := rand.Read(p.plan.ID[:]); err != nil {
		return nil, fmt.Errorf("choose an id: %w", err)
	}
	for _, step := range []func(context.Context) error{p.reported, p.lanes, p.choose, p.count, p.differ} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	p.batches()
	return p.record(ctx)
}

// lanes bounds the shards.
func (p *planning) lanes(ctx context.Context) error {
	var err error
	scope := &p.plan.Scope
	if scope.AsOf != nil {
		scope.AsOf, err = p.asOf(ctx, scope.AsOf)
	} else {
		err = p.toNow(ctx)
	}
	if err != nil || len(scope.Seqs) == 0 {
		return err
	}
	lanes := p.plan.Lanes
	p.plan.Lanes = nil
	for _, l := range lanes {
		for _, in := range scope.Seqs {
			if in.Shard != l.Shard {
				continue
			}
			last := l.Last
			if in.Last < last.Seq {
				e, err := p.o.Journal.Get(ctx, last.Stream, in.Last)
				if err != nil {
					return err
				}
				last = e.Ref()
			}
			p.bound(l.Shard, max(1, in.First), last)
		}
	}
	return nil
}

// maxText is the longest plan that is put on control, in bytes, where events may be as large as
// that; besideText is what the rest of the event takes at most.
const (
	maxText    = 4 << 20
	besideText = 16 << 10
)

// record puts the plan on control.
func (p *planning) record(ctx context.Context) (*domain.Replay, error) {
	text := p.plan.Text()
	if len(text) > min(maxText, int(p.o.MaxPayload)-besideText) {
		return nil, &refusedError{fmt.Sprintf("the plan lists %d runs of rows and %d keys, %d bytes in all, which is more than one event holds: narrow the scope, or replay into a shadow table and swap",
			len(p.plan.Rows.Hub)+len(p.plan.Rows.Cities), len(p.plan.Delete), len(text))}
	}
	ev := &domain.ReplayPlanned{ID: p.plan.ID, Digest: p.plan.Digest(), Text: string(text), Who: p.ask.Who, Why: p.ask.Why}
	crash.Point("replay.planned.before")
	_, err := p.o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if c.Replays[ev.ID] != nil {
			return nil, errors.New("its random id is taken: plan again")
		}
		return ev, nil
	})
	crash.Point("replay.planned.after")
	if err != nil {
		return nil, fmt.Errorf("put the plan on control: %w", err)
	}
	return &domain.Replay{Planned: ev, State: domain.PlanPlanned}, nil
}
