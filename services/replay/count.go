package replay

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// count reads the lanes' events, counts the rows that are taken, and draws the lanes in to the
// events that have some.
func (p *planning) count(ctx context.Context) error {
	lanes := p.plan.Lanes
	p.plan.Lanes = nil
	p.plan.Expect.Rows, p.plan.Expect.Bytes = 0, 0
	for _, l := range lanes {
		p.say(fmt.Sprintf("counting shard %d: %s events", l.Shard, humanize.Comma(int64(l.Last.Seq-l.First+1))))
		drawn, err := p.countLane(ctx, l)
		if err != nil {
			return fmt.Errorf("count shard %d: %w", l.Shard, err)
		}
		if drawn.First > 0 {
			p.plan.Lanes = append(p.plan.Lanes, drawn)
		}
	}
	if p.plan.Expect.Rows == 0 {
		return &refusedError{"nothing in the scope: no row of it is committed"}
	}
	return nil
}

// countLane gives the lane from its first event with a row that is taken to its last one.
func (p *planning) countLane(ctx context.Context, l domain.PlanLane) (drawn domain.PlanLane, err error) {
	cutter := projections.NewCutter(p.o.Journal, l.Shard, p.plan.Rows)
	defer cutter.Close()
	err = eachCommit(ctx, p.o.Journal, l, func(e *journal.Entry, c *domain.HubCommitted) error {
		c, err := cutter.Cut(ctx, c)
		if err != nil || c.Rows == 0 {
			return err
		}
		if drawn.First == 0 {
			drawn.Shard, drawn.First = l.Shard, e.Seq
		}
		drawn.Last = e.Ref()
		p.plan.Expect.Rows += c.Rows
		p.plan.Expect.Bytes += c.Bytes
		return nil
	})
	return drawn, err
}

// eachCommit calls do for each committed hub transaction of a lane, or what stands for one.
func eachCommit(ctx context.Context, j *journal.Journal, l domain.PlanLane, do func(*journal.Entry, *domain.HubCommitted) error) error {
	r, err := j.ReadFrom(ctx, l.Last.Stream, l.First)
	if err != nil {
		return err
	}
	defer r.Close()
	for seq := l.First; seq <= l.Last.Seq; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		switch ev := e.Event.(type) {
		case *domain.HubCommitted:
			err = do(e, ev)
		case *domain.Ingested:
			err = do(e, domain.DirectCommit(e.Seq, ev))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
