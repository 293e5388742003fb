package replay

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
)

// halfWritten reports whether a plan's folder has a file that is not whole.
func (w *world) halfWritten(r *domain.Replay) bool {
	w.t.Helper()
	_, err := os.Stat(filepath.Join(w.data, file.Name(r.Planned.ID, 0)+".part"))
	if _, dir := os.Stat(filepath.Join(w.data, "replays", r.Planned.ID.String())); err != nil && dir == nil {
		w.t.Errorf("nothing is in the folder of replay %s, which is there", r.Planned.ID)
	}
	return err == nil
}

// What is half written stays while a replay is paused, and goes when it is cancelled: while it is
// carried out, while it stands still, and where the process was not there at the start after it.
func TestDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		stop := w.serves(w.s, w.o)
		running := w.planned(toFile, slow)
		pause := func(r *domain.Replay) {
			t.Helper()
			carrying(t, w.s, r)
			must(t, w.decides(r.Planned.ID, Pause, Decision{}))
			gone(t, w.s)
			if !w.halfWritten(r) {
				t.Errorf("replay %s is paused, and nothing is left of it", r.Planned.ID)
			}
		}
		pause(running)
		must(t, w.decides(running.Planned.ID, Resume, Decision{}))
		carrying(t, w.s, running)
		must(t, w.decides(running.Planned.ID, Cancel, Decision{}))
		w.s.discardIdle(w.ctx, w.o, running.Planned.ID) // it is not idle: whatever this finds, its run is the last
		gone(t, w.s)
		idle := w.planned(toFile, slow)
		pause(idle)
		w.s.discardIdle(w.ctx, w.o, idle.Planned.ID)
		if !w.halfWritten(idle) {
			t.Error("a replay that is paused was discarded")
		}
		must(t, w.decides(idle.Planned.ID, Cancel, Decision{}))
		w.s.discardIdle(w.ctx, w.o, idle.Planned.ID)
		away := w.planned(toFile, slow)
		pause(away)
		must(t, stop())
		must(t, w.decides(away.Planned.ID, Cancel, Decision{}))
		for _, r := range []*domain.Replay{running, idle} {
			if w.halfWritten(r) {
				t.Errorf("replay %s is cancelled, and its half-written file is there", r.Planned.ID)
			}
		}
		w.serves(w.s, w.o)
		synctest.Wait()
		if w.halfWritten(away) {
			t.Error("after a start the half-written file of a cancelled replay is there")
		}
	})
}
