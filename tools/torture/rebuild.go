package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/replay"
)

// rebuilding builds the table of a journal twice: once in one life of hefu, and once in many.
type rebuilding struct {
	w     *world
	rng   *rand.Rand
	kills int
	slow  time.Duration // how long a step may take
}

// rebuild fills a journal, builds its table again beside the live one in one life of hefu, and once
// more in lives that are killed at random moments while rows are carried. The two must be the same:
// the vectors of every window, as the reconciler signed them, and the digests of all their cells.
func rebuild(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	b := &rebuilding{w: w, rng: r, kills: o.kills, slow: max(o.rounds, time.Duration(o.rows)*200*time.Microsecond)}
	x := result{name: fmt.Sprintf("rebuild of %s rows, killed", humanize.Comma(int64(o.rows)))}
	c, err := b.fill(ctx, o.rows)
	if err != nil {
		return nil, err
	}
	defer func() { c.kill() }()
	began := time.Now()
	whole, err := b.plan(ctx, c, "whole", domain.PlanLimits{Rows: 1 << 40})
	if err != nil {
		return nil, err
	}
	carried, err := b.unkilled(ctx, c, whole)
	if err != nil {
		return nil, err
	}
	fmt.Printf("unkilled: carried in %s, verified after %s\n", carried.Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))

	// So slow that there is something to be killed in each life.
	carried = max(carried, time.Duration(o.kills)*2*time.Second)
	killed, err := b.plan(ctx, c, "killed", domain.PlanLimits{Rows: int64(float64(o.rows) / carried.Seconds())})
	if err != nil {
		return nil, err
	}
	c.approve(ctx, killed)
	for x.hits < o.kills {
		if c, err = b.killAt(ctx, c, killed, carried, &x); err != nil {
			return nil, err
		}
	}
	end, err := c.untilReplay(ctx, killed.ID, b.slow, isOver)
	if err != nil {
		return nil, err
	}
	if end.State != domain.PlanDone {
		return nil, fmt.Errorf("the killed replay is %s", lastMove(&end))
	}
	if *whole, err = c.untilReplay(ctx, whole.ID, b.slow, isOver); err != nil {
		return nil, err
	}
	err = b.compare(ctx, whole, &end, &x)
	return &results{rows: []result{x}}, err
}

// inManyBatches makes transactions and loads so small that many of them are under way when hefu is
// killed, however few the rows are; nobody else reads the table.
func (w *world) inManyBatches(context.Context) error {
	p := &w.cfg.Pipelines[0]
	p.Hub.Batch.Rows, p.Doris.Batch.Rows = max(100, w.o.rows/200), max(100, w.o.rows/100)
	p.Doris.Batch.Age, p.Reconcile.Interval, p.Reconcile.Report, p.Reconcile.DorisPause = time.Second, 0, 0, 0
	return nil
}

// fill feeds rows and runs hefu until they are in the live table.
func (b *rebuilding) fill(ctx context.Context, rows int) (*child, error) {
	began := time.Now()
	if err := b.w.feeder.bulk(ctx, rows); err != nil {
		return nil, err
	}
	fmt.Printf("%s rows fed in %s\n", humanize.Comma(int64(rows)), time.Since(began).Round(10*time.Millisecond))
	began = time.Now()
	c, err := b.w.start(ctx, b.w.file, b.w.cfg.DataDir, "")
	if err != nil {
		return nil, err
	}
	if err := c.until(ctx, b.slow, b.w.caughtUp(ctx)); err != nil {
		c.kill()
		return nil, err
	}
	took := time.Since(began)
	fmt.Printf("in the live table after %s, %s rows/s\n", took.Round(10*time.Millisecond), humanize.Comma(int64(float64(rows)/took.Seconds())))
	return c, nil
}

// bulk feeds rows as short as may be, as fast as may be.
func (f *feeder) bulk(ctx context.Context, rows int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	failed := make(chan error, 1)
	for i := range rows {
		cl.Produce(ctx, &kgo.Record{Topic: cityTopic(i % cities), Partition: int32(i / cities % 2), Value: fmt.Appendf(nil, "%d", i)}, func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return fmt.Errorf("feed: %w", err)
	default:
	}
	f.committed.Add(int64(rows))
	return nil
}

// plan has a rebuild of everything planned.
func (b *rebuilding) plan(ctx context.Context, c *child, name string, limits domain.PlanLimits) (*replay.Shown, error) {
	return c.plan(ctx, &replay.Ask{
		Pipeline: b.w.cfg.Pipelines[0].Name, Target: domain.PlanTarget{Kind: domain.TargetTable, Name: name}, Limits: limits, Who: who, Why: "to be compared",
	})
}

// unkilled carries a plan out in one go and says how long its rows took.
func (b *rebuilding) unkilled(ctx context.Context, c *child, r *replay.Shown) (carried time.Duration, err error) {
	began := time.Now()
	c.approve(ctx, r)
	end, err := c.untilReplay(ctx, r.ID, b.slow, func(r *replay.Shown) bool {
		if r.State == domain.PlanVerifying && carried == 0 {
			carried = time.Since(began)
		}
		return isOver(r)
	})
	if err == nil && end.State != domain.PlanDone {
		err = fmt.Errorf("the replay is %s: %s", lastMove(&end), tail(c.log))
	}
	if carried == 0 { // verified between two looks
		carried = time.Since(began)
	}
	return carried, err
}

// killAt kills hefu at a random moment of what a replay has left to carry, and starts it again.
func (b *rebuilding) killAt(ctx context.Context, c *child, r *replay.Shown, whole time.Duration, x *result) (*child, error) {
	// Every other life carries something at least, where there is enough for all of them.
	lane := r.Plan.Lanes[0]
	further := b.rng.IntN(2) == 0 && int(lane.Last.Seq-lane.First) > 2*b.kills
	now, err := c.untilReplay(ctx, r.ID, b.slow, func(r *replay.Shown) bool {
		return isOver(r) || r.State == domain.PlanVerifying || r.Progress != nil && len(r.Progress.Lanes) > 0 &&
			r.Progress.Lanes[0].State == projections.StateRunning && (r.Progress.Rows > 0 || !further)
	})
	if err == nil && (now.State != domain.PlanRunning || c.killed()) {
		err = fmt.Errorf("after %d kills of %d the replay is %s", x.hits, b.kills, lastMove(&now))
	}
	if err != nil {
		return c, err
	}
	// What is left is spread over the kills that are left, and the last ones do not come too late.
	left := time.Duration(float64(whole) * (1 - now.Progress.Share))
	if err := pause(ctx, between(b.rng, time.Millisecond, 2*time.Millisecond+left*8/5/time.Duration(b.kills-x.hits+1))); err != nil {
		return c, err
	}
	if last, ok := c.replay(ctx, r.ID); ok && last.Progress != nil {
		now = last
	}
	c.signal(syscall.SIGKILL)
	<-c.ended
	x.hits++
	fmt.Printf("kill %2d: %5.1f %% of the journal's events carried\n", x.hits, 100*now.Progress.Share)
	next, err := b.w.start(ctx, b.w.file, b.w.cfg.DataDir, "")
	if err != nil {
		return c, err
	}
	return next, nil
}
