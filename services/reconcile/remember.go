package reconcile

import (
	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// remember adds the findings that control has and these looks did not come to: what was verified is
// not scanned again by a process that goes on, and a row that was put right is the same now. Either was
// so, and holds until somebody accepts it. Those beyond what a report lists are counted; of the accepted
// ones as others, since they decide nothing.
func remember(r *report.Report, s *domain.ControlState) {
	listed := make(map[domain.FindingID]bool, len(r.Findings))
	list := make([]domain.Finding, 0, len(r.Findings))
	for i := range r.Findings {
		listed[r.Findings[i].ID] = true
		list = append(list, r.Findings[i].Domain())
	}
	left := int64(0)
	for _, accepted := range []bool{false, true} {
		for id, f := range s.Findings {
			switch {
			case listed[id] || accepted != (s.Accepted[id] != nil):
			case len(list) < keptFindings:
				list = append(list, *f)
			case accepted:
				left++
			default:
				r.More++
			}
		}
	}
	if left > 0 {
		r.Others = append(r.Others, report.Count{What: "findings that a person accepted, more than are listed", Rows: left})
	}
	inOrder(list)
	r.Findings = r.Findings[:0]
	for i := range list {
		r.Findings = append(r.Findings, report.FindingOf(&list[i], nil))
	}
}
