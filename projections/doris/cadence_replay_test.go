package doris

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// TestCadenceReplay: a replay goes when no live leg waits, and is passed ten times at most,
// by turns and by full batches alike.
func TestCadenceReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := NewCadence(time.Second), time.Now()
		first, replay, second := c.join(false), c.join(true), c.join(false)
		if got := goes(c, began, first, second, replay); !slices.Equal(got, []float64{0, 1, 2}) {
			t.Errorf("turns come at %v", got)
		}
		began = time.Now()
		turns := []*turn{c.join(true)}
		for range 12 {
			turns = append(turns, c.join(false))
		}
		if got, want := goes(c, began, turns...), []float64{11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13}; !slices.Equal(got, want) {
			t.Errorf("turns come at %v, want %v", got, want)
		}
		replay = c.join(true)
		for i := range 10 {
			select {
			case <-replay.ready:
				t.Errorf("it goes after %d full batches", i)
			default:
			}
			if !c.pass() {
				t.Error("a full batch of a live leg has to wait")
			}
		}
		select {
		case <-replay.ready:
		default:
			t.Error("it does not go after ten full batches")
		}
		left := c.join(true)
		c.pass()
		left.leave()
		c.pass()
		if c.passed != 0 {
			t.Errorf("%d loads passed a replay that is gone", c.passed)
		}
	})
}

// TestGatherReplay: a full batch of a replay into the live table waits for its turn like any
// other, and the last one does not wait for its age.
func TestGatherReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCadence(4 * time.Second)
		c.pass()
		g := newGatherer(c, Limits{Age: time.Minute, Rows: 2})
		g.l.cfg.Replay = &projections.Replay{Plan: &domain.Plan{Target: domain.PlanTarget{Mode: domain.ModeFillMissing}}}
		go func() {
			g.feed(time.Second, 1, 5)
			close(g.events)
		}()
		g.run(t.Context())
		if want := []string{"4 s: 2 rows", "8 s: 2 rows", "12 s: 1 rows"}; !slices.Equal(g.went, want) {
			t.Errorf("%q, want %q", g.went, want)
		}
	})
}
