package ingest

import (
	"testing"
	"time"
)

// TestCatchUp: a backlog is spread over time, live rows are not, and time that has passed
// is not saved up for a burst.
func TestCatchUp(t *testing.T) {
	began := time.Unix(1_764_000_000, 0)
	var c catchUp
	for i, s := range []struct {
		at     time.Duration
		n      int64
		behind bool
		wait   time.Duration
	}{
		{0, 500, true, 500 * time.Millisecond},
		{500 * time.Millisecond, 500, true, 500 * time.Millisecond},
		{600 * time.Millisecond, 100, true, 500 * time.Millisecond}, // another group of the source: the rate is the source's
		{time.Minute, 200, true, 200 * time.Millisecond},            // a quiet minute is no credit
		{time.Minute, 1 << 30, false, 0},                            // at the end of the log
		{time.Minute, 100, true, 100 * time.Millisecond},            // and that was not counted
	} {
		if got := c.read(1000, s.n, s.behind, began.Add(s.at)); got != s.wait {
			t.Errorf("read %d: waits %s, want %s", i, got, s.wait)
		}
	}
	var free catchUp
	if got := free.read(0, 1<<40, true, began); got != 0 {
		t.Errorf("without a rate it waits %s", got)
	}
}
