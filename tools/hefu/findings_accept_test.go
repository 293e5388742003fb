package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// Many findings are accepted some at a time: each once, none that was accepted before unless it is
// named, and those of the last part too when that has been accepted before.
func TestAcceptInParts(t *testing.T) {
	const n = 2*reconcile.MostAccepted + 7
	for named, want := range map[bool]int{false: n - 10, true: n} {
		got, parts := map[domain.FindingID]int{}, 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var a reconcile.Acceptance
			if err := json.NewDecoder(r.Body).Decode(&a); err != nil || r.URL.Path != "/v1/findings/accept" || a.Who != "wang" || a.Why != "by hand" || len(a.Findings) > reconcile.MostAccepted {
				t.Errorf("%s %v: %d for %s: %s", r.URL.Path, err, len(a.Findings), a.Who, a.Why)
			}
			var out []reconcile.FindingReport
			for _, id := range a.Findings {
				got[id]++
				out = append(out, reconcile.FindingReport{Finding: report.Finding{ID: id, Accepted: &report.Accepted{Who: a.Who, Why: a.Why}}})
			}
			parts++
			_ = json.NewEncoder(w).Encode(out)
		}))
		var list []reconcile.FindingReport
		for i := range n {
			f := reconcile.FindingReport{Finding: report.Finding{ID: domain.FindingID{byte(i), byte(i >> 8)}}}
			if i < 5 || i >= n-5 {
				f.Finding.Accepted = &report.Accepted{Who: "li", Why: "before"}
			}
			list = append(list, f)
		}
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetContext(t.Context())
		cmd.SetOut(&out)
		if err := acceptThem(cmd, &client{base: s.URL}, list, named, &signature{who: "wang", why: "by hand"}); err != nil {
			t.Error(err)
		}
		if len(got) != want || parts != (want+reconcile.MostAccepted-1)/reconcile.MostAccepted || strings.Count(out.String(), ": accepted by wang: ") != want {
			t.Errorf("named %t: %d in %d parts, %d printed, want %d", named, len(got), parts, strings.Count(out.String(), "\n"), want)
		}
		for id, times := range got {
			if times != 1 {
				t.Errorf("%s: %d times", id, times)
			}
		}
		s.Close()
		http.DefaultClient.CloseIdleConnections()
	}
}
