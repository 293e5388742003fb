package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/explain"
)

// rebuilt is a journal that took the place of another one: nanjing partition 0 goes on at 150, and
// hub partition 0 at 620; a source that was added since began in it.
func rebuilt(t *testing.T) *scroll {
	t.Helper()
	s := newScroll(t, journal.NewMemory(), usual())
	s.tick(1000)
	s.control(&domain.Rebased{
		Old:       domain.JournalID{0xab, 0xcd},
		Positions: []domain.RebasedPosition{{Source: "nanjing", Generation: 1, Next: 150, How: "behind its furthest row in hub partition 0"}},
		Hub:       []domain.RebasedHub{{Span: domain.Span{First: 500, Next: 620}, Rows: 110, InTable: 108}},
		Unproven: []domain.Unproven{
			{What: "offsets between its rows in the hub without one", Where: "source nanjing partition 0", Count: 2, Spans: domain.Spans{{First: 120, Next: 122}}},
			{What: "another's", Where: "source suzhou partition 0", Count: 2, Spans: domain.Spans{{First: 120, Next: 122}}},
		},
		Who: "wang", Why: "the disk is gone",
	})
	s.tick(1000)
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.source("nanjing", 1, 0, 90, 150)
	s.source("suzhou", 1, 0, 0, 0)
	first := s.ingested(rows("nanjing", 1, 0, 150, 160), rows("suzhou", 1, 0, 0, 10))
	s.carried(first, first, domain.HubRun{Ingest: first.Seq, N: 10, Partition: 0, Offset: 620}, domain.HubRun{Ingest: first.Seq, Run: 1, N: 10, Partition: 2, Offset: 40})
	s.source("nanjing", 2, 0, 0, 0)
	s.ingested(rows("nanjing", 2, 0, 0, 10))
	return s
}

// A row of a journal that was rebuilt says so, and of what came before why it cannot be told.
func TestRebuilt(t *testing.T) {
	s := rebuilt(t)
	a := s.ask(at(155))
	golden(t, "rebuilt", text(t, a))
	if got := kinds(a); a.State != "in the hub; on its way to Doris, no load with it is open" || got != "Rebased Started SourceOpened Ingested HubBegun HubCommitted" {
		t.Errorf("%s, %s", a.State, got)
	}
	const place = "from the rows of hub and table by wang, in the place of journal abcd0000000000000000000000000000 (the disk is gone): "
	before := func(q explain.Question, state, known string) {
		t.Helper()
		a := s.ask(q)
		if a.Found || a.State != state || a.Rebuilt != place+known || !strings.HasPrefix(kinds(a), "Rebased") {
			t.Errorf("%+v: %t %q %q %s", q, a.Found, a.State, a.Rebuilt, kinds(a))
		}
	}
	const here = "it goes on at offset 150 of this partition (behind its furthest row in hub partition 0)"
	before(at(100), "offset 100 is of before this journal, which begins at 150: its row is in the hub if it was there then, and its way cannot be told", here)
	before(at(121), "offset 121 is of before this journal, which begins at 150: its row is in the hub if it was there then, and its way cannot be told",
		here+"; not proven then: it is among offsets between its rows in the hub without one")
	before(of(func(q *explain.Question) { q.Hub = "0:619" }), "hub 0/619 is of before this journal, whose rows begin there at 620 or behind: what is there cannot be told",
		"hub partition 0 had 110 rows in [500,620) then, and the table 108 of them")
	q := at(165)
	q.Generation = 1
	if a := s.ask(q); !strings.Contains(a.State, "beyond the end of generation 1") || a.Rebuilt != place+here {
		t.Errorf("behind it: %q %q", a.State, a.Rebuilt)
	}
	for _, q := range []explain.Question{
		of(func(q *explain.Question) { q.Hub = "0:630" }), of(func(q *explain.Question) { q.Hub = "1:3" }), {City: "320500", Offset: 3}, {City: "320500", Offset: 99}, at(5),
	} {
		if a := s.ask(q); a.Rebuilt != "" || strings.Contains(kinds(a), "Rebased") {
			t.Errorf("%+v: %q %s", q, a.Rebuilt, kinds(a))
		}
	}
}
