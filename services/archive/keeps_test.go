package archive_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// full is a world in which every leg has rolled segments and taken all there is.
func full(t *testing.T, legs ...domain.Leg) *world {
	t.Helper()
	w := newWorld(t, journal.NewMemory(), legs...)
	for w.sealed(domain.LegIngest) < 2 {
		w.round()
	}
	return w
}

// round moves ten rows all the way.
func (w *world) round() {
	w.Helper()
	ref := w.ingest()
	for _, leg := range []domain.Leg{domain.LegHub, domain.LegDoris, domain.LegLineage} {
		if w.legs[leg] {
			ref = w.carry(leg, ref)
		}
	}
}

// A segment stays until each leg that is to pass over it has, wherever in the way it is.
func TestEveryLegHasToBePast(t *testing.T) {
	hub, doris, lineage := domain.LegHub, domain.LegDoris, domain.LegLineage
	for name, c := range map[string]struct {
		legs  []domain.Leg
		until []domain.Leg // that came as far as this
		keeps string       // the leg that keeps ingest's first segment
	}{
		"nobody":                     {[]domain.Leg{hub, doris}, nil, "hub has come to 0 of"},
		"hub":                        {[]domain.Leg{hub, doris}, []domain.Leg{hub}, "doris has come to 0 of"},
		"hub and doris":              {[]domain.Leg{hub, doris}, []domain.Leg{hub, doris}, ""},
		"hub, no table":              {[]domain.Leg{hub}, []domain.Leg{hub}, ""},
		"hub and doris, not lineage": {[]domain.Leg{hub, doris, lineage}, []domain.Leg{hub, doris}, "lineage has come to 0 of"},
		"all three":                  {[]domain.Leg{hub, doris, lineage}, []domain.Leg{hub, doris, lineage}, ""},
		"lineage of the hub":         {[]domain.Leg{hub, lineage}, []domain.Leg{hub}, "lineage has come to 0 of"},
		"direct":                     {[]domain.Leg{doris}, []domain.Leg{doris}, ""},
		"direct, not there":          {[]domain.Leg{doris}, nil, "doris has come to 0 of"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, journal.NewMemory(), c.legs...)
			first := w.ingest()
			for w.sealed(domain.LegIngest) < 2 {
				first = w.ingest()
			}
			for _, leg := range c.until {
				first = w.carry(leg, first)
			}
			w.reconciled()
			got := line(w.passes(), domain.LegIngest)
			if c.keeps == "" {
				if got.Done != "archived and dropped" || got.Why != "" {
					t.Errorf("%+v", got)
				}
			} else if got.Done != "archived" || !strings.HasPrefix(got.Why, c.keeps) {
				t.Errorf("%+v, want it kept since %s", got, c.keeps)
			}
		})
	}
}

// A leg that is past the first segment and not past the second lets go of the first.
func TestCursorWithinASegment(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), domain.LegHub)
	var refs []domain.Ref
	for w.sealed(domain.LegIngest) < 2 {
		refs = append(refs, w.ingest())
	}
	list, err := w.inner.Segments(w.ctx, stream(domain.LegIngest))
	must(t, err)
	end := list[1].First - 2 // the event before the Rolled
	for _, ref := range refs {
		if ref.Seq != end-1 && ref.Seq != end {
			continue
		}
		w.carry(domain.LegHub, ref)
		w.reconciled()
		got := line(w.passes(), domain.LegIngest)
		if past := ref.Seq == end; past != (got.Done == "dropped") {
			t.Errorf("hub at %d of %d: %+v", ref.Seq, end, got)
		}
	}
	if n := w.sealed(domain.LegIngest); n != 1 {
		t.Errorf("%d sealed segments are left, want the second", n)
	}
}

