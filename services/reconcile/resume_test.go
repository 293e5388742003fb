package reconcile_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// says puts the results of a Prover on control, and gives what control says then.
func (w *world) says(p *reconcile.Prover) map[domain.Window]domain.WindowResult {
	w.t.Helper()
	w.say(&domain.Reconciled{Windows: p.Results()})
	said, err := reconcile.Said(w.t.Context(), w.j)
	must(w.t, err)
	return said
}

// resumed is a Prover that goes on with what others said.
func (w *world) resumed(said map[domain.Window]domain.WindowResult) *reconcile.Prover {
	p := w.prover(reconcile.Scope{})
	p.Resume(said)
	return p
}

// Another Prover goes on with what was verified: it does not scan that again, counts it all the
// same, takes what is new, and names a copy of a row that was verified long ago.
func TestResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and many rows: the plain run does this")
	}
	w := newWorld(t)
	s := w.opened()
	w.ingests(s, w.run(s, "nanjing", 0, domain.WindowSize+5, 0))
	row := *s.fresh[77]
	w.carries(s)
	row.hubTime = s.inHub[77].hubTime
	w.loads(s)
	first := w.prover(reconcile.Scope{})
	verified(t, w.proves(first), domain.WindowSize+5)
	said := w.says(first)
	cities, hub := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1}, domain.Window{Proof: domain.ProofHubDoris}
	for _, id := range []domain.Window{cities, hub} {
		if said[id].State != domain.WindowVerified || said[id].Left.Rows != domain.WindowSize {
			t.Errorf("%s: %+v", id, said[id])
		}
		next := id
		next.Index = 1
		if said[next].State != domain.WindowOpen {
			t.Errorf("%s: %+v", next, said[next])
		}
	}
	p := w.resumed(said)
	verified(t, w.proves(p), domain.WindowSize+5)
	if n := p.Held(); n != 2 { // the open windows
		t.Errorf("%d windows are held", n)
	}
	w.ingests(s, w.run(s, "nanjing", 0, 3, 0))
	w.carries(s)
	w.loads(s)
	verified(t, w.proves(p), domain.WindowSize+8)
	verified(t, w.proves(w.resumed(said)), domain.WindowSize+8)
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 0 AND hw_offset_id = ?", domain.WindowSize+1)
	again := w.resumed(said)
	finds(t, w.proves(again), domain.Lost, "doris", domain.WindowSize+1)
	finds(t, w.proves(w.resumed(w.says(again))), domain.Lost, "doris", domain.WindowSize+1)
	w.inserts(&moved{source: row.source, city: row.city, offset: domain.WindowSize + 1, at: domain.WindowSize + 1, extract: row.extract, hubTime: row.hubTime})
	w.puts(w.record(&row, row.hubTime))
	finds(t, w.proves(p), domain.Doubled, "hub", 77)
	finds(t, w.proves(w.resumed(said)), domain.Doubled, "hub", 77)
}

// What was verified stays it when the hub has thrown its rows away since, for whoever goes on
// from there, and for nobody else. All there is may be verified.
func TestResumedBeyondTheLog(t *testing.T) {
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Table = "" })
	s := w.opened()
	w.ingests(s, w.run(s, "nanjing", 0, domain.WindowSize-10, 0))
	w.carries(s)
	w.ingests(s, w.run(s, "nanjing", 0, 10, 0))
	w.carries(s)
	first := w.prover(reconcile.Scope{})
	verified(t, w.proves(first), domain.WindowSize)
	said := w.says(first)
	w.truncates(0, domain.WindowSize)
	p := w.resumed(said)
	verified(t, w.proves(p), domain.WindowSize)
	w.ingests(s, w.run(s, "nanjing", 0, 4, 0))
	w.carries(s)
	verified(t, w.proves(p), domain.WindowSize+4)
	verified(t, w.proves(w.resumed(said)), domain.WindowSize+4)
	if r := w.proved(); r.Verdict != domain.NotChecked {
		t.Errorf("without what was said: %s: %s", r.Verdict, r.Why)
	}
}
