package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/status"
)

// atOnce is a limit that is none.
const atOnce = 1 << 40

// hit is a loss, lives that are to end at points of its replay, and one that goes on from there.
func (f *refilling) hit(ctx context.Context, p refillPoint, x *result) error {
	c, aborted, err := f.someTransactions(ctx)
	if err != nil {
		return err
	}
	defer c.kill()
	f.w.feeder.pausing.Lock()
	defer f.w.feeder.pausing.Unlock()
	if err := c.until(ctx, f.w.o.rounds, f.w.caughtUp(ctx)); err != nil {
		return err
	}
	c.kill()
	before, err := f.w.hub(ctx)
	if err != nil {
		return err
	}
	if err := f.lose(ctx, before, aborted); err != nil {
		return err
	}
	f.plan, f.limit = domain.PlanID{}, atOnce
	if p.anew {
		f.limit = 20 // so that there is something left
	}
	reached := 1
	for _, crash := range p.lives() {
		if err := f.die(ctx, crash); err != nil {
			reached, x.stuck, x.note = 0, x.stuck+1, err.Error()
			break
		}
	}
	x.hits += reached
	stuck := f.goOn(ctx, p)
	now, err := f.w.hub(ctx)
	if err != nil {
		return err
	}
	isAs(before, now, x)
	if stuck != nil {
		x.stuck++
		return fmt.Errorf("%s: %w", x.name, stuck) // the other points have no hub topic
	}
	return nil
}

// someTransactions is a life of hefu that commits rows to the hub, and somebody else's transaction
// in each of its partitions, which is aborted at these offsets, with more rows behind them.
func (f *refilling) someTransactions(ctx context.Context) (c *child, aborted map[int32]int64, err error) {
	if c, err = f.w.start(ctx, f.w.file, f.w.cfg.DataDir, ""); err != nil {
		return nil, nil, err
	}
	more := func(rows int64) error {
		return c.until(ctx, f.w.o.rounds, func(r status.Report) bool { return tableRows(r) > rows })
	}
	if err = more(300); err == nil {
		aborted, err = f.abort(ctx)
	}
	if err == nil {
		err = more(rowsInTable(ctx, c) + 300)
	}
	if err == nil {
		err = c.until(ctx, f.w.o.rounds, commits())
	}
	if err != nil {
		c.kill()
	}
	return c, aborted, err
}

// abort begins a transaction in each partition of the hub topic, at the offsets that it returns, and
// aborts it.
func (f *refilling) abort(ctx context.Context) (map[int32]int64, error) {
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{f.w.brokers}}, kgo.TransactionalID("somebody"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return nil, err
	}
	var rows []*kgo.Record
	for h := range int32(hubPartitions) {
		for range 3 {
			rows = append(rows, &kgo.Record{Topic: hubTopic, Partition: h, Value: []byte("aborted")})
		}
	}
	at := map[int32]int64{}
	for _, r := range cl.ProduceSync(ctx, rows...) {
		if r.Err != nil {
			return nil, fmt.Errorf("write to hub partition %d what is aborted: %w", r.Record.Partition, r.Err)
		}
		at[r.Record.Partition] = r.Record.Offset
	}
	return at, kafkaconn.EndTransaction(ctx, cl, kgo.TryAbort, &kgo.Record{Topic: hubTopic})
}

// lose has the hub lose the ends of some partitions, each from some rows before what was aborted on,
// every other time with the marker before those.
func (f *refilling) lose(ctx context.Context, before map[domain.Coord]string, aborted map[int32]int64) error {
	rows := map[int32][]int64{}
	for at := range before {
		if at.Offset < aborted[at.Partition] {
			rows[at.Partition] = append(rows[at.Partition], at.Offset)
		}
	}
	some := slices.Sorted(maps.Keys(rows))
	f.rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	for _, h := range some[:min(len(some), 2+f.rng.IntN(2))] {
		slices.Sort(rows[h])
		from := rows[h][max(0, len(rows[h])-1-f.rng.IntN(40))] + f.rng.Int64N(2)
		if _, err := f.w.standIn.Cut(ctx, hubTopic, h, from); err != nil {
			return err
		}
	}
	return nil
}

// die is a life that ends at a point of the replay.
func (f *refilling) die(ctx context.Context, crash string) error {
	c, err := f.w.start(ctx, f.w.file, f.w.cfg.DataDir, crash)
	if err != nil {
		return err
	}
	defer c.kill()
	if err := f.approved(ctx, c); err != nil {
		return err
	}
	if !c.wait(ctx, time.Minute) || !c.killed() {
		return fmt.Errorf("did not come to %s: %s", crash, tail(c.log))
	}
	return nil
}

