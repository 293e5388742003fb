package doris

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// How far loads of a table move apart while Doris says that it has too many versions or
// transactions.
const (
	slowest = 5 * time.Minute
	slower  = time.Second // the first step from no interval at all
)

// patience is how many loads of live legs a replay lets pass before its own.
const patience = 10

// Cadence is the budget of loads of one table, shared by the shards of a process: every
// load makes a version of each tablet that it touches, and Doris compacts only so fast.
// A full batch goes at once, one that is merely old waits for its turn: one load per
// interval, in the order of asking. While Doris says that it is too much, full batches
// wait as well and the interval grows. A replay into the table, full batches included, has
// its turn when no live leg waits for one, and after ten of theirs at the latest: a table on
// which somebody always waits would else never be repaired. It is safe for concurrent use.
type Cadence struct {
	least time.Duration

	mu       sync.Mutex
	interval time.Duration // least, unless Doris asked for more
	last     time.Time     // when a load last went
	slowed   time.Time     // when the interval last grew
	waiting  []*turn
	passed   int         // loads of live legs while a replay waited
	timer    *time.Timer // gives the first one its turn
	held     holding
}

// NewCadence makes the budget of a table: one load of a batch that is not full per
// interval, 0 for any number.
func NewCadence(interval time.Duration) *Cadence {
	return &Cadence{least: interval, interval: interval}
}

// turn is a place in the queue of a Cadence.
type turn struct {
	c      *Cadence
	replay bool
	ready  chan struct{} // closed when its turn has come
}

// join queues up, a live leg or a replay. The turn must be left when it is not waited for
// any more.
func (c *Cadence) join(replay bool) *turn {
	t := &turn{c, replay, make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, t)
	c.serve()
	return t
}

// leave gives up a turn that has not come; after that it is nothing.
func (t *turn) leave() {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.waiting = slices.DeleteFunc(t.c.waiting, func(o *turn) bool { return o == t })
	t.c.serve()
}

// serve gives turns to whom they are due and sets the timer for the next one.
func (c *Cadence) serve() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	for len(c.waiting) > 0 {
		if rest := c.interval - time.Since(c.last); !c.last.IsZero() && rest > 0 {
			c.timer = time.AfterFunc(rest, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.serve()
			})
			return
		}
		c.give()
		c.last = time.Now()
	}
}

// give lets the first live leg go that waits; a replay where there is none, or that has been
// passed often enough.
func (c *Cadence) give() {
	first := max(0, slices.IndexFunc(c.waiting, func(t *turn) bool { return t.replay == (c.passed >= patience) }))
	t := c.waiting[first]
	close(t.ready)
	c.waiting = slices.Delete(c.waiting, first, first+1)
	if t.replay {
		c.passed = 0
	} else {
		c.pastReplay()
	}
}

// pastReplay counts a load of a live leg that goes before a replay that waits.
func (c *Cadence) pastReplay() {
	if c.passed++; !slices.ContainsFunc(c.waiting, func(t *turn) bool { return t.replay }) {
		c.passed = 0
	}
}

// pass lets a full batch of a live leg go at once, unless Doris asked for slowness. The next
// turn is an interval later, but that of a replay which has been passed often enough.
func (c *Cadence) pass() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interval > c.least {
		return false
	}
	c.last = time.Now()
	if c.pastReplay(); c.passed >= patience {
		c.give()
	}
	c.serve()
	return true
}

// slow doubles the interval because Doris had too much, once for all loads that were
// under way at the time. The next turn is an interval from now.
func (c *Cadence) slow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.slowed.IsZero() || now.Sub(c.slowed) >= c.interval {
		c.interval = max(c.least, min(max(2*c.interval, slower), slowest))
		c.slowed = now
	}
	c.last = now
	c.serve()
}

// well halves the interval again after a load that Doris took.
func (c *Cadence) well() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interval == c.least {
		return
	}
	if c.interval /= 2; c.interval < max(c.least, slower) {
		c.interval = c.least
	}
	c.serve()
}

// String is the budget for people.
func (c *Cadence) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interval > c.least {
		return fmt.Sprintf("one load in %s, because Doris has too much to do", c.interval)
	}
	return fmt.Sprintf("one load that is not full in %s", c.interval)
}
