package report_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// TestDiff compares the rich example with one an hour later, in which a finding is gone, one is
// new and one was accepted, and whose journal grew.
func TestDiff(t *testing.T) {
	before := reporttest.Rich(t)
	a := verified(t, before)
	e := reporttest.Rich(t)
	e.Report.Done = e.Report.Done.Add(time.Hour)
	r := e.Report
	lost := func(f report.Finding) bool { return f.Class == domain.Lost }
	gone := r.Findings[slices.IndexFunc(r.Findings, lost)]
	r.Findings = slices.DeleteFunc(r.Findings, func(f report.Finding) bool { return f.ID == gone.ID })
	fresh := report.FindingOf(&domain.Finding{Class: domain.Lost, Where: "doris", Source: "suqian", Generation: 1, City: "321300", Row: domain.Lineage{City: domain.Coord{Partition: 2, Offset: 5}, Hub: domain.Coord{Partition: 1, Offset: 9}}}, nil)
	accepted := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Class == domain.Doubled })
	r.Findings[accepted].Accepted = &report.Accepted{Who: "li.na", Why: "known", Ref: r.Journal.Streams[0].Last}
	r.Findings = append(r.Findings, fresh)
	for i := range r.Journal.Streams {
		tree := e.Trees[r.Journal.Streams[i].Stream]
		was := tree.Size()
		grown := tree.Rewritten(0, 50)
		r.Journal.Streams[i] = e.Stream(grown, was, was+20, was+40, was+50)
		if i == 3 { // jsc.0.doris, which has no proof from the report before
			r.Journal.Streams[i] = e.Stream(grown, was+1, was+20, was+40, was+50)
		}
	}
	i := slices.IndexFunc(r.Sources, func(s report.Source) bool { return s.PendingDoris > 10 })
	r.Sources[i].PendingDoris -= 10
	r.Sources[i].InDoris += 10
	b := verified(t, e)

	d := report.Diff(a, b)
	if len(d.New) != 1 || d.New[0].ID != fresh.ID || len(d.Gone) != 1 || d.Gone[0].ID != gone.ID || len(d.Accepted) != 1 || d.Accepted[0].Class != domain.Doubled {
		t.Errorf("new %v, gone %v, accepted %v", d.New, d.Gone, d.Accepted)
	}
	if !d.SameScope || len(d.Windows) != 0 || len(d.Coverage) != 0 {
		t.Errorf("what did not change is listed: %v %v", d.Windows, d.Coverage)
	}
	if s := r.Sources[i]; len(d.Sources) != 1 || d.Sources[0] != (report.SourceChange{Source: s.Source, City: s.City, Generation: 1, Partition: s.Partition, InDoris: 10, Pending: -10}) {
		t.Errorf("sources %+v", d.Sources)
	}
	for _, s := range d.Streams {
		if grew := s.After - s.Before; grew != 50 || s.Proven != (s.Stream.String() != "jsc.0.doris") {
			t.Errorf("%s grew by %d, proven %t", s.Stream, grew, s.Proven)
		}
	}
	var text, again bytes.Buffer
	d.Print(&text)
	for _, want := range []string{"new: lost in doris: source suqian", "gone: lost in hub: source nanjing", "accepted: doubled in doris", "+50 events (proven)", "(not proven by the later report)", "+10", "-10"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if err := json.NewEncoder(&again).Encode(d); err != nil {
		t.Error(err)
	}
	if same := report.Diff(a, a); len(same.New)+len(same.Gone)+len(same.Accepted)+len(same.Windows)+len(same.Coverage)+len(same.Sources) > 0 {
		t.Errorf("a report differs from itself: %+v", same)
	}
}

// TestDiffOfOthers compares what can hardly be compared.
func TestDiffOfOthers(t *testing.T) {
	d := report.Diff(verified(t, reporttest.Rich(t)), verified(t, reporttest.CleanOf(t, 5)))
	var text bytes.Buffer
	d.Print(&text)
	for _, want := range []string{"another journal", "windows journal → hub diverged: 4 → 0", "not proven", "verified"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if len(d.Gone) != 9 {
		t.Errorf("%d findings are gone, want 9", len(d.Gone))
	}
}
