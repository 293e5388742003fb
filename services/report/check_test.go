package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// wrong is one thing in a report that cannot be, with the part and some words of the problem.
// The coverage and the verdict are counted anew after the change, as a forger would do, unless
// uncount says not to.
type wrong struct {
	name    string
	change  func(r *report.Report)
	part    report.Part
	says    string
	uncount bool
}

// firstWindow is the first of a proof in a state.
func firstWindow(r *report.Report, p domain.Proof, s domain.WindowState) *report.Window {
	for i := range r.Windows {
		if w := &r.Windows[i]; w.Proof == p && w.State == s {
			return w
		}
	}
	return nil
}

func city(r *report.Report) *report.Window {
	return firstWindow(r, domain.ProofCityHub, domain.WindowVerified)
}

func tail(r *report.Report) *report.Window {
	return firstWindow(r, domain.ProofCityHub, domain.WindowOpen)
}

func TestCheckScope(t *testing.T) {
	try(t, []wrong{
		{name: "no pipeline", change: func(r *report.Report) { r.Scope.Pipeline = "No Such" }, part: report.PartScope, says: "pipeline name"},
		{name: "proof twice", change: func(r *report.Report) { r.Scope.Proofs = append(r.Scope.Proofs, domain.ProofCityHub) }, part: report.PartScope, says: "twice"},
		{name: "no such proof", change: func(r *report.Report) { r.Scope.Proofs[0] = "hub-moon" }, part: report.PartScope, says: "no proof"},
		{name: "done before it began", change: func(r *report.Report) { r.Done = r.Began.Add(-time.Second) }, part: report.PartScope, says: "before it begins"},
		{name: "to before from", change: func(r *report.Report) { r.Scope.From, r.Scope.To = &r.Done, &r.Began }, part: report.PartScope, says: "before it begins"},
		{name: "no such depth", change: func(r *report.Report) { r.Scope.Depth = "shallow" }, part: report.PartScope, says: "depth"},
		{name: "101 %", change: func(r *report.Report) { r.Scope.Sample = 101 }, part: report.PartScope, says: "101 %"},
		{name: "not asked for", change: func(r *report.Report) { r.Scope.Sources = []string{"wuxi"} }, part: report.PartScope, says: "was not asked for"},
		{name: "fewer than none", change: func(r *report.Report) { r.More = -1 }, part: report.PartScope, says: "-1"},
	})
}

func TestCheckSums(t *testing.T) {
	try(t, []wrong{
		{name: "offsets", change: func(r *report.Report) { r.Sources[0].Gaps["commit_marker"]++ }, part: report.PartSums, says: "without one"},
		{name: "rows", change: func(r *report.Report) { r.Sources[0].ExcludedHub++ }, part: report.PartSums, says: "excluded and"},
		{name: "doris", change: func(r *report.Report) { r.Sources[0].ExcludedDoris++ }, part: report.PartSums, says: "in Doris"},
		{name: "less than none", change: func(r *report.Report) { r.Sources[0].InDoris, r.Sources[0].PendingDoris = r.Sources[0].InHub+5, -5 }, part: report.PartSums, says: "a count is -5"},
		{name: "source twice", change: func(r *report.Report) { r.Sources = append(r.Sources, r.Sources[0]) }, part: report.PartSums, says: "twice"},
		{name: "gap of nobody", change: func(r *report.Report) { r.Gaps[0].Source = "nowhere" }, part: report.PartSums, says: "of no source"},
		{name: "gap for no reason", change: func(r *report.Report) { r.Gaps[0].Reason = "because" }, part: report.PartSums, says: "no reason"},
		{name: "gaps not listed", change: func(r *report.Report) { r.Gaps = r.Gaps[1:] }, part: report.PartSums, says: "that are listed"},
		{name: "a run too long for itself", change: func(r *report.Report) {
			i := slices.IndexFunc(r.Gaps, func(g report.Gap) bool { return g.Runs == 1 })
			r.Gaps[i].Next++
		}, part: report.PartSums, says: "1 runs"},
		{name: "hub has more than the sources", change: func(r *report.Report) {
			w := firstWindow(r, domain.ProofHubDoris, domain.WindowOpen)
			w.Rows++
			w.Pending++
			r.Hub[w.Partition].Rows++
		}, part: report.PartSums, says: "hub partitions"},
	})
}

