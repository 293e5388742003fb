package doris

import (
	"context"
	"sync/atomic"
	"time"
)

// clock is the time of the cluster: that of Config.Now, and what Advance has added to it.
type clock struct {
	base  func() time.Time
	ahead atomic.Int64 // nanoseconds
}

func (c *clock) now() time.Time { return c.base().Add(time.Duration(c.ahead.Load())) }

// Advance moves the cluster's clock on by d: transactions time out, labels are forgotten and delayed publishes come
// due as if the time had passed. A d below zero does nothing, for time does not go back. It is not kept on disk.
func (s *Server) Advance(d time.Duration) {
	if d > 0 {
		s.clock.ahead.Add(int64(d))
		s.committed()
	}
}

// linger waits for d, or for the end of the context.
func linger(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
