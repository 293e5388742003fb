package projections_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// TestOvertaken: all that matches is resolved, each once, whatever becomes of a write: it
// failed and did not happen, or it failed and did happen. What does not match stays open.
func TestOvertaken(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultNone, journal.FaultBefore, journal.FaultAfter} {
		m := journal.NewMemory()
		j, err := journal.Open(t.Context(), "p", journal.Options{Store: m})
		if err != nil {
			t.Fatal(err)
		}
		control, err := j.OpenControl(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		incidents := projections.Incidents{Control: control}
		file := func(kind domain.IncidentKind, n string) {
			_, _ = incidents.Decide(t.Context(), domain.NewIncident(kind, stream, "nanjing", nil, domain.Fact{Key: "n", Value: n}))
		}
		file(domain.IncidentSourceTaken, "1")
		file(domain.IncidentSourceBatch, "1")
		file(domain.IncidentSourceTaken, "2")
		faults := 2 // of the writes that follow
		m.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault {
			if faults--; faults < 0 {
				return journal.FaultNone
			}
			return fault
		}
		taken := func(in *domain.Incident) bool { return in.What == domain.IncidentSourceTaken }
		var before, after domain.Seq
		control.State(func(s *domain.ControlState) { before = s.Tail })
		for range 2 { // the second time there is nothing to do
			if err := incidents.Overtaken(t.Context(), taken, "opened"); err != nil {
				t.Fatalf("fault %d: %v", fault, err)
			}
		}
		control.State(func(s *domain.ControlState) {
			after = s.Tail
			if open := s.Open(); len(open) != 1 || open[0].What != domain.IncidentSourceBatch {
				t.Errorf("fault %d: open are %v", fault, open)
			}
			for _, r := range s.Resolved {
				if r.Who != "hefu" || r.Why != "opened" || r.Choice != domain.ChoiceRetry {
					t.Errorf("fault %d: resolved as %+v", fault, r)
				}
			}
		})
		if after != before+2 {
			t.Errorf("fault %d: %d events, want one for each of two incidents", fault, after-before)
		}
	}
}