func TestCheckWindows(t *testing.T) {
	both := func(w *report.Window, change func(v *report.Vector)) {
		for i := range w.Witnesses {
			change(&w.Witnesses[i].Vector)
		}
	}
	try(t, []wrong{
		{name: "left out in the middle", change: func(r *report.Report) {
			i := slices.IndexFunc(r.Windows, func(w report.Window) bool { return w.WindowID == city(r).WindowID })
			r.Windows = slices.Delete(r.Windows, i+1, i+2)
		}, part: report.PartWindows, says: "leaves out"},
		{name: "left out at the end", change: func(r *report.Report) {
			last := tail(r).WindowID
			r.Windows = slices.DeleteFunc(r.Windows, func(w report.Window) bool { return w.WindowID == last })
		}, part: report.PartWindows, says: "leaves out"},
		{name: "twice", change: func(r *report.Report) { r.Windows = append(r.Windows, *city(r)) }, part: report.PartWindows, says: "twice"},
		{name: "of no partition", change: func(r *report.Report) { city(r).Partition = 77 }, part: report.PartWindows, says: "no partition"},
		{name: "read again of no partition", change: func(r *report.Report) {
			firstWindow(r, report.CityJournal, domain.WindowVerified).Source = "nowhere"
		}, part: report.PartWindows, says: "no partition"},
		{name: "outside", change: func(r *report.Report) { city(r).Index = 1 << 40 }, part: report.PartWindows, says: "outside"},
		{name: "far outside", change: func(r *report.Report) { city(r).Index += 1 << 48 }, part: report.PartWindows, says: "outside"},
		{name: "compared beyond itself", change: func(r *report.Report) { city(r).Through++ }, part: report.PartWindows, says: "was compared"},
		{name: "rows that its books do not have", change: func(r *report.Report) {
			tail(r).Rows++
			tail(r).Pending++
		}, part: report.PartWindows, says: "its books say"},
		{name: "verified by one", change: func(r *report.Report) { w := city(r); w.Witnesses = w.Witnesses[:1] }, part: report.PartWindows, says: "not verified"},
		{name: "verified by a place twice", change: func(r *report.Report) { city(r).Witnesses[1].Witness = "journal" }, part: report.PartWindows, says: "the witnesses are to be"},
		{name: "verified by the wrong places", change: func(r *report.Report) { city(r).Witnesses[1].Witness = "doris" }, part: report.PartWindows, says: "the witnesses are to be"},
		{name: "verified and different", change: func(r *report.Report) { city(r).Witnesses[1].Vector.Digest = domain.Sum{Lo: 1} }, part: report.PartWindows, says: "not verified"},
		{name: "verified with rows on their way", change: func(r *report.Report) { city(r).Rows++; city(r).Pending++ }, part: report.PartWindows, says: "not verified"},
		{name: "verified to a part", change: func(r *report.Report) { city(r).First++ }, part: report.PartWindows, says: "not verified"},
		{name: "open and different", change: func(r *report.Report) { tail(r).Witnesses[1].Vector.Digest = domain.Sum{Lo: 1} }, part: report.PartWindows, says: "open window"},
		{name: "diverged by one", change: func(r *report.Report) { w := city(r); w.State, w.Witnesses = domain.WindowDiverged, w.Witnesses[:1] }, part: report.PartWindows, says: "two places"},
		{name: "settling and different", change: func(r *report.Report) {
			w := city(r)
			w.State = domain.WindowSettling
			w.Witnesses[1].Vector.Digest = domain.Sum{Lo: 1}
		}, part: report.PartWindows, says: "what was compared"},
		{name: "no state", change: func(r *report.Report) { city(r).State = "fine" }, part: report.PartWindows, says: "no state"},
		{name: "doubled and verified", change: func(r *report.Report) { both(city(r), func(v *report.Vector) { v.Distinct-- }) }, part: report.PartWindows, says: "there twice"},
		{name: "a sum of no rows", change: func(r *report.Report) { both(city(r), func(v *report.Vector) { v.Rows = 0 }) }, part: report.PartWindows, says: "no sums"},
		{name: "more rows than offsets", change: func(r *report.Report) { both(city(r), func(v *report.Vector) { v.Max = v.Min + v.Rows - 2 }) }, part: report.PartWindows, says: "so many rows are not"},
		{name: "an offset before the window", change: func(r *report.Report) {
			both(&r.Windows[slices.IndexFunc(r.Windows, func(w report.Window) bool { return w.Index > 3 })], func(v *report.Vector) { v.Min -= 1 << 16 })
		}, part: report.PartWindows, says: "so many rows are not"},
		{name: "too high a sum", change: func(r *report.Report) {
			both(city(r), func(v *report.Vector) { v.Offsets = v.Offsets.Add(1 << 40) })
		}, part: report.PartWindows, says: "the sum of its offsets"},
		{name: "too low a sum", change: func(r *report.Report) {
			both(city(r), func(v *report.Vector) { v.Offsets = v.Offsets.Add(-1 << 40) })
		}, part: report.PartWindows, says: "the sum of its offsets"},
	})
}

func TestCheckFindingsAndVerdict(t *testing.T) {
	try(t, []wrong{
		{name: "another id", change: func(r *report.Report) { r.Findings[0].ID[0]++ }, part: report.PartFindings, says: "not its own"},
		{name: "twice", change: func(r *report.Report) { r.Findings = append(r.Findings, r.Findings[0]) }, part: report.PartFindings, says: "twice"},
		{name: "of no class", change: func(r *report.Report) {
			d := r.Findings[0].Domain()
			d.Class = "odd"
			r.Findings[0] = report.FindingOf(&d, nil)
		}, part: report.PartFindings, says: "of no class"},
		{name: "accepted by nobody", change: func(r *report.Report) { r.Findings[0].Accepted = &report.Accepted{Why: "so"} }, part: report.PartFindings, says: "by nobody"},
		{name: "coverage", change: func(r *report.Report) { r.Coverage[1].Verified++ }, part: report.PartCoverage, says: "the windows come to", uncount: true},
		{name: "verdict", change: func(r *report.Report) { r.Verdict = domain.Verified }, part: report.PartVerdict, says: `"diverged"`, uncount: true},
		{name: "why", change: func(r *report.Report) { r.Why += "!" }, part: report.PartVerdict, says: "follows", uncount: true},
	})
}

// try demands that each wrong report has a problem, and the one that is expected.
func try(t *testing.T, list []wrong) {
	t.Helper()
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			e := reporttest.Clean(t)
			if c.part == report.PartFindings || c.part == report.PartVerdict {
				e = reporttest.Rich(t)
			}
			e.Seal() // there is nothing wrong with it yet
			c.change(e.Report)
			file := report.SignAsIs(e.Report, e.Signer, !c.uncount)
			if _, err := report.Verify(file, e.Key); err == nil {
				t.Error("it verifies")
			}
			for _, p := range report.Check(e.Report) {
				if p.Part == c.part && strings.Contains(p.Text, c.says) {
					return
				}
			}
			t.Errorf("no problem of %s with %q: %v", c.part, c.says, report.Check(e.Report))
		})
	}
}
