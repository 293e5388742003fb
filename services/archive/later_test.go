package archive_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// A segment of which Dropped was said goes, whatever the rule says by then: readers have it from
// the archive already.
func TestDeletionIsFinished(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	w.reconciled()
	w.inner.at = "drop"
	r, err := w.pass()
	must(t, err)
	if r.Failed() == nil {
		t.Fatalf("%+v", r.Segments)
	}
	w.inner.at, w.drop = "", false
	if got := line(w.passes(), domain.LegIngest); got.Done != "dropped" || got.Why != "" {
		t.Errorf("%+v", got)
	}
}

// A segment that fails keeps back those of its stream behind it, and no others.
func TestFailureKeepsBackItsStream(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	w.reconciled()
	w.place.before = errInjected
	r, err := w.pass()
	must(t, err)
	n := map[string]int{}
	for _, s := range r.Segments {
		n[s.Stream]++
		if s.Done != "failed" {
			t.Errorf("%+v", s)
		}
	}
	if n["bridge.0.ingest"] != 1 || n["bridge.0.hub"] != 1 {
		t.Errorf("tried: %v", n)
	}
}