// Archived, reconciled, without open findings, and wanted.
func TestWhatKeepsASegment(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	w.drop = false
	got := line(w.passes(), domain.LegIngest)
	if got.Done != "archived" || !strings.Contains(got.Why, "the reconciler has come to 0 of") || got.File == "" || got.Archive == 0 {
		t.Errorf("%+v", got)
	}
	lost := domain.Finding{Class: domain.Lost, Where: "hub", Source: "a", Generation: 2}
	lost.Row.City.Offset, lost.Row.Hub.Partition = 5, -1
	w.reconciled(lost)
	w.drop = true
	got = line(w.passes(), domain.LegIngest)
	if got.Done != "kept" || !strings.Contains(got.Why, lost.ID().String()) || !strings.Contains(got.Why, "1 findings are open") {
		t.Errorf("%+v", got)
	}
	if hub := line(w.passes(), domain.LegHub); hub.Done != "kept" || !strings.Contains(hub.Why, lost.ID().String()) {
		t.Errorf("%+v", hub)
	}
	w.say(&domain.Accepted{Finding: lost.ID(), Who: "wang", Why: "the city knows"})
	w.drop = false
	if got = line(w.passes(), domain.LegIngest); got.Done != "kept" || got.Why != "journal.archive.drop is false" {
		t.Errorf("%+v", got)
	}
	w.drop = true
	r := w.passes()
	if got = line(r, domain.LegIngest); got.Done != "dropped" || r.After >= r.Before {
		t.Errorf("%+v, %d bytes, then %d", got, r.Before, r.After)
	}
	if control := line(r, domain.LegControl); control.Done == "dropped" || !strings.Contains(control.Why, "control is never dropped") {
		t.Errorf("%+v", control)
	}
}

// A finding keeps the segment that its row was ingested in, and no later or earlier one.
func TestFindingKeepsItsSegment(t *testing.T) {
	for _, c := range []struct {
		offset int64 // -1: it is not known
		gen    domain.Generation
		source domain.SourceID
		keeps  int // segments
	}{
		{5, 2, "a", 2},    // in the first one, so that the second waits for it
		{5, 1, "a", 2},    // of a generation that ended before, or in it
		{5, 3, "a", 0},    // of one that is to come
		{5, 2, "b", 0},    // of another source
		{9999, 2, "a", 0}, // not there yet
		{-1, 2, "a", 2},
	} {
		w := full(t, domain.LegHub, domain.LegDoris)
		f := domain.Finding{Class: domain.Altered, Where: "doris", Source: c.source, Generation: c.gen}
		f.Row.City.Offset = c.offset
		w.reconciled(f)
		r := w.passes()
		n := 0
		for _, s := range r.Segments {
			if s.Stream == "bridge.0.ingest" && s.Done == "archived" {
				n++
			}
		}
		if n != c.keeps {
			t.Errorf("%+v keeps %d of 2: %+v", c, n, r.Segments)
		}
	}
	// In the second segment: the first one goes.
	w := full(t, domain.LegHub, domain.LegDoris)
	list, err := w.inner.Segments(w.ctx, stream(domain.LegIngest))
	must(t, err)
	e, err := w.j.Get(w.ctx, stream(domain.LegIngest), list[1].First)
	must(t, err)
	f := domain.Finding{Class: domain.Altered, Where: "doris", Source: "a", Generation: 2}
	f.Row.City.Offset = e.Event.(*domain.Ingested).Runs[0].First
	w.reconciled(f)
	w.passes()
	if n := w.sealed(domain.LegIngest); n != 1 {
		t.Errorf("%d sealed segments are left, want the second", n)
	}
	// What is found of rows in a segment that is gone keeps no later one.
	w.say(&domain.Accepted{Finding: f.ID(), Who: "wang", Why: "the city knows"})
	f.Row.City.Offset = 5
	w.say(&domain.Reconciled{Findings: []domain.Finding{f}})
	w.passes()
	if n := w.sealed(domain.LegIngest); n != 0 {
		t.Errorf("%d sealed segments are left", n)
	}
}
