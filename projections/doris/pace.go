package doris

import (
	"context"
	"time"
)

// firstPause and lastPause bound what a load waits for after aborted ones. Doris
// remembers 2,000 finished transactions of a database, aborted ones included
// (doris-wire.md §11.1, 10): a shard whose loads fail on and on ends 120 of them an hour,
// so that a committed label outlives the failures of sixteen shards for an hour, and its
// owner asks for it within seconds.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 30 * time.Second
)

// pace keeps loads that are aborted one after the other apart. The Runner's pause is not
// enough: it begins anew after a leg that ran for a while, and knows nothing of a load
// that ended as aborted without an error.
type pace struct {
	aborts int // in a row
	last   time.Time
}

func (p *pace) committed() { p.aborts = 0 }

func (p *pace) aborted() {
	p.aborts++
	p.last = time.Now()
}

// pause is what is left to wait for before the next load.
func (p *pace) pause(now time.Time) time.Duration {
	if p.aborts == 0 {
		return 0
	}
	wait := firstPause
	for i := 1; i < p.aborts && wait < lastPause; i++ {
		wait *= 2
	}
	return min(wait, lastPause) - now.Sub(p.last)
}

// wait returns when the next load may begin. Its error is the context's.
func (p *pace) wait(ctx context.Context) error {
	if d := p.pause(time.Now()); d > 0 {
		return wait(ctx, d)
	}
	return nil
}
