package ingest

import (
	"context"
	"sync"
	"time"
)

// catchUp spreads what a source that is behind reads over time. A source that has read to
// the end of its log is never held back, so that live rows are not late for a backlog's
// sake; and what was read while it was live is not counted.
type catchUp struct {
	mu   sync.Mutex
	next time.Time // when the bytes that were read are used up
}

// read takes the bytes of an answer; rate is what may be read in a second, 0 for no limit.
// behind says that there is more to read. It returns how long the next fetch has to wait.
func (c *catchUp) read(rate, n int64, behind bool, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rate <= 0 || !behind {
		c.next = time.Time{}
		return 0
	}
	if c.next.Before(now) {
		c.next = now
	}
	c.next = c.next.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	return c.next.Sub(now)
}

// hold waits until the source may read again.
func (c *catchUp) hold(ctx context.Context, rate, n int64, behind bool) error {
	wait := c.read(rate, n, behind, time.Now())
	if wait <= 0 {
		return nil
	}
	return sleep(ctx, wait)
}
