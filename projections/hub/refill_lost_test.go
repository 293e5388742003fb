package hub_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

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

// TestLostLongAgo: a process knows where a partition ended to which it has written nothing for more
// commits than are looked through at an open.
func TestLostLongAgo(t *testing.T) {
	r := lossy(t)
	w := r.world
	w.cfg.Batch.Pause = 1
	h := w.process()
	before, mixed := w.ends(r.topic()), w.mixed()
	for range 70 {
		w.feed(1, place{"nanjing", 0})
	}
	w.kept(h, w.feed(1, place{"nanjing", 0}))
	at := w.ends(r.topic())
	maps.DeleteFunc(at, func(p int32, end int64) bool { return end == before[p] })
	for k, row := range r.said() {
		if k.ingest > mixed.Seq {
			delete(at, row.Partition)
		}
	}
	if len(at) == 0 {
		t.Fatal("every partition has a row of the last commits")
	}
	other := slices.Min(slices.Collect(maps.Keys(at)))
	r.cut(map[int32]int64{other: at[other] - 2}) // the last row
	_, err := try(w, h)
	w.mustBeIncident(err, domain.IncidentHubLost, "the hub topic ends before the last committed run")
}

// TestRefillOutlived: retention takes away what was filled in while the rest is still to come, since
// rows have the time that they had. It goes on all the same, and each offset is passed.
func TestRefillOutlived(t *testing.T) {
	r := lost(t)
	f, h := &faults{}, r.process()
	f.onTransaction(2, func(f *faults) { f.produce = journal.FaultAfter })
	h.WrapSender(f.wrap)
	leg := open(r.world, h)
	if err := leg.Run(r.ctx); !errors.Is(err, errLost) {
		t.Fatalf("ended with %v", err)
	}
	leg.Close()
	upTo := kadm.Offsets{}
	for p, end := range r.ends() {
		upTo.AddOffset(r.topic(), p, end, -1)
	}
	_, err := kadm.NewClient(r.cl).DeleteRecords(r.ctx, upTo)
	must(t, err)
	r.finish(r.process())
	ends := r.ends()
	for _, s := range r.of.Plan.Rows.Hub {
		if ends[s.Partition] != s.Span.Next {
			t.Errorf("partition %d ends at %d, want %d", s.Partition, ends[s.Partition], s.Span.Next)
		}
	}
	r.kept(r.world.process(), r.mixed())
}
