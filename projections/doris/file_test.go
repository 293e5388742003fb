package doris_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// TestReplacedFilesNothing: a process that is replaced while it opens finds rows beyond
// its view of the journal. They are its successor's: no incident, it is fenced.
func TestReplacedFilesNothing(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	asks, goes := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	w.wire.onAsk(func(string) {
		if first.CompareAndSwap(false, true) {
			close(asks)
			<-goes
		}
	})
	older := w.start()
	<-asks
	newer := w.start()
	newer.until(at)
	close(goes)
	ends := eventually(w, "the end of the older process", func() (projections.Status, bool) {
		s := older.reporter.Status()
		return s, s.State == projections.StateStopped || s.State == projections.StateIncident
	})
	if ends.State == projections.StateIncident {
		t.Fatalf("filed: %s", ends.Error)
	}
	var fenced *journal.FencedError
	if err := <-older.done; !errors.As(err, &fenced) {
		t.Errorf("the older process ended with %v", err)
	}
	w.control.State(func(s *domain.ControlState) {
		for _, in := range s.Open() {
			t.Errorf("filed: %s", in)
		}
	})
	newer.stop()
	w.Tally()
}
