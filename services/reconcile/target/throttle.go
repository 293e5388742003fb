package target

import (
	"context"
	"sync"
	"time"
)

// throttle lets so many units through in a second; 0: any number. It may be shared.
type throttle struct {
	perSecond int64
	mu        sync.Mutex
	free      time.Time // when the next one may begin
}

// spent waits until what has been taken is paid for.
func (t *throttle) spent(ctx context.Context, n int64) error {
	if t.perSecond <= 0 {
		return ctx.Err()
	}
	t.mu.Lock()
	now := time.Now()
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(time.Duration(float64(n) / float64(t.perSecond) * float64(time.Second)))
	wait := t.free.Sub(now)
	t.mu.Unlock()
	return pause(ctx, wait)
}

// pause waits for a while, or for the end of the context, which is its error.
func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
