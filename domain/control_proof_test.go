package domain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
)

// What is said of the journal and of the rows: the newest head of each stream, every segment
// that was archived or dropped, how far the reconciler came, and all findings.
func TestControlStateOfTheProof(t *testing.T) {
	ingest := domain.Stream{Pipeline: "bridge", Leg: domain.LegIngest}
	hub := domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}
	ref := func(s domain.Stream, seq domain.Seq) domain.Ref {
		return domain.Ref{Stream: s, Seq: seq, Hash: domain.Hash{byte(seq)}}
	}
	lost := domain.Finding{Class: domain.Lost, Where: "hub", Source: "nanjing", Generation: 1, City: "320100", Detail: "first look"}
	again := lost
	again.Detail = "second look"
	other := lost
	other.Row.City.Offset = 1

	var s domain.ControlState
	for i, e := range []domain.Event{
		&domain.Checkpoint{Heads: []domain.TreeHead{{Ref: ref(ingest, 3)}, {Ref: ref(hub, 2)}}},
		&domain.Checkpoint{Heads: []domain.TreeHead{{Ref: ref(ingest, 9)}}},
		&domain.Archived{First: 1, Last: ref(ingest, 4), File: "a"},
		&domain.Archived{First: 5, Last: ref(ingest, 8), File: "b"},
		&domain.Dropped{Stream: ingest, First: 5, Last: 8},
		&domain.Dropped{Stream: ingest, First: 1, Last: 4}, // late: what is gone stays gone
		&domain.Reconciled{Through: []domain.Ref{ref(ingest, 5), ref(hub, 2)}, Findings: []domain.Finding{lost}},
		&domain.Reconciled{Through: []domain.Ref{ref(ingest, 8)}, Findings: []domain.Finding{again, other}},
		&domain.Accepted{Finding: other.ID(), Who: "li", Why: "known"},
	} {
		s.Apply(domain.Seq(i+1), e)
	}
	if diff := cmp.Diff(map[domain.Stream]domain.TreeHead{ingest: {Ref: ref(ingest, 9)}, hub: {Ref: ref(hub, 2)}}, s.Heads); diff != "" {
		t.Error("heads:", diff)
	}
	if a := s.Archived[ingest]; len(a) != 2 || a[1].File != "a" || a[5].File != "b" {
		t.Errorf("archived: %v", a)
	}
	if s.Dropped[ingest] != 8 {
		t.Errorf("dropped up to %d, want 8", s.Dropped[ingest])
	}
	if diff := cmp.Diff(map[domain.Stream]domain.Ref{ingest: ref(ingest, 8), hub: ref(hub, 2)}, s.Through); diff != "" {
		t.Error("through:", diff)
	}
	if len(s.Findings) != 2 || s.Findings[lost.ID()].Detail != "second look" || s.Findings[other.ID()] == nil {
		t.Errorf("findings: %v", s.Findings)
	}
	if len(s.Accepted) != 1 || s.Accepted[other.ID()].Who != "li" {
		t.Errorf("accepted: %v", s.Accepted)
	}
}

// A finding is the same one when it is found again, and another one when anything that says
// which row it is differs.
func TestFindingID(t *testing.T) {
	base := domain.Finding{
		Class: domain.Altered, Where: "hub", Source: "nanjing", Generation: 1, City: "320100", Column: "record",
		Row: domain.Lineage{City: domain.Coord{Partition: 1, Offset: 2, Timestamp: 3}, Hub: domain.Coord{Partition: 4, Offset: 5, Timestamp: 6}},
	}
	same := base
	same.Detail, same.Row.City.Timestamp = "seen by another look", -1
	if same.ID() != base.ID() {
		t.Error("the detail or a time changes which finding it is")
	}
	seen := map[domain.FindingID]string{base.ID(): "itself"}
	for name, change := range map[string]func(*domain.Finding){
		"class": func(f *domain.Finding) { f.Class = domain.Lost }, "where": func(f *domain.Finding) { f.Where = "doris" },
		"source": func(f *domain.Finding) { f.Source = "wuxi" }, "generation": func(f *domain.Finding) { f.Generation = 2 },
		"city": func(f *domain.Finding) { f.City = "320200" }, "column": func(f *domain.Finding) { f.Column = "hw_ts" },
		"city partition": func(f *domain.Finding) { f.Row.City.Partition = 9 }, "city offset": func(f *domain.Finding) { f.Row.City.Offset = 9 },
		"hub partition": func(f *domain.Finding) { f.Row.Hub.Partition = 9 }, "hub offset": func(f *domain.Finding) { f.Row.Hub.Offset = 9 },
	} {
		f := base
		change(&f)
		if other, known := seen[f.ID()]; known {
			t.Errorf("another %s is the same finding as %s", name, other)
		}
		seen[f.ID()] = name
		if back, err := domain.ParseFindingID(f.ID().String()); err != nil || back != f.ID() {
			t.Errorf("%s is read back as %s: %v", f.ID(), back, err)
		}
	}
	if _, err := domain.ParseFindingID("12"); err == nil {
		t.Error("two digits are read as an id")
	}
}
