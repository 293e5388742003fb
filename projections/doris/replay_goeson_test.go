package doris_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
)

// goesOn is a plan of what came since another one, into the table under the other one's name.
func (w *world) goesOn(of *projections.Replay) *projections.Replay {
	w.t.Helper()
	r := w.plan(domain.ModeShadow, domain.Selection{})
	must(w.t, doris.DropShadow(w.ctx, w.cluster(), r.Plan.Target.Name, r.Plan.ID))
	r.Plan.Target.Name, r.Plan.Target.Shadow = of.Plan.Target.Name, of.Plan.Marker()
	r.Lane.First = of.Lane.Last.Seq + 1
	return r
}

// TestReplayGoesOn: a plan that goes on with the table of another one adds its rows, before the
// tables are exchanged and after; where neither or both are that table it loads nothing.
func TestReplayGoesOn(t *testing.T) {
	w := fed(t, duplicate, 2)
	first := w.plan(domain.ModeShadow, domain.Selection{})
	w.replayed(first)
	w.Feed()
	second := w.goesOn(first)
	w.replayed(second)
	w.holds(w.want)

	id, shadow := first.Plan.ID, first.Plan.Target.Name
	must(t, doris.SwapTables(w.ctx, w.cluster(), live, shadow, id, false))
	w.becomes(nil)
	w.holds(w.want)
	known := len(w.want)
	w.Feed()
	third := w.goesOn(second)
	w.becomes(third)
	before := len(w.table())
	w.replayed(third)
	if got := len(w.table()) - before; got != len(w.want)-known {
		t.Errorf("the table that was live before got %d rows, want %d", got, len(w.want)-known)
	}

	w.exec("ALTER TABLE " + live + ` MODIFY COMMENT "another's"`)
	w.becomes(w.goesOn(third))
	var refusal *projections.Refusal
	if err := w.tries(); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "just one must have") {
		t.Errorf("into a table of nobody: %v", err)
	}
}

// TestHeldLeg: while the table is held a leg begins nothing; then it goes on with what it has.
func TestHeldLeg(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	w.cfg.Cadence = doris.NewCadence(0)
	release, err := w.cfg.Cadence.Hold(t.Context())
	must(t, err)
	at := w.Feed()
	p := w.start()
	eventually(w, "it says that it waits", func() (bool, bool) {
		return true, strings.Contains(p.reporter.Status().Waiting, "the table is held")
	})
	if got := w.kinds(); len(got) > 0 {
		t.Errorf("stream holds %v", got)
	}
	release()
	p.until(at)
	release, err = w.cfg.Cadence.Hold(t.Context())
	must(t, err)
	release()
	p.stop()
	w.holds(w.want)
}

// TestReplayBeside: a replay into another table begins nothing while the live one is loaded.
func TestReplayBeside(t *testing.T) {
	w := fed(t, duplicate, 2)
	w.becomes(w.plan(domain.ModeShadow, domain.Selection{}))
	w.cfg.Beside = doris.NewCadence(0)
	loaded := w.cfg.Beside.Loads()
	p := w.start()
	eventually(w, "it says that it waits", func() (bool, bool) {
		return true, strings.Contains(p.reporter.Status().Waiting, "go first")
	})
	if got := w.kinds(); len(got) > 0 {
		t.Errorf("stream holds %v", got)
	}
	loaded()
	p.ends()
	w.isDone()
}
