package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

var allLegs = []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris, domain.LegLineage}

// A row whose lineage is written by a process that dies, and found in the table by the next one; it
// is a block of two loads. A third load has no block yet, and a fourth one that is open.
func TestLineage(t *testing.T) {
	s := newScroll(t, journal.NewMemory(), usual())
	s.process("host-1", allLegs...)
	s.source("nanjing", 1, 0, 90, 100)
	var loads []domain.Ref
	next := int64(100)
	load := func(excluded ...domain.Exclusion) {
		t.Helper()
		e := s.ingested(rows("nanjing", 1, 0, next, next+10))
		begun := s.hubBegun(e, e)
		run := domain.HubRun{Ingest: e.Seq, N: 10, Partition: 0, Offset: 500 + next}
		for i := range excluded {
			excluded[i].Ingest, run.First, run.N = e.Seq, 1, 9
		}
		one := s.hubCommitted(begun, e, s.now, []domain.HubRun{run}, excluded...)
		for range max(0, 2-len(loads)) { // the streams do not count alike
			s.dorisAborted(s.dorisBegun(one, one, nil), "too many versions")
		}
		b := s.dorisBegun(one, one, nil)
		s.prepared(b, 1000+next, 10)
		loads = append(loads, s.visible(b, one, 1000+next, 10, domain.FoundBySelf))
		next += 10
	}
	load()
	load(domain.Exclusion{Count: 1, Offset: 110, Reason: "null-value"})
	block := s.lineageBegun(loads[0], loads[1], 20)
	s.process("host-2", allLegs...)
	s.lineageCommitted(block, loads[1], 20, "rows of the table")
	load()
	load()
	before := text(t, s.ask(at(125)))
	s.lineageBegun(loads[2], loads[2], 10)

	a := s.ask(at(105))
	golden(t, "lineage", text(t, a))
	if got := kinds(a); got != "Started SourceOpened Ingested HubBegun HubCommitted DorisBegun DorisAborted DorisBegun DorisAborted DorisBegun DorisPrepared DorisCommitted LineageBegun Started Opened LineageCommitted" {
		t.Errorf("of a load: %s", got)
	}
	if a := s.ask(at(110)); a.Found || !strings.HasSuffix(kinds(a), "HubCommitted LineageBegun Started Opened LineageCommitted") {
		t.Errorf("of a row that the hub left out: %s\n%s", kinds(a), text(t, a))
	}
	if a := s.ask(at(125)); !strings.HasSuffix(kinds(a), "DorisCommitted LineageBegun") || a.State != "in the hub and in Doris" {
		t.Errorf("of an open block: %s, %s", kinds(a), a.State)
	}
	if a := s.ask(at(135)); !strings.HasSuffix(kinds(a), "DorisCommitted") {
		t.Errorf("without a block: %s", kinds(a))
	}
	if strings.Contains(before, "lineage") {
		t.Errorf("before its block begins: %s", before)
	}
	q := none()
	q.Event = "bridge.0.hub@4"
	if got := kinds(s.ask(q)); !strings.HasSuffix(got, "DorisCommitted LineageBegun Started Opened LineageCommitted") {
		t.Errorf("of a hub transaction: %s", got)
	}
	q.Event, q.Label = "", domain.Label(loadBegun(t, s, loads[1]))
	if got := kinds(s.ask(q)); !strings.HasSuffix(got, "DorisCommitted LineageBegun Started Opened LineageCommitted") {
		t.Errorf("of a load: %s", got)
	}
}

// loadBegun is the intent of a load that ended.
func loadBegun(t *testing.T, s *scroll, committed domain.Ref) domain.Ref {
	t.Helper()
	e, err := s.open(t.Context()).Get(t.Context(), committed.Stream, committed.Seq)
	must(t, err)
	c, ok := e.Event.(*domain.DorisCommitted)
	if !ok {
		t.Fatalf("%T", e.Event)
	}
	return c.Begun
}

// Without a table the blocks follow the hub.
func TestLineageOfTheHub(t *testing.T) {
	c := usual()
	c.Table = ""
	s := newScroll(t, journal.NewMemory(), c)
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegLineage)
	s.source("nanjing", 1, 0, 90, 100)
	e := s.ingested(rows("nanjing", 1, 0, 100, 110))
	one := s.carried(e, e, domain.HubRun{Ingest: e.Seq, N: 10, Partition: 0, Offset: 500})
	s.lineageCommitted(s.lineageBegun(one, one, 10), one, 10, "answer")
	a := s.ask(at(105))
	if got := kinds(a); got != "Started SourceOpened Ingested HubBegun HubCommitted LineageBegun LineageCommitted" || a.State != "in the hub" {
		t.Errorf("%s, %s", got, a.State)
	}
}
