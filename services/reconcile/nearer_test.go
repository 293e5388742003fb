package reconcile_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// carried is what one commit put into the hub.
type carried struct {
	rows []*moved
	tail domain.Ref // of the hub's stream
}

// carriesRows takes n rows of nanjing to the hub, and no further.
func (w *world) carriesRows(s *shard, n int64) carried {
	w.t.Helper()
	w.ingests(s, w.run(s, "nanjing", 0, n, 0))
	w.carries(s)
	c := carried{s.inHub, s.hub.Tail()}
	s.inHub = nil
	return c
}

// loadsOnly loads what one commit put into the hub, though there is more.
func (w *world) loadsOnly(s *shard, c carried) {
	w.t.Helper()
	first, err := w.j.Get(w.t.Context(), s.hub.Stream(), s.lastLoad+1)
	must(w.t, err)
	b := &domain.DorisBegun{Owned: s.doris.Owned(), Trail: s.doris.Trail(), First: first.Ref(), Last: c.tail, Time: w.now}
	b.Ends = []domain.HubEnd{{Partition: c.rows[0].h, Next: c.rows[len(c.rows)-1].at + 1}}
	begun := w.append(s.doris, b)
	w.inserts(c.rows...)
	w.loaded(s, begun, b)
}

// A table that comes nearer step by step: the rows that were not kept are read again as far as it
// has come, and each is counted once, however many steps it takes.
func TestTableComesNearer(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	p := w.prover(reconcile.Scope{})
	p.KeepWaiting(3)
	var all []carried
	for range 5 {
		all = append(all, w.carriesRows(s, 10))
	}
	adds := func(verified int64) {
		t.Helper()
		r := w.proves(p)
		c := r.Coverage[len(r.Coverage)-1]
		if r.Verdict != domain.Verified || c.Proof != domain.ProofHubDoris || c.Rows != 50 || c.Verified != verified || c.Pending != 50-verified {
			t.Errorf("%s: %s: %+v, want %d of 50 verified", r.Verdict, r.Why, c, verified)
		}
		if r.Hub[0].Rows != 50 {
			t.Errorf("hub: %+v", r.Hub)
		}
	}
	adds(0)
	for i, c := range all {
		w.loadsOnly(s, c)
		adds(int64(i+1) * 10)
	}
}
