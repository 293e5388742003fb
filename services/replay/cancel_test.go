package replay

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// A replay of ten thousand commits is left alone a moment after it was cancelled; how long that
// takes is in the log.
func TestCancelTenThousand(t *testing.T) {
	w := newWorld(t, 1)
	var hub domain.Ref
	for range 10_000 {
		of, ev := w.brought(0, "a", 5)
		hub = w.committed(0, w.began(0, of), of, ev)
	}
	w.loaded(0, w.loading(0, hub), hub, 50_000)
	w.serves(w.s, w.o)
	r := w.planned(toFile, domain.PlanLimits{Rows: 2000})
	working := func() *run {
		w.s.mu.Lock()
		defer w.s.mu.Unlock()
		return w.s.running[r.Planned.ID]
	}
	wait := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !is(); {
			if time.Now().After(deadline) {
				t.Fatalf("not %s: %+v", what, w.until(r.Planned.ID, domain.PlanRunning).Moves)
			}
			select {
			case <-t.Context().Done():
			case <-time.After(time.Millisecond):
			}
		}
	}
	wait("carried in part", func() bool { x := working(); return x != nil && x.progress(time.Second).Rows > 0 })
	began := time.Now()
	must(t, w.decides(r.Planned.ID, Cancel, Decision{}))
	wait("left alone", func() bool { return working() == nil })
	t.Logf("cancelled a replay of 10,000 commits in %s", time.Since(began))
	if now := w.until(r.Planned.ID, domain.PlanCancelled); now.Last().Who != "li" {
		t.Errorf("cancelled by %+v", now.Last())
	}
}
