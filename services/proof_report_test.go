package services_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// A finding that nobody accepted decides the reports of the looks after a restart, too, though the row
// was put right and no look comes to it again; an accepted one stays in them.
func TestProofReportsRememberFindings(t *testing.T) {
	w := newProofWorld(t)
	w.cfg.Pipelines[0].Reconcile.Report = config.DefaultReconcile().DorisPause // a moment
	w.start()
	w.produce("north", 100)
	w.untilRows(100)
	w.compared(100)
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = 'x' WHERE city_offset_id = 65590")
	w.produce("north", 10)
	w.until("a finding", func(st *reconcile.State) bool { return st.Findings[domain.Altered] == 1 })
	w.untilRows(110)
	w.table("UPDATE ods.ODS_QL_JC_SSJC SET record = '90' WHERE city_offset_id = 65590")
	right := func(st *reconcile.State) bool {
		return st.Windows[domain.ProofHubDoris][domain.WindowDiverged] == 0 && st.Rows[domain.ProofHubDoris] == 110
	}
	before := w.until("it is put right", right)
	w.end()

	w.start()
	folder := report.InFolder(filepath.Join(w.cfg.DataDir, report.Folder))
	next := func(st *reconcile.State) *report.Report {
		if !right(st) || st.Report == "" || st.Report == before.Report {
			return nil
		}
		before = *st
		file, err := os.ReadFile(folder.Find(st.Report))
		if err != nil {
			t.Fatal(err)
		}
		v, err := report.Verify(file)
		if err != nil {
			t.Fatalf("%s: %v", st.Report, err)
		}
		return v.Report
	}
	var r *report.Report
	w.until("a report after a restart", func(st *reconcile.State) bool { r = next(st); return r != nil })
	if r.Verdict != domain.Diverged || len(r.Findings) != 1 || r.Findings[0].CityOffset != 65590 || r.Findings[0].Accepted != nil {
		t.Fatalf("%s: %s: %+v", r.Verdict, r.Why, r.Findings)
	}
	by := reconcile.Acceptance{Findings: []domain.FindingID{r.Findings[0].ID}, Who: "wang", Why: "put right by hand"}
	var taken []reconcile.FindingReport
	if code := w.call(http.MethodPost, "/v1/findings/accept", by, &taken); code != http.StatusOK {
		t.Fatal(code)
	}
	w.until("a report with the acceptance", func(st *reconcile.State) bool {
		r = next(st)
		return r != nil && r.Verdict == domain.Verified
	})
	if len(r.Findings) != 1 || r.Findings[0].Accepted == nil || r.Findings[0].Accepted.Who != "wang" {
		t.Errorf("%s: %s: %+v", r.Verdict, r.Why, r.Findings)
	}
	w.end()
}
