package hub

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// replayed is the configuration of a replay's leg: the shadow topic in the place of the live
// one, or the live one where what it lacks is filled in. Errors: *projections.Refusal.
func replayed(cfg Config) (Config, error) {
	plan := cfg.Replay.Plan
	refuse := func(format string, args ...any) (Config, error) {
		return cfg, &projections.Refusal{Reason: fmt.Sprintf("plan %s: ", plan.ID) + fmt.Sprintf(format, args...)}
	}
	switch t := plan.Target; {
	case cfg.Pipeline.Direct:
		return refuse("pipeline %s reads the hub topic itself and has no hub leg, so there are no rows to replay into a topic: its target can be a table, a file or null", plan.Pipeline)
	case t.Kind == domain.TargetTopic && t.Mode == domain.ModeFillMissing && t.Name == cfg.Pipeline.HubTopic:
		if len(plan.Rows.Hub) == 0 || len(plan.Rows.Cities) > 0 || len(plan.Rows.Ingest) > 0 {
			return refuse("a live topic is filled in by the offsets that its partitions lack, and by nothing else")
		}
		cfg.Shard, cfg.Semantic, cfg.MaxRecordBytes = cfg.Replay.Lane.Shard, domain.ExactlyOnce, 0
		return cfg, nil
	case t.Kind != domain.TargetTopic || t.Mode != domain.ModeShadow || t.Name == "":
		return refuse("target %s %q, mode %q: rows go into a shadow topic of the plan's own, never into a topic that has other rows", t.Kind, t.Name, t.Mode)
	case t.Name == cfg.Pipeline.HubTopic || t.Name == cfg.ProgressTopic:
		return refuse("topic %s is the live one: give the shadow another name", t.Name)
	case ShadowProgress(t.Name) == cfg.Pipeline.HubTopic || ShadowProgress(t.Name) == cfg.ProgressTopic:
		return refuse("the progress of topic %s would stand in %s, which is a live topic: give the shadow another name", t.Name, ShadowProgress(t.Name))
	}
	cfg.Pipeline.HubTopic, cfg.ProgressTopic = plan.Target.Name, ShadowProgress(plan.Target.Name)
	cfg.Shard, cfg.Semantic, cfg.MaxRecordBytes = cfg.Replay.Lane.Shard, domain.ExactlyOnce, 0
	return cfg, nil
}

// replay carries what is left of the lane and returns nil at its end: one goroutine reads,
// cuts and packs, one sends. When the plan takes nothing of the last events a transaction with
// the progress record alone says that the lane is done.
func (l *leg) replay(ctx context.Context) error {
	lane, err := l.h.cfg.Replay.Read(ctx, l.h.j, l.cursor)
	if err != nil {
		return err
	}
	defer lane.Close()
	free, ready := make(chan *draft, 2), make(chan *draft)
	free <- &draft{}
	free <- &draft{}
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(ready)
		return l.cut(inner, lane, free, ready)
	})
	g.Go(func() error { return l.sendCut(inner, ready, free) })
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// cut makes drafts of the lane, each as full as the limits allow: nobody waits for a row.
func (l *leg) cut(ctx context.Context, lane *projections.LaneReader, free <-chan *draft, ready chan<- *draft) error {
	limits := l.h.cfg.Batch
	w := projections.NewWalker(l.h.j, l.h.cfg.Shard, false)
	defer w.Close()
	p := newPacker(l.h.layout, limits, l.maxRecord)
	for !lane.Done() {
		var d *draft
		select {
		case d = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		d.reset(limits)
		for !lane.Done() && !d.full(paced(limits, l.h.cfg.Replay.Pace.Limits()), l.h.most.Load()) {
			c, err := lane.Next(ctx)
			if err != nil {
				return err
			}
			d.last = lane.At()
			if d.first.IsZero() {
				d.first = d.last
			}
			if c == nil || c.Rows == 0 {
				continue
			}
			if err := p.committed(ctx, w, d, c); err != nil {
				return err
			}
		}
		if d.stuck.IsZero() {
			d.stuck = d.last
		}
		select {
		case ready <- d:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// paced bounds a transaction by what a replay may carry in a second, so that it neither waits
// long nor comes all at once.
func paced(l Limits, by domain.PlanLimits) Limits {
	if by.Rows > 0 {
		l.Rows = min(l.Rows, int(min(by.Rows, math.MaxInt32)))
	}
	if by.Bytes > 0 {
		l.Bytes = min(l.Bytes, int(min(by.Bytes, math.MaxInt32)))
	}
	return l
}

// sendCut sends the drafts of a replay. It waits for its turn before the intent: a transaction
// that is open while it waits would hold back the topic's readers.
func (l *leg) sendCut(ctx context.Context, ready <-chan *draft, free chan<- *draft) error {
	last, cancel := grace(ctx, lastMoments)
	defer cancel()
	for d := range ready {
		if err := l.h.cfg.Replay.Pace.Wait(ctx, int64(len(d.Ends)), int64(len(d.Values))); err != nil {
			return err
		}
		if err := l.batch(last, d); err != nil {
			return err
		}
		free <- d
	}
	return nil
}

// timeOf is the time of a draft's intent: now, and of a replay that of the last commit whose
// rows it carries.
func (l *leg) timeOf(d *draft) domain.Micros {
	if l.h.cfg.Replay != nil {
		return max(d.time, l.time)
	}
	return beginTime(l.h.j.Now(), l.time)
}

// committed puts the rows of a committed transaction into the draft, as they were in the hub.
func (p *packer) committed(ctx context.Context, w *projections.Walker, d *draft, c *domain.HubCommitted) error {
	p.d, p.time = d, c.Time.Millis()
	d.events, d.stuck, d.time = d.events+1, d.last, c.Time
	return w.Walk(ctx, c, p.pieces)
}

func (p *packer) pieces(of *projections.Pieces) error {
	src, err := p.layout.source(of.Run.Source)
	if err != nil {
		return fmt.Errorf("%s run %d: %w", of.Ingest.Ref(), of.Hub[0].Run, err)
	}
	p.begin(of.Ingest.Seq, of.Hub[0].Run, of.Run, of.Event.ExtractTime, src)
	next := int64(0)
	return of.Rows(&p.decoder, func(at *domain.HubRun, ordinal int64, r *batch.Record) error {
		p.open = p.open && ordinal == next && at.Partition == p.partition
		p.partition, next = at.Partition, ordinal+1
		p.d.Offsets = append(p.d.Offsets, at.Offset+ordinal-at.First)
		if err := p.row(ordinal, r); err != nil || len(p.d.excluded) == 0 {
			return err
		}
		return p.unfit(of, at, &p.d.excluded[0])
	}, nil)
}

// unfit says that a row that the hub has cannot be carried again.
func (p *packer) unfit(of *projections.Pieces, at *domain.HubRun, x *domain.Exclusion) error {
	if x.Reason == domain.ExcludedTooLarge {
		return fmt.Errorf("%s run %d row %d, which is in hub partition %d, is larger than the topic takes: raise its max.message.bytes",
			of.Ingest.Ref(), x.Run, x.Ordinal, at.Partition)
	}
	return &journal.IntegrityError{Stream: of.Ingest.Stream, Seq: x.Ingest, What: fmt.Sprintf("run %d row %d is in the hub (%s), and now: %s: %s",
		x.Run, x.Ordinal, of.Commit.Begun, x.Reason, x.Detail)}
}
