package hub_test

import (
	"slices"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// TestLostBeforeSettled: a batch whose outcome nobody put on record, and whose rows the hub has lost
// since, did happen all the same: so the journal says, and nothing is written in its place until they
// are back.
func TestLostBeforeSettled(t *testing.T) {
	r := lossy(t)
	w := r.world
	at := w.ends(r.topic())
	w.dies(&faults{commit: journal.FaultAfter})
	r.before = placed(r.visible())
	for p, end := range w.ends(r.topic()) {
		if at[p] == end {
			delete(at, p)
		}
	}
	if len(at) == 0 {
		t.Fatal("the batch has no rows")
	}
	r.cut(at)
	before := len(w.kinds())
	_, err := try(w, w.process())
	w.mustBeIncident(err, domain.IncidentHubLost, "the hub topic ends before the last committed run")
	if got := w.kinds()[before:]; !slices.Equal(got, []domain.Kind{domain.KindOpened, domain.KindHubCommitted}) {
		t.Errorf("the stream goes on with %v", got)
	}
	r.planFill()
	r.finish(r.process())
	r.refilled()
}

// TestLostWhileRunning: a leg that is open while a partition loses its end commits nothing at offsets
// that other rows had.
func TestLostWhileRunning(t *testing.T) {
	r := lossy(t)
	w := r.world
	leg := open(w, w.process())
	defer leg.Close()
	r.before = placed(r.visible())
	left := map[int32]int64{0: 3, 1: 3, 2: 3, 3: 3}
	r.cut(left)
	had := placed(r.visible())
	w.mixed()
	if err := leg.Run(w.ctx); !contains(err, " gave offset ", ": it lost its end") {
		t.Fatalf("the leg ended with %v", err)
	}
	_, err := try(w, w.process())
	w.mustBeIncident(err, domain.IncidentHubLost, "the hub topic ends before the last committed run")
	for p, list := range placed(r.visible()) {
		if len(list) > len(had[p]) {
			t.Errorf("partition %d has %v, and had %v", p, list, had[p])
		}
	}
}
