package projections_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// took is how long a Wait took, in seconds.
func took(t *testing.T, p *projections.Pace, rows, bytes int64) float64 {
	t.Helper()
	began := time.Now()
	if err := p.Wait(t.Context(), rows, bytes); err != nil {
		t.Error(err)
	}
	return time.Since(began).Seconds()
}

// TestPace: rows and bytes come as fast as both bounds let them, however many are asked for at
// once, and 0 is no bound.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := projections.NewPace(domain.PlanLimits{Rows: 100, Bytes: 1000})
		if got := p.Limits(); got != (domain.PlanLimits{Rows: 100, Bytes: 1000}) {
			t.Errorf("limits are %+v", got)
		}
		for _, c := range []struct {
			rows, bytes int64
			seconds     float64
		}{{1000, 0, 10}, {0, 5000, 5}, {100, 9000, 9}, {0, 0, 0}} {
			// What was not used meanwhile, a fifth of a second's worth at most, goes first.
			if got := took(t, p, c.rows, c.bytes); got > c.seconds+0.01 || got < c.seconds-0.41 {
				t.Errorf("%d rows and %d bytes took %v s, want %v", c.rows, c.bytes, got, c.seconds)
			}
		}
		p.Set(domain.PlanLimits{})
		if got := took(t, p, 1<<40, 1<<40); got != 0 {
			t.Errorf("without a bound it took %v s", got)
		}
	})
}

// TestPaceChanges: what waits goes on by the new bounds within a second, whether they are
// wider, narrower or none.
func TestPaceChanges(t *testing.T) {
	for name, c := range map[string]struct {
		to   domain.PlanLimits
		want float64 // for what is left of 1,000 rows after a second at 10 rows/s
	}{"faster": {domain.PlanLimits{Rows: 99}, 10}, "slower": {domain.PlanLimits{Rows: 1}, 990}, "none": {domain.PlanLimits{}, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := projections.NewPace(domain.PlanLimits{Rows: 10})
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { _ = took(t, p, 1000, 0) })
				time.Sleep(time.Second)
				p.Set(c.to)
				wg.Wait()
				if got := time.Since(began).Seconds() - 1; got < c.want-3 || got > c.want+3 {
					t.Errorf("it took %v s more, want %v", got, c.want)
				}
			})
		})
	}
}

// TestPaceShared: lanes that wait together get what one would.
func TestPaceShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := projections.NewPace(domain.PlanLimits{Rows: 100})
		began := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _ = took(t, p, 250, 0) })
		}
		wg.Wait()
		if got := time.Since(began).Seconds(); got < 9.5 || got > 10.1 {
			t.Errorf("1,000 rows at 100 a second took %v s", got)
		}
	})
}

// TestPaceStops: a Wait ends with its context, at once, and says so; one whose deadline comes
// first waits for that.
func TestPaceStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := projections.NewPace(domain.PlanLimits{Rows: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := p.Wait(ctx, 1000, 0); err != context.DeadlineExceeded || time.Since(began) != 2500*time.Millisecond { //nolint:errorlint // as it is
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}
