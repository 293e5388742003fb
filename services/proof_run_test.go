package services_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// While it runs, windows are verified as they close, and an event says so once; a pipeline at
// rest says nothing. After a restart what was verified is not looked at again, though the hub
// has thrown its rows away, and what was open is.
func TestProofGoesOnAfterARestart(t *testing.T) {
	w := newProofWorld(t)
	w.start()
	w.produce("north", 100)
	w.untilRows(100)
	verified(t, w.compared(100), 1, 1)
	w.looks(6)
	metrics := w.metrics()
	for _, line := range []string{
		`windows{pipeline="bridge",proof="city-hub",state="verified"} 1`, `windows{pipeline="bridge",proof="hub-doris",state="open"} 1`,
		`rows{pipeline="bridge",proof="hub-doris"} 100`, `findings{class="lost",pipeline="bridge"} 0`, `accepted_findings{pipeline="bridge"} 0`,
		`failed_looks_total{pipeline="bridge"} 0`, `looks_total{pipeline="bridge"} `, `look_seconds{pipeline="bridge"} `, `last_look_age_seconds{pipeline="bridge"} `,
	} {
		if !strings.Contains(metrics, "hefu_proof_"+line) {
			t.Errorf("no %s in\n%s", line, metrics)
		}
	}
	w.end()
	windows, findings := w.said()
	if len(windows) != 3 || len(findings) > 0 {
		t.Errorf("said %+v %+v, want a window of each proof and one of the city", windows, findings)
	}
	for _, r := range windows {
		if r.State != domain.WindowVerified || r.Through != domain.WindowSize || r.Left.Rows == 0 || r.Left != r.Right {
			t.Errorf("said %+v", r)
		}
	}
	withJournal(t, w.cfg, "bridge", func(j *journal.Journal) {
		control, err := j.OpenControl(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
			tail, err := j.Tail(t.Context(), domain.Stream{Pipeline: "bridge", Leg: leg})
			if err != nil {
				t.Fatal(err)
			}
			control.State(func(s *domain.ControlState) {
				if s.Through[tail.Stream] != tail.Ref() {
					t.Errorf("compared up to %v of %s", s.Through[tail.Stream], tail.Ref())
				}
			})
		}
	})
	w.cut("ODS", domain.WindowSize)
	w.cut("north", domain.WindowSize)
	w.start()
	w.looks(3)
	verified(t, w.compared(100), 1, 1)
	w.produce("north", 50)
	w.untilRows(150)
	st := w.compared(150)
	if len(st.Findings) > 0 || st.Error != "" {
		t.Errorf("%+v", st)
	}
	verified(t, st, 1, 1)
	w.end()
	windows, findings = w.said()
	if len(windows) != 3 || len(findings) > 0 {
		t.Errorf("said after a restart, too: %+v %+v", windows, findings)
	}
}

// What is altered while the process is down: in a window that is open it is found, in one that
// was verified only by a look at everything. A row that comes to such a window is found, and
// nothing else of it. Findings are said once, and stay accepted.
func TestProofOfWhatHappenedWhileDown(t *testing.T) {
	w := newProofWorld(t)
	w.start()
	w.produce("north", 100)
	w.untilRows(100)
	w.compared(100)
	w.looks(2)
	w.end()
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = 'x' WHERE city_offset_id IN (65501, 65590)")
	w.start()
	w.until("a finding", func(st *reconcile.State) bool { return st.Findings[domain.Altered] == 1 })
	w.looks(6)
	var list []reconcile.FindingReport
	if code := w.call(http.MethodGet, "/v1/findings", nil, &list); code != http.StatusOK || len(list) != 1 || list[0].Finding.CityOffset != 65590 || list[0].Finding.Where != "doris" {
		t.Fatalf("%d: %+v", code, list)
	}
	var problem map[string]any
	var taken []reconcile.FindingReport
	by := reconcile.Acceptance{Findings: []domain.FindingID{list[0].Finding.ID, {0xff}}, Who: "wang", Why: "by hand"}
	if code := w.call(http.MethodPost, "/v1/findings/accept", by, &problem); code != http.StatusNotFound {
		t.Fatalf("one of them is none: %d: %v", code, problem)
	}
	by.Findings = by.Findings[:1]
	code := w.call(http.MethodPost, "/v1/findings/accept", by, &taken)
	if code != http.StatusOK || len(taken) != 1 || taken[0].Finding.Accepted == nil || taken[0].Finding.Accepted.Who != "wang" {
		t.Fatalf("%d: %+v", code, taken)
	}
	w.end()

	w.double(t) // the hub's first row, which is in the window that was verified
	w.start()
	st := w.until("a row twice", func(st *reconcile.State) bool { return st.Findings[domain.Doubled] == 1 })
	if w.looks(6); len(st.Findings) != 1 || st.Accepted != 1 {
		t.Errorf("%+v", st)
	}
	w.end()
	windows, findings := w.said()
	if len(findings) != 2 || findings[1].Row.City.Offset != lead {
		t.Errorf("said %+v", findings)
	}
	last := map[domain.Window]domain.WindowState{}
	for _, r := range windows {
		last[r.Window] = r.State
	}
	north := domain.Window{Proof: domain.ProofCityHub, Source: "north", Generation: 1}
	if got := last[north]; got != domain.WindowDiverged {
		t.Errorf("%s is %s: %+v", north, got, windows)
	}

	all := prove(t, w.cfg, &w.cfg.Pipelines[0])
	if count(all, domain.Altered) != 2 || count(all, domain.Doubled) != 1 || len(all.Findings) != 3 {
		t.Errorf("a look at everything found %+v", all.Findings)
	}
	for _, f := range all.Findings {
		if accepted := f.CityOffset == 65590; accepted != (f.Accepted != nil) {
			t.Errorf("%+v", f)
		}
	}
	if covered(all, report.CityJournal).Verified != 100 {
		t.Errorf("%+v", all.Coverage)
	}
}

// A window that differs and grows is looked at on: what is wrong with its new rows is named too,
// and what was named before is not named again. What is put right is seen.
func TestProofOfAWindowThatDiffersAndGrows(t *testing.T) {
	w := newProofWorld(t)
	w.start()
	w.produce("north", 100)
	w.untilRows(100)
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = 'x' WHERE city_offset_id = 65590")
	w.produce("north", 10) // rows come to the window, so that it is looked at
	w.until("a finding", func(st *reconcile.State) bool { return st.Findings[domain.Altered] == 1 })
	w.untilRows(110)
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = 'y' WHERE city_offset_id = 65601")
	w.produce("north", 10)
	w.until("another one", func(st *reconcile.State) bool { return st.Findings[domain.Altered] == 2 })
	w.looks(6)
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = '90' WHERE city_offset_id = 65590")
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = '1' WHERE city_offset_id = 65601")
	w.until("it is put right", func(st *reconcile.State) bool {
		return st.Windows[domain.ProofHubDoris][domain.WindowDiverged] == 0 && st.Rows[domain.ProofHubDoris] == 120
	})
	w.end()
	windows, findings := w.said()
	if len(findings) != 2 || findings[0].Row.City.Offset != 65590 || findings[1].Row.City.Offset != 65601 {
		t.Errorf("%+v", findings)
	}
	if last := windows[len(windows)-1]; last.State != domain.WindowOpen || last.Left != last.Right {
		t.Errorf("said last %+v", last)
	}
}
