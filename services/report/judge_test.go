package report_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// TestJudge gives the verdict of the clean example with one thing changed.
func TestJudge(t *testing.T) {
	finding := func(class domain.Class, accepted bool) report.Finding {
		f := report.FindingOf(&domain.Finding{Class: class, Where: "hub", Source: "wuxi", City: "320200"}, nil)
		if accepted {
			f.Accepted = &report.Accepted{Who: "li.na", Why: "known", Ref: report.Ref{Seq: 1}}
		}
		return f
	}
	unknown := func(r *report.Report, p domain.Proof, s domain.WindowState) {
		w := firstWindow(r, p, domain.WindowVerified)
		w.State, w.Why, w.Witnesses, w.Through = s, "because", nil, w.First
	}
	for _, c := range []struct {
		name   string
		change func(r *report.Report)
		want   domain.Verdict
		says   string
	}{
		{"nothing", func(*report.Report) {}, domain.Verified, "rows are in Doris as the hub has them"},
		{"a finding", func(r *report.Report) { r.Findings = append(r.Findings, finding(domain.Lost, false)) }, domain.Diverged, "1 finding: 1 lost"},
		{"an accepted finding", func(r *report.Report) { r.Findings = append(r.Findings, finding(domain.Lost, true)) }, domain.Verified, "except 1 finding that a person accepted"},
		{"one of two accepted", func(r *report.Report) {
			r.Findings = append(r.Findings, finding(domain.Lost, true), finding(domain.Altered, false))
		}, domain.Diverged, "1 finding: 1 altered"},
		{"findings that are not listed", func(r *report.Report) { r.More = 2 }, domain.Diverged, "2 findings: 2 more"},
		{"a window that differs", func(r *report.Report) {
			w := city(r)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
		}, domain.Diverged, "no finding says how"},
		{"a window that differs, and its finding accepted", func(r *report.Report) {
			w := city(r)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			r.Findings = append(r.Findings, finding(domain.Altered, true))
		}, domain.Verified, "except 1 finding"},
		{"a guilty gap", func(r *report.Report) { rename(r, "commit_marker", "deleted") }, domain.Diverged, "no innocent reason"},
		{"something unchecked", func(r *report.Report) {
			r.Unchecked = []report.Unchecked{{Where: "doris", Rows: 1, Why: "it is down"}}
		}, domain.NotChecked, "1 row could not be compared in Doris: it is down"},
		{"unchecked and a finding", func(r *report.Report) {
			r.Unchecked = []report.Unchecked{{Where: "doris", Rows: 1, Why: "it is down"}}
			r.Findings = append(r.Findings, finding(domain.Lost, false))
		}, domain.Diverged, "1 lost"},
		{"a window not checked", func(r *report.Report) { unknown(r, domain.ProofHubDoris, domain.WindowNotChecked) }, domain.NotChecked, "is not checked: because"},
		{"unverifiable", func(r *report.Report) { unknown(r, domain.ProofCityHub, domain.WindowUnverifiable) }, domain.NotChecked, "is unverifiable: because"},
		{"blocked", func(r *report.Report) { tail(r).State = domain.WindowBlocked }, domain.NotChecked, "is blocked upstream"},
		{"settling", func(r *report.Report) { unknown(r, domain.ProofCityHub, domain.WindowSettling) }, domain.NotChecked, "is settling"},
		{"suspect", func(r *report.Report) {
			w := city(r)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowSuspect, domain.Sum{}
		}, domain.NotChecked, "is suspect"},
		{"only the extra differs", func(r *report.Report) { city(r).Witnesses[1].Vector.Xor++ }, domain.Verified, "rows"},
		{"a suspect sample", func(r *report.Report) {
			w := firstWindow(r, report.CityJournal, domain.WindowVerified)
			w.State, w.Witnesses[0].Vector.Digest = domain.WindowSuspect, domain.Sum{}
		}, domain.NotChecked, "city-journal"},
		{"a sample that could not be taken", func(r *report.Report) { unknown(r, report.CityJournal, domain.WindowUnverifiable) }, domain.Verified, "rows"},
		{"a sample that differs", func(r *report.Report) {
			w := firstWindow(r, report.CityJournal, domain.WindowVerified)
			w.State, w.Witnesses[0].Vector.Digest = domain.WindowDiverged, domain.Sum{}
		}, domain.Diverged, "city-journal"},
		{"a journal that nobody signs", func(r *report.Report) {
			r.Journal.Streams[2] = report.Stream{Stream: r.Journal.Streams[2].Stream, Last: r.Journal.Streams[2].Last}
		}, domain.NotChecked, "nobody signed"},
		{"no journal at all", func(r *report.Report) { r.Journal.Streams = nil }, domain.NotChecked, "which journal"},
		{"no proofs", func(r *report.Report) { r.Scope.Proofs, r.Windows = nil, nil }, domain.NotChecked, "no two places"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := reporttest.Clean(t)
			c.change(e.Report)
			v, err := report.Verify(e.Seal(), e.Key)
			if err != nil {
				t.Fatal(err)
			}
			if r := v.Report; r.Verdict != c.want || !strings.Contains(r.Why, c.says) {
				t.Errorf("%s: %s, want %s: %s", r.Verdict, r.Why, c.want, c.says)
			}
		})
	}
}

// rename gives the gaps of one source another reason.
func rename(r *report.Report, from, to string) {
	s := &r.Sources[0]
	s.Gaps[to] = s.Gaps[from]
	delete(s.Gaps, from)
	for i := range r.Gaps {
		if g := &r.Gaps[i]; g.Source == s.Source && g.Partition == s.Partition && g.Reason == from {
			g.Reason = to
		}
	}
}

// TestCovered counts a report of windows in every state.
func TestCovered(t *testing.T) {
	r := reporttest.Rich(t).Report
	for _, c := range report.Covered(r) {
		if c.Rows == 0 || c.Rows != c.Verified+c.Diverged+c.NotChecked+c.Pending {
			t.Errorf("%+v does not add up", c)
		}
	}
	if c := report.Covered(r)[1]; c.Proof != domain.ProofCityHub || c.Diverged == 0 || c.NotChecked == 0 || c.Pending == 0 {
		t.Errorf("%+v", c)
	}
	if c := report.Covered(r)[2]; c.Proof != domain.ProofHubDoris || c.NotChecked != 3*domain.WindowSize || c.Diverged != 2*domain.WindowSize {
		t.Errorf("three windows that were not read and two that differ: %+v", c)
	}
	direct := &report.Report{Scope: report.Scope{Proofs: []domain.Proof{domain.ProofHubDoris}}}
	if c := report.Covered(direct); len(c) != 1 || c[0] != (report.Coverage{Proof: domain.ProofHubDoris}) {
		t.Errorf("a pipeline that reads the hub: %+v", c)
	}
}
