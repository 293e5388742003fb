package doris_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
)

// TestReplayLimits: a replay's batch is what it may carry while a batch waits for rows, and
// never more than any batch.
func TestReplayLimits(t *testing.T) {
	batch := doris.Limits{Rows: 500_000, Bytes: 128 << 20, Age: 5 * time.Second}
	for plan, want := range map[domain.PlanLimits]doris.Limits{
		{}:                               batch,
		{Rows: 20_000, Bytes: 16 << 20}:  {Rows: 100_000, Bytes: 80 << 20, Age: batch.Age},
		{Rows: 1 << 62, Bytes: 1 << 62}:  batch,
		{Rows: 0, Bytes: 64 << 10}:       {Rows: 500_000, Bytes: 320 << 10, Age: batch.Age},
		{Rows: 1 << 20, Bytes: 25 << 20}: {Rows: 500_000, Bytes: 125 << 20, Age: batch.Age},
	} {
		if got := doris.LimitsOf(batch, plan); got != want {
			t.Errorf("limits %+v make batches of %+v, want %+v", plan, got, want)
		}
	}
	if got := doris.LimitsOf(doris.Limits{Age: time.Millisecond}, domain.PlanLimits{Rows: 1, Bytes: 1}); got.Rows != 1 || got.Bytes != 1 {
		t.Errorf("the smallest batch is %+v", got)
	}
}

// TestFare: the rows of a load go at the pace of the plan while it is sent; and of a commit that
// is larger than a load should be, the wait for what is too much comes before the load begins.
func TestFare(t *testing.T) {
	for name, c := range map[string]struct {
		plan        domain.PlanLimits
		rows, bytes int64
		before      float64 // seconds until the intent
		load        float64 // seconds of the load
	}{
		"rows":            {domain.PlanLimits{Rows: 10_000}, 50_000, 1, 0, 5},
		"bytes":           {domain.PlanLimits{Bytes: 1_000_000}, 50_000, 5_000_000, 0, 5},
		"a large commit":  {domain.PlanLimits{Rows: 1_000}, 50_000, 1, 45, 5},
		"of many bytes":   {domain.PlanLimits{Rows: 10_000, Bytes: 100_000}, 50_000, 5_000_000, 45, 5},
		"a small one":     {domain.PlanLimits{Rows: 10_000}, 5_000, 1, 0, 0.5},
		"without a limit": {domain.PlanLimits{}, 50_000, 5_000_000, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const slack = 0.25 // what went unused before goes first
				var began time.Time
				start := time.Now()
				err := doris.Fare(t.Context(), doris.Limits{}, c.plan, c.rows, c.bytes, func() { began = time.Now() }, func(place int64) {
					if c.load < 1 {
						return
					}
					// Half of the rows that the load waits for do not go in its first third.
					half := c.rows - int64(float64(c.rows)*c.load/(c.before+c.load)/2)
					if went := time.Since(began).Seconds(); place == half && went < c.load/3 {
						t.Errorf("row %d went after %.2f s of %v", place, went, c.load)
					}
				})
				must(t, err)
				if got := began.Sub(start).Seconds(); got < c.before-slack || got > c.before+slack {
					t.Errorf("began after %.2f s, want %v", got, c.before)
				}
				if got := time.Since(began).Seconds(); got < c.load-slack || got > c.load+slack {
					t.Errorf("the load took %.2f s, want %v", got, c.load)
				}
			})
		})
	}
}

// TestFareEnds: a wait ends with its context.
func TestFareEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := doris.Fare(ctx, doris.Limits{}, domain.PlanLimits{Rows: 1}, 10, 10, func() {}, func(int64) {}); err == nil {
		t.Error("no error")
	}
}

// TestReplayLoadsArePaced: a replay that is bound loads small batches, the rows of which are the
// ones of a replay that is not.
func TestReplayLoadsArePaced(t *testing.T) {
	w := fed(t, duplicate, 6)
	w.cfg.Batch = doris.Limits{Rows: 1000, Age: 100 * time.Millisecond}
	r := w.plan(domain.ModeShadow, domain.Selection{})
	r.Pace.Set(domain.PlanLimits{Rows: 50})
	began := time.Now()
	w.replayed(r)
	w.holds(w.want)
	if took := time.Since(began); took < 350*time.Millisecond {
		t.Errorf("%d rows at 50 a second took %s", len(w.want), took)
	}
	for _, p := range events[*domain.DorisPrepared](w) {
		if p.Rows > 5 {
			t.Errorf("a load of %d rows", p.Rows)
		}
	}
}
