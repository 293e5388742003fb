package reconcile

import (
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// maxFindings bounds the findings that are listed; all are counted.
const maxFindings = 1000

// Report is the result of a full compare.
type Report struct {
	Pipeline string
	Cities   []CityReport
	Findings []domain.Finding
	More     int64 // findings that are counted and not listed
	Journal  []string
	Verdict  domain.Verdict
	Why      string // when not verified
	Took     time.Duration
}

// CityReport counts the rows of one source in each place.
type CityReport struct {
	Source   domain.SourceID
	City     domain.City
	InCity   int64
	InHub    int64
	InDoris  int64
	Excluded int64
	Pending  int64 // the open tail: ingested, not yet carried
	Gaps     map[domain.Reason]int64
	Counts   map[domain.Class]int64
}

// find records a finding.
func (r *Report) find(c *CityReport, f domain.Finding) {
	c.Counts[f.Class]++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	} else {
		r.More++
	}
}

// Count is the number of findings of a class, over all cities.
func (r *Report) Count(class domain.Class) int64 {
	var n int64
	for _, c := range r.Cities {
		n += c.Counts[class]
	}
	return n
}

// conclude gives the verdict.
func (r *Report) conclude(withDoris bool) {
	rows := int64(0)
	found := int64(len(r.Findings)) + r.More
	pending := int64(0)
	for i := range r.Cities {
		rows += r.Cities[i].InCity
		pending += r.Cities[i].Pending
		for reason, n := range r.Cities[i].Gaps {
			if !reason.Innocent() {
				r.Cities[i].Counts[domain.Unexplained] += n
				found += n
			}
		}
	}
	switch {
	case found > 0 || len(r.Journal) > 0:
		r.Verdict = domain.Diverged
		r.Why = fmt.Sprintf("%d findings, %d sums of the journal that do not add up", found, len(r.Journal))
	default:
		r.Verdict = domain.Verified
		places := "city = hub"
		if withDoris {
			places = "city = hub = Doris"
		}
		r.Why = fmt.Sprintf("%d rows, %s, by all lineage columns", rows, places)
		if pending > 0 {
			r.Why += fmt.Sprintf("; %d rows are still on their way and not checked", pending)
		}
	}
}
