package reconcile

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// Findings of control that a look did not come to are listed once, open ones before accepted ones where
// there are more than a report lists; the others are counted, and only open ones decide.
func TestRememberedFindings(t *testing.T) {
	s := &domain.ControlState{Findings: map[domain.FindingID]*domain.Finding{}, Accepted: map[domain.FindingID]*domain.Accepted{}}
	knows := func(first, next int64, accepted bool) {
		for o := first; o < next; o++ {
			f := findingAt(o)
			s.Findings[f.ID()] = &f
			if accepted {
				s.Accepted[f.ID()] = &domain.Accepted{Finding: f.ID(), Who: "wang", Why: "known"}
			}
		}
	}
	found := findingAt(7)
	look := func() *report.Report {
		r := &report.Report{Findings: []report.Finding{report.FindingOf(&found, nil)}}
		remember(r, s)
		return r
	}
	knows(5, 9, false)
	knows(20, 30, true)
	r := look()
	if len(r.Findings) != 14 || r.More != 0 || len(r.Others) != 0 || r.Findings[0].CityOffset != 5 || r.Findings[2].CityOffset != 7 || r.Findings[13].CityOffset != 29 {
		t.Errorf("%d findings, %d more, %+v", len(r.Findings), r.More, r.Others)
	}
	knows(1000, 1000+keptFindings-4, false) // with the four above as many as are listed
	r = look()
	if len(r.Findings) != keptFindings || r.More != 0 || len(r.Others) != 1 || r.Others[0].Rows != 10 {
		t.Errorf("%d findings, %d more, %+v", len(r.Findings), r.More, r.Others)
	}
	knows(20_000, 20_003, false)
	if r = look(); len(r.Findings) != keptFindings || r.More != 3 || r.Others[0].Rows != 10 {
		t.Errorf("%d findings, %d more, %+v", len(r.Findings), r.More, r.Others)
	}
}
