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

// TestLostWithoutRows: the last commit has no row in the partition that lost its end, and that
// stops the leg as well.
func TestLostWithoutRows(t *testing.T) {
	r := lossy(t)
	w := r.world
	at := w.ends(r.topic())
	for range 3 {
		w.kept(w.process(), w.feed(1, place{"nanjing", 0}))
	}
	var other int32 = -1
	for p, end := range w.ends(r.topic()) {
		if at[p] == end {
			other = p
		}
	}
	if other < 0 {
		t.Fatalf("every partition has a row of the last commits: %v", w.ends(r.topic()))
	}
	r.before = placed(r.visible())
	r.cut(map[int32]int64{other: 3})
	_, err := try(w, w.process())
	w.mustBeIncident(err, domain.IncidentHubLost, "the hub topic ends before the last committed run")
	r.planFill()
	r.finish(r.process())
	r.refilled()
}

// TestLostOfItsOwn: what a leg loses while it is open is what it wrote itself since.
func TestLostOfItsOwn(t *testing.T) {
	r := lossy(t)
	w := r.world
	at := w.ends(r.topic())
	leg := open(w, w.process())
	defer leg.Close()
	ended := make(chan error, 1)
	to := w.mixed()
	go func() { ended <- leg.Run(w.ctx) }()
	must(t, w.reaches(w.ctx, to, ended))
	r.before = placed(r.visible())
	r.cut(at)
	w.mixed()
	if err := <-ended; !contains(err, "row at offset ", " after one at ") {
		t.Fatalf("the leg ended with %v", err)
	}
	_, err := try(w, w.process())
	w.mustBeIncident(err, domain.IncidentHubLost, "the hub topic ends before the last committed run")
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