// approved has the replay planned and approved once the hub leg stands still, if it is not yet.
func (f *refilling) approved(ctx context.Context, c *child) error {
	if f.plan != (domain.PlanID{}) {
		return nil
	}
	stands := func(r status.Report) bool { return len(r.Pipelines) > 0 && len(r.Pipelines[0].Incidents) > 0 }
	if err := c.until(ctx, time.Minute, stands); err != nil {
		return err
	}
	r, err := c.plan(ctx, &replay.Ask{
		Pipeline: f.w.cfg.Pipelines[0].Name, Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing},
		Limits: domain.PlanLimits{Rows: f.limit}, Who: who, Why: "the ends of partitions are lost",
	})
	if err != nil {
		return err
	}
	f.plan = r.ID
	c.approve(ctx, r)
	return nil
}

// goOn is the life after: the replay comes to its end, and then the hub leg goes on, where it does
// not by itself when it is told to.
func (f *refilling) goOn(ctx context.Context, p refillPoint) error {
	c, err := f.w.start(ctx, f.w.file, f.w.cfg.DataDir, "")
	if err != nil {
		return err
	}
	defer c.kill()
	if p.anew {
		if err := f.cancel(ctx, c); err != nil {
			return err
		}
	}
	if err := f.approved(ctx, c); err != nil {
		return err
	}
	end, err := c.untilReplay(ctx, f.plan, f.w.o.rounds, isOver)
	switch {
	case err != nil:
		return err
	case end.State != domain.PlanDone:
		return fmt.Errorf("the replay is %s: %s", lastMove(&end), tail(c.log))
	}
	return c.until(ctx, time.Minute, func(r status.Report) bool {
		for _, p := range r.Pipelines {
			for _, in := range p.Incidents {
				c.post(ctx, "/v1/incidents/"+in.ID+"/resolve", status.Resolution{Choice: string(domain.ChoiceRetry), Who: who, Why: "filled in"})
			}
		}
		return runs(r)
	})
}

// cancel ends the replay, unless it is done.
func (f *refilling) cancel(ctx context.Context, c *child) error {
	if err := c.until(ctx, time.Minute, func(r status.Report) bool { return len(r.Pipelines) > 0 && len(r.Pipelines[0].Legs) > 0 }); err != nil {
		return err
	}
	c.post(ctx, "/v1/replays/"+f.plan.String()+"/"+string(replay.Cancel), replay.Decision{Who: who, Why: "another is made"})
	end, err := c.untilReplay(ctx, f.plan, time.Minute, func(r *replay.Shown) bool { return isOver(r) && r.Progress == nil })
	if err == nil && end.State == domain.PlanCancelled {
		f.plan, f.limit = domain.PlanID{}, atOnce
	}
	return err
}

// hub is what a read_committed reader finds in the hub topic: keys and values by their places and
// times.
func (w *world) hub(ctx context.Context) (map[domain.Coord]string, error) {
	ctx, cancel := context.WithTimeout(ctx, w.o.rounds)
	defer cancel()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{w.brokers}}, kgo.ConsumeTopics(hubTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	left, err := kafkaconn.Offsets(ctx, cl, hubTopic)
	if err != nil {
		return nil, err
	}
	out := map[domain.Coord]string{}
	maps.DeleteFunc(left, func(_ int32, b kafkaconn.Bounds) bool { return b.HighWatermark == 0 })
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read topic %s, of which the ends of %d partitions are left: %w", hubTopic, len(left), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out[domain.Coord{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli()}] = fmt.Sprintf("%q (nil: %t) %q", r.Key, r.Key == nil, r.Value)
			}
			if r.Offset+1 == left[r.Partition].HighWatermark {
				delete(left, r.Partition)
			}
		})
	}
	return out, nil
}

// isAs says what of the hub's rows is not as before.
func isAs(before, now map[domain.Coord]string, x *result) {
	for at, row := range before {
		switch is, there := now[at]; {
		case !there:
			x.lost, x.note = x.lost+1, fmt.Sprintf("the hub had %s at %+v", row, at)
		case is != row:
			x.other, x.note = x.other+1, fmt.Sprintf("the hub had %s at %+v, and now %s", row, at, is)
		}
	}
	for at, row := range now {
		if _, there := before[at]; !there {
			x.doubled, x.note = x.doubled+1, fmt.Sprintf("the hub did not have %s at %+v", row, at)
		}
	}
}
