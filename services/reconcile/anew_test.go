package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// A hub topic that is the source and was made anew is not checked until somebody decided what it
// is, and then is another generation: its rows are compared, those of the one before are not
// checked, and no row of the table is a finding for being of that one.
func TestDirectMadeAnew(t *testing.T) {
	for _, model := range []string{"UNIQUE", "DUPLICATE"} {
		w := newModel(t, model, direct)
		s := w.shards[0]
		w.opens(s, "hub", 1, 0, 0, 1)
		w.takes(s, 0, w.writes(s, 0, 30))
		w.takes(s, 1, w.writes(s, 1, 5))
		p := w.prover(reconcile.Scope{})
		verified(t, w.proves(p), 35)
		before := time.UnixMicro(int64(w.now)).Add(time.Microsecond)
		w.cuts(map[int32]int64{0: 0, 1: 0})
		for _, r := range []*report.Report{w.proves(p), w.proved()} {
			if r.Verdict != domain.NotChecked || !strings.Contains(r.Why, "hefu incidents") || len(r.Findings) > 0 {
				t.Errorf("%s: verdict %s: %s: %+v", model, r.Verdict, r.Why, some(r))
			}
		}
		if p.Through() != nil {
			t.Error("it says how far it came")
		}
		w.opens(s, "hub", 2, 0, 0, 1)
		rows := w.writes(s, 0, 10)
		if model == "UNIQUE" { // as a load replaces them
			w.exec("DELETE FROM ods.t WHERE hw_partition_id = 0 AND hw_offset_id < 10")
		}
		w.former(w.proves(p), 35, 0, 10)
		w.takes(s, 0, rows)
		for _, r := range []*report.Report{w.proves(p), w.proved()} {
			w.former(r, 35, 10, 0)
			if n := others(r, "former generation"); n != 20 { // those behind the ones of now
				t.Errorf("%s: %d rows are of the former generation, %+v", model, n, r.Others)
			}
		}
		again, first := w.prover(reconcile.Scope{}), domain.Window{Proof: domain.ProofHubDoris} // verified of which generation?
		again.Resume(map[domain.Window]domain.WindowResult{first: {Window: first, State: domain.WindowVerified, Through: domain.WindowSize}})
		w.former(w.proves(again), 35, 10, 0)
		verified(t, w.proved(reconcile.Scope{From: &before}), 10)
		w.former(w.proved(reconcile.Scope{To: &before}), 35, 0, 0)
		w.exec("DELETE FROM ods.t WHERE hw_partition_id = 0 AND hw_offset_id = 7 AND extract_time = ?", w.text(int64(rows[7].extract), 6))
		r := w.proved()
		if len(r.Findings) == 0 || r.Findings[0].HubOffset != 7 {
			t.Errorf("%s: verdict %s: %s: %+v", model, r.Verdict, r.Why, some(r))
		}
	}
}

// former demands a report without findings, of which some rows are of a former generation and not
// checked.
func (w *world) former(r *report.Report, former, verified, pending int64) {
	w.t.Helper()
	n := int64(0)
	for _, u := range r.Unchecked {
		if strings.Contains(u.Why, "generation 1") {
			n += u.Rows
		}
	}
	c := r.Coverage[0]
	if r.Verdict != domain.NotChecked || len(r.Findings) > 0 || n != former || c.Verified != verified || c.Pending != pending {
		w.t.Errorf("verdict %s: %s: %d of a former generation, %+v, %+v", r.Verdict, r.Why, n, c, some(r))
	}
}

// A partition of a hub topic that is cut is lost there, also where the topic is the source.
func TestDirectTailIsGone(t *testing.T) {
	w := newWorld(t, direct)
	s := w.shards[0]
	w.opens(s, "hub", 1, 0, 0)
	w.takes(s, 0, w.writes(s, 0, 20))
	w.keepsFromHub = true
	w.takes(s, 0, w.writes(s, 0, 10))
	r := w.proved()
	if len(r.Findings) != 1 {
		t.Errorf("%+v", some(r))
	}
	tailOf(t, r, 20, 20, "10 rows", "the table has 10 rows")
}
