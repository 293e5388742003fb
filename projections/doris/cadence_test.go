package doris

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// goes says when each of some turns came, in seconds since began, in the order of
// joining.
func goes(c *Cadence, began time.Time, turns ...*turn) []float64 {
	at := make([]float64, len(turns))
	var wg sync.WaitGroup
	for i, t := range turns {
		wg.Go(func() {
			<-t.ready
			at[i] = time.Since(began).Seconds()
		})
	}
	wg.Wait()
	return at
}

// TestCadence: one small load in an interval over all shards, in the order of asking; a
// full one goes at once and moves the next turn; nothing is owed for quiet times.
func TestCadence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := NewCadence(5*time.Second), time.Now()
		a, b, d := c.join(false), c.join(false), c.join(false)
		if got := goes(c, began, a, b, d); !slices.Equal(got, []float64{0, 5, 10}) {
			t.Errorf("turns come at %v", got)
		}
		time.Sleep(time.Hour)
		began = time.Now()
		a, b = c.join(false), c.join(false)
		time.Sleep(2 * time.Second)
		if !c.pass() {
			t.Error("a full batch has to wait")
		}
		if got := goes(c, began, a, b); !slices.Equal(got, []float64{2, 7}) { // a's had come before it was looked at
			t.Errorf("turns come at %v", got)
		}
		began = time.Now()
		a, b = c.join(false), c.join(false)
		a.leave()
		a.leave()
		if got := goes(c, began, b); !slices.Equal(got, []float64{5}) {
			t.Errorf("behind one who left it comes at %v", got)
		}
		select {
		case <-a.ready:
			t.Error("a turn that was left has come")
		default:
		}
	})
}

// TestCadenceNone: without an interval nobody waits.
func TestCadenceNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := NewCadence(0), time.Now()
		if got := goes(c, began, c.join(false), c.join(false), c.join(false)); !slices.Equal(got, []float64{0, 0, 0}) || !c.pass() {
			t.Errorf("turns come at %v", got)
		}
	})
}

// TestCadenceSlows: each refusal doubles the interval, those of loads that were under way
// together count once, and each load that Doris takes halves it again.
func TestCadenceSlows(t *testing.T) {
	for least, want := range map[time.Duration][2][]time.Duration{
		0:                {{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}, {150, 75, 37, 18, 9, 4, 2, 1, 0, 0}},
		3 * time.Second:  {{6, 12, 24, 48, 96, 192, 300, 300}, {150, 75, 37, 18, 9, 4, 3, 3}},
		10 * time.Minute: {{600, 600}, {600}},
	} {
		t.Run(fmt.Sprint(least), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewCadence(least)
				for i, w := range want[0] {
					c.slow()
					c.slow()
					if got := c.interval.Truncate(time.Second); got != w*time.Second {
						t.Fatalf("after %d refusals the interval is %s, want %d s", i+1, got, w)
					}
					if w*time.Second > least && c.pass() {
						t.Errorf("a full batch goes at an interval of %s", c.interval)
					}
					began := time.Now()
					if got := goes(c, began, c.join(false)); got[0] != float64(w) {
						t.Errorf("the next turn comes after %v s, want %d", got, w)
					}
				}
				for i, w := range want[1] {
					c.well()
					if got := c.interval.Truncate(time.Second); got != w*time.Second {
						t.Fatalf("after %d loads that went well the interval is %s, want %d s", i+1, got, w)
					}
				}
				if !c.pass() {
					t.Error("a full batch still has to wait")
				}
			})
		})
	}
}

// TestCadenceShares: shards that always have something get the same number of turns.
func TestCadenceShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := NewCadence(time.Second), time.Now()
		loads := make([]int, 4)
		var wg sync.WaitGroup
		for shard := range loads {
			wg.Go(func() {
				for time.Since(began) < 399*time.Second {
					<-c.join(false).ready
					loads[shard]++
					time.Sleep(time.Duration(1+shard) * 300 * time.Millisecond) // its load
				}
			})
		}
		wg.Wait()
		for shard, n := range loads {
			if n < 99 || n > 101 {
				t.Errorf("shard %d had %d turns of %v", shard, n, loads)
			}
		}
	})
}
