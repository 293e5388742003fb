package reconcile_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// A table that is far behind: the rows that are not kept meanwhile are read again when it has
// them, each counts once, and one that it does not get is named.
func TestTableFarBehind(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	p := w.prover(reconcile.Scope{})
	p.KeepWaiting(7)
	for range 3 { // in the hub, and nothing in the table
		w.ingests(s, w.run(s, "nanjing", 0, 10, 0))
		w.carries(s)
		r := w.proves(p)
		if r.Verdict != domain.Verified || len(r.Findings) > 0 {
			t.Fatalf("rows on their way: %s: %+v", r.Why, some(r))
		}
	}
	w.loads(s)
	r := w.proves(p)
	if c := r.Coverage[len(r.Coverage)-1]; r.Verdict != domain.Verified || c.Proof != domain.ProofHubDoris || c.Verified != 30 || c.Pending != 0 {
		t.Errorf("%s: %+v", r.Why, c)
	}
	for range 2 { // the table comes nearer while the hub goes on
		w.ingests(s, w.run(s, "nanjing", 0, 10, 0))
		w.carries(s)
		w.look(p)
		w.loads(s)
		w.ingests(s, w.run(s, "nanjing", 0, 10, 0))
		w.carries(s)
		if r := w.proves(p); r.Verdict != domain.Verified {
			t.Errorf("nearer: %s", r.Why)
		}
	}
	w.loads(s)
	w.exec("DELETE FROM ods.t WHERE hw_offset_id = 45")
	finds(t, w.proves(p), domain.Lost, "doris", 45)
}
