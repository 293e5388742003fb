package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// When a demo arms faults, Doris has several front ends and back ends, and the feed takes its time: 200,000 rows are
// under way for as long as it takes to meet each fault once.
const (
	faultsRowsPerSecond = 7000
	faultsFeedLeast     = 6 * time.Second
	faultsFeedMost      = 30 * time.Second
	faultsFrontEnds     = 3
	faultsBackEnds      = 2
)

// faultsFeed is how long the feed of so many rows takes when things go wrong meanwhile.
func faultsFeed(rows int64) time.Duration {
	return min(max(time.Duration(rows)*time.Second/faultsRowsPerSecond, faultsFeedLeast), faultsFeedMost)
}

// Between two faults Doris is healthy until rows have come through again, so that what follows is not met by a leg
// that waits; neither is waited for longer than this.
const (
	faultPatience = 20 * time.Second // for somebody to meet it, as long as rows are to come
	movePatience  = 10 * time.Second // for rows
	faultDelay    = 1500 * time.Millisecond
	nodeGone      = time.Second
)

// trouble lets one thing after the other go wrong at Doris while rows move, drawn from a seed.
type trouble struct {
	control *control
	rng     *rand.Rand
	moved   func() int64 // rows that are in Doris
	over    func() bool  // nothing is fed any more
	there   func() bool  // every row is in Doris
	done    map[string]int
}

func newTrouble(d *demo) *trouble {
	return &trouble{
		control: newControl(d.stack.Doris().Control),
		rng:     rand.New(rand.NewPCG(d.seed, 2<<32)),
		moved:   func() int64 { return d.watch.all().doris },
		over:    func() bool { return d.feed.sent.Load() >= d.feed.total() },
		there:   func() bool { return d.watch.all().doris >= d.feed.total() },
		done:    map[string]int{},
	}
}

// woe is one thing that goes wrong.
type woe struct {
	name string
	do   func(context.Context) error
}

func (t *trouble) woes() []woe {
	once := arming{Times: 1}
	late := arming{Times: 1, Delay: faultDelay.String()}
	return []woe{
		{"drop-precommit-reply", t.arm(once, "drop-precommit-reply")},
		{"drop-commit-reply", t.arm(once, "drop-commit-reply")},
		{"fail-though-done", t.arm(once, "fail-though-done", "drop-abort-reply")}, // its transaction is to be aborted
		{"fail-phase-though-done", t.arm(once, "fail-phase-though-done")},
		{"fail-load", t.arm(once, "fail-load")},
		{"too-many-versions", t.arm(once, "too-many-versions")},
		{"reset-body", t.arm(once, "reset-body")},
		{"delay-reply", t.arm(late, "delay-reply")},
		{"hold-publish", t.arm(late, "hold-publish")},
		{"slow-fe", t.arm(late, "slow-fe")},
		{"be-error", t.arm(arming{Times: 2}, "be-error")},
		{"fe-error", t.arm(arming{Times: 2}, "fe-error")},
		// Until the end: whoever reads as it should never meets it.
		{"stale-follower", func(ctx context.Context) error {
			return t.control.order(ctx, "PUT", "/faults/stale-follower", arming{}, nil)
		}},
		{"publish-fails", t.arm(once, "publish-fails")},
		{"missing-replicas", t.arm(once, "missing-replicas")},
		{"failover", func(ctx context.Context) error { return t.control.order(ctx, "POST", "/failover", nil, nil) }},
		{"front-end-stopped", func(ctx context.Context) error { return t.stop(ctx, "fe", faultsFrontEnds) }},
		{"back-end-stopped", func(ctx context.Context) error { return t.stop(ctx, "be", faultsBackEnds) }},
	}
}

// run deals woes, each as often as any other, until the feed is over, and leaves Doris healthy.
func (t *trouble) run(ctx context.Context, say func(string)) error {
	if err := t.control.order(ctx, "PUT", "/seed", map[string]uint64{"seed": t.rng.Uint64()}, nil); err != nil {
		return err
	}
	all := t.woes()
	for !t.over() {
		t.rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		for _, w := range all {
			if t.over() {
				break
			}
			if err := w.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			t.done[w.name]++
			say("fault: " + w.name)
			was := t.moved()
			if err := t.await(ctx, movePatience, func() (bool, error) { return t.moved() > was || t.over(), nil }); err != nil {
				return err
			}
			if err := until(ctx, time.Now().Add(time.Duration(t.rng.Int64N(int64(time.Second))))); err != nil {
				return err
			}
		}
	}
	return t.control.order(ctx, "DELETE", "/faults", nil, nil)
}

// arm arms faults together until the first of them is met, or nobody has met it.
func (t *trouble) arm(a arming, names ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		before, err := t.control.hits(ctx)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := t.control.order(ctx, "PUT", "/faults/"+n, a, nil); err != nil {
				return err
			}
		}
		err = t.await(ctx, faultPatience, func() (bool, error) {
			now, err := t.control.hits(ctx)
			return now[names[0]] >= before[names[0]]+max(a.Times, 1) || t.there(), err
		})
		if err != nil {
			return err
		}
		if len(names) > 1 { // what follows from the first
			if err := until(ctx, time.Now().Add(nodeGone)); err != nil {
				return err
			}
		}
		for _, n := range names {
			err = errors.Join(err, t.control.order(ctx, "DELETE", "/faults/"+n, nil, nil))
		}
		return err
	}
}

// stop takes a node away for a moment.
func (t *trouble) stop(ctx context.Context, kind string, of int) error {
	at := fmt.Sprintf("/%s/%d/", kind, t.rng.IntN(of))
	if err := t.control.order(ctx, "POST", at+"stop", nil, nil); err != nil {
		return err
	}
	if err := until(ctx, time.Now().Add(nodeGone)); err != nil {
		return err
	}
	return t.control.order(ctx, "POST", at+"start", nil, nil)
}

// await waits for something, but no longer than patience.
func (t *trouble) await(ctx context.Context, patience time.Duration, is func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if yes, err := is(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// tally is how often each thing went wrong: faults as often as somebody met them.
func (t *trouble) tally(ctx context.Context) (map[string]int, error) {
	all, err := t.control.hits(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range []string{"failover", "front-end-stopped", "back-end-stopped"} {
		all[n] = t.done[n]
	}
	return all, nil
}
