// Package doctor asks every system of a configuration whether Hefu can live with it, and
// changes nothing: each check has the number found, the number needed, the setting that
// decides it, and the pain that it prevents (docs/doctor.md).
//
// What a system says (facts) and what that means (judge*.go) are apart: the judges are
// pure. What nobody tells a client is said to be unchecked, never good.
package doctor

import "time"

// Verdict is what a check says.
type Verdict string

// The verdicts.
const (
	Good      Verdict = "good"
	Note      Verdict = "worth knowing" // Hefu works; something will hurt one day
	Bad       Verdict = "not good"      // rows are or will be late, lost to retention, refused, or in danger
	Unchecked Verdict = "not checked"   // no client is told, or not this one; Found says why
	Unknown   Verdict = "not found out" // it was asked, and no answer came
)

// Check is one line of a report.
type Check struct {
	System  string  `json:"system"` // whose it is: "journal", "hub bridge", "city bridge/nanjing", …
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Needed  string  `json:"needed,omitempty"`
	Setting string  `json:"setting,omitempty"` // what decides it, on which side
	Why     string  `json:"why,omitempty"`     // the pain that it prevents
	Do      string  `json:"do,omitempty"`      // how to mend it; empty when it is good
}

// Report is what an examination found.
type Report struct {
	At     time.Time `json:"at"`
	Checks []Check   `json:"checks"` // those of a system stand together
}

// Count is how many checks have a verdict.
func (r *Report) Count(v Verdict) (n int) {
	for i := range r.Checks {
		if r.Checks[i].Verdict == v {
			n++
		}
	}
	return n
}

// system collects the checks of one system.
type system struct {
	name   string
	checks []Check
}

// add takes one check over. What is good needs no mending.
func (s *system) add(c Check) {
	c.System = s.name
	if c.Verdict == Good {
		c.Do = ""
	}
	s.checks = append(s.checks, c)
}

// when is Good if it is, and otherwise what it is then.
func when(good bool, otherwise Verdict) Verdict {
	if good {
		return Good
	}
	return otherwise
}

// unreachable is the check of a system that could not be asked, and then the only one.
func (s *system) unreachable(where string, err error, hint string) {
	s.add(Check{
		Name: "reachable", Verdict: Unknown, Found: where + ": " + oneLine(err.Error()),
		Why: "nothing else of this system could be checked", Do: hint,
	})
}
