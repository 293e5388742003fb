package projections

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/hefu-io/hefu/domain"
)

// Pace bounds how many rows and bytes a replay takes in a second, over all its lanes. It may be
// changed while it is used.
type Pace struct {
	rows, bytes *rate.Limiter
	now         atomic.Pointer[domain.PlanLimits]
}

// NewPace makes a Pace.
func NewPace(l domain.PlanLimits) *Pace {
	p := &Pace{rows: rate.NewLimiter(0, 0), bytes: rate.NewLimiter(0, 0)}
	p.Set(l)
	return p
}

// Set changes the bounds; what waits already waits by the new ones from its next part on.
func (p *Pace) Set(l domain.PlanLimits) {
	p.now.Store(&l)
	for of, n := range map[*rate.Limiter]int64{p.rows: l.Rows, p.bytes: l.Bytes} {
		if n <= 0 {
			of.SetLimit(rate.Inf)
			continue
		}
		// A fifth of a second at once: what is asked for is taken in parts of it, so that a
		// change is felt soon.
		of.SetBurst(int(max(1, n/5)))
		of.SetLimit(rate.Limit(n))
	}
}

// Limits are the bounds in force.
func (p *Pace) Limits() domain.PlanLimits { return *p.now.Load() }

// Wait lets so many rows and bytes pass, as soon as both bounds do. Its error is the context's.
func (p *Pace) Wait(ctx context.Context, rows, bytes int64) error {
	for rows > 0 || bytes > 0 {
		rest := max(take(p.rows, &rows), take(p.bytes, &bytes))
		if rest <= 0 {
			continue
		}
		t := time.NewTimer(rest)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	return ctx.Err()
}

// take takes a part of n and says for how long to wait for it.
func take(of *rate.Limiter, n *int64) time.Duration {
	if *n <= 0 || of.Limit() == rate.Inf {
		*n = 0
		return 0
	}
	part := min(*n, int64(max(1, of.Burst())))
	r := of.ReserveN(time.Now(), int(part))
	if !r.OK() {
		return 0 // the burst is smaller now: the next part is
	}
	*n -= part
	return r.Delay()
}
