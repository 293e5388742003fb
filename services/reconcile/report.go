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
	// Direct says that the source is the hub topic itself: there are no cities, and Cities is
	// the topic as a whole.
	Direct   bool
	Cities   []CityReport
	Others   Others
	Findings []domain.Finding
	// Unchecked is what could not be compared, and why: with it the verdict is never verified.
	Unchecked []Unchecked
	More      int64 // findings that are counted and not listed
	Journal   []string
	Verdict   domain.Verdict
	Why       string // when not verified
	Took      time.Duration
}

// Others are rows that are not of these books, which begin where the journal began: they are
// counted and not checked.
type Others struct {
	Hub, Doris int64 // before the first row of these books in a hub partition
	// Again are those of them in the hub whose city row these books carry too.
	Again  int64
	Beyond int64 // in the table, beyond the end of a bounded pipeline
	Unread int64 // in the table, of these books, and gone from the hub topic since
	// NotRead are rows of cities that these books do not read: beyond the end of a bounded
	// source, or beyond where one that is paused or was ended came to.
	NotRead int64
}

// Unchecked are rows, or a column of them, that were not compared.
type Unchecked struct {
	Source domain.SourceID // empty: of several
	City   domain.City
	Where  string // "city", "hub" or "doris": the place that was not held against the one before it
	Column string // empty: all of them
	Rows   int64
	Why    string
}

// unchecked counts rows that are not compared for the same reason as others.
func (r *Report) unchecked(u Unchecked) {
	for i := range r.Unchecked {
		have := r.Unchecked[i]
		have.Rows = u.Rows
		if have == u {
			r.Unchecked[i].Rows += u.Rows
			return
		}
	}
	r.Unchecked = append(r.Unchecked, u)
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
		if r.Direct {
			rows += r.Cities[i].InHub
		} else {
			rows += r.Cities[i].InCity
		}
		pending += r.Cities[i].Pending
		for reason, n := range r.Cities[i].Gaps {
			if !reason.Innocent() {
				r.Cities[i].Counts[domain.Unexplained] += n
				found += n
			}
		}
	}
	agrees := r.agreement(withDoris, rows, pending)
	switch {
	case found > 0 || len(r.Journal) > 0:
		r.Verdict = domain.Diverged
		r.Why = fmt.Sprintf("%d findings, %d sums of the journal that do not add up", found, len(r.Journal))
		if n := len(r.Unchecked); n > 0 {
			r.Why += fmt.Sprintf("; %d things were not checked", n)
		}
	case len(r.Unchecked) > 0:
		r.Verdict = domain.NotChecked
		r.Why = fmt.Sprintf("%d things were not checked; of the rest: %s", len(r.Unchecked), agrees)
	default:
		r.Verdict = domain.Verified
		r.Why = agrees
	}
}

// agreement says what of the rows was found to be right.
func (r *Report) agreement(withDoris bool, rows, pending int64) string {
	places := "city = hub"
	if withDoris {
		places = "city = hub = Doris"
	}
	why := fmt.Sprintf("%d rows, %s, by all lineage columns", rows, places)
	if r.Direct {
		why = fmt.Sprintf("%d rows, hub = Doris, by all nine columns; their cities are not read and not checked", rows)
	}
	if n := r.Others.Unread; n > 0 {
		why += fmt.Sprintf("; %d rows in the table are gone from the hub and not checked", n)
	}
	if n := r.Others.NotRead; n > 0 {
		why += fmt.Sprintf("; %d rows of the cities are not to be read", n)
	}
	if pending > 0 {
		why += fmt.Sprintf("; %d rows are still on their way and not checked", pending)
	}
	return why
}
