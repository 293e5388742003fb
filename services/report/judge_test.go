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
	of := func(w *report.Window, class domain.Class, offset int64) report.Finding {
		f := report.FindingOf(&domain.Finding{
			Class: class, Where: "hub", Source: w.Source, Generation: w.Generation, Row: domain.Lineage{City: domain.Coord{Partition: w.Partition, Offset: offset}},
		}, nil)
		f.Accepted = &report.Accepted{Who: "li.na", Why: "known", Ref: report.Ref{Seq: 1}}
		return f
	}
	// deleted makes the two gaps of a source no innocent ones, and gives an accepted finding of each.
	deleted := func(r *report.Report) (out []report.Finding) {
		for i := range r.Sources {
			s := &r.Sources[i]
			if s.Gaps["start_policy"] == 0 {
				continue
			}
			s.Gaps["deleted"] = s.Gaps["start_policy"] + s.Gaps["aborted"]
			delete(s.Gaps, "start_policy")
			delete(s.Gaps, "aborted")
			for j := range r.Gaps {
				if g := &r.Gaps[j]; g.Source == s.Source && g.Partition == s.Partition && g.Runs == 1 {
					g.Reason = "deleted"
					out = append(out, of(&report.Window{WindowID: report.WindowID{Source: domain.SourceID(s.Source), Generation: s.Generation, Partition: s.Partition}}, domain.Unexplained, g.First))
				}
			}
		}
		return out
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
			r.Findings = append(r.Findings, of(w, domain.Altered, w.First+7))
		}, domain.Verified, "except 1 finding"},
		{"a window that differs, and a finding of another one accepted", func(r *report.Report) {
			w := city(r)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			r.Findings = append(r.Findings, of(w, domain.Altered, w.Index*domain.WindowSize+domain.WindowSize), finding(domain.Altered, true))
		}, domain.Diverged, "no finding says how"},
		{"two rows exchanged, the other one named", func(r *report.Report) {
			w := city(r)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			r.Findings = append(r.Findings, finding(domain.Swapped, true))
		}, domain.Verified, "except 1 finding"},
		{"a row out of order, which moves others", func(r *report.Report) {
			w := lastWindow(r, domain.ProofCityHub)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			r.Findings = append(r.Findings, of(w, domain.Reordered, w.First-1))
		}, domain.Verified, "except 1 finding"},
		{"a row with another offset, named where it should be", func(r *report.Report) {
			w := city(r)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			f := report.FindingOf(&domain.Finding{Class: domain.Altered, Where: "hub", Source: "wuxi", City: "320200", Column: "city_offset_id"}, nil)
			f.Accepted = &report.Accepted{Who: "li.na", Why: "known", Ref: report.Ref{Seq: 1}}
			r.Findings = append(r.Findings, f)
		}, domain.Verified, "except 1 finding"},
		{"a row of the table that differs, and one of another hub partition accepted", func(r *report.Report) {
			w := firstWindow(r, domain.ProofHubDoris, domain.WindowVerified)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			f := of(w, domain.Lost, 0)
			f.HubPartition, f.HubOffset = w.Partition+1, w.First
			d := f.Domain()
			f.ID = d.ID()
			r.Findings = append(r.Findings, f)
		}, domain.Diverged, "no finding says how"},
		{"a tail that the hub lost, its first row named", func(r *report.Report) {
			w := lastWindow(r, domain.ProofCityHub)
			w.State, w.Witnesses[1].Vector.Digest = domain.WindowDiverged, domain.Sum{}
			f := of(w, domain.Lost, w.First-1)
			r.Findings = append(r.Findings, f)
		}, domain.Verified, "except 1 finding"},
		{"a guilty gap", func(r *report.Report) { rename(r, "commit_marker", "deleted") }, domain.Diverged, "no innocent reason"},
		{"a guilty gap, and a finding of its source accepted", func(r *report.Report) {
			rename(r, "commit_marker", "deleted")
			f := report.FindingOf(&domain.Finding{Class: domain.Altered, Where: "doris", Source: domain.SourceID(r.Sources[0].Source), Generation: 1}, nil)
			f.Accepted = &report.Accepted{Who: "li.na", Why: "known", Ref: report.Ref{Seq: 1}}
			r.Findings = append(r.Findings, f)
		}, domain.Diverged, "no innocent reason"},
		{"guilty gaps, and a finding of one of them accepted", func(r *report.Report) {
			r.Findings = append(r.Findings, deleted(r)[0])
		}, domain.Diverged, "1,100 offsets of source "},
		{"guilty gaps, and a finding of each accepted", func(r *report.Report) {
			r.Findings = append(r.Findings, deleted(r)...)
		}, domain.Verified, "except 2 findings that a person accepted"},
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

func lastWindow(r *report.Report, p domain.Proof) (last *report.Window) {
	for i := range r.Windows {
		if w := &r.Windows[i]; w.Proof == p && w.State == domain.WindowVerified {
			last = w
		}
	}
	return last
}
