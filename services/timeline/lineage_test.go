package timeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// lineageTape is one whose process writes the lineage of its loads too.
func lineageTape(t *testing.T) *tape {
	t.Helper()
	s := newTape(t, usual())
	s.process("host-1", withLineage()...)
	s.open("nanjing", 1, 0, 1)
	s.open("suzhou", 1, 0)
	s.flows("02:09:00", everyone(10)...)
	s.load()
	return s
}

func withLineage() []domain.Leg {
	return []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris, domain.LegLineage}
}

// blockBegins is a block of the last load.
func (s *tape) blockBegins() domain.Ref {
	s.t.Helper()
	w, of := s.writers[domain.LegLineage], s.writers[domain.LegDoris].Tail()
	return s.put(domain.LegLineage, &domain.LineageBegun{Owned: s.owned(), Trail: w.Trail(), First: of, Last: of, Rows: 30, Block: 1000})
}

func (s *tape) blockDone(begun domain.Ref, how string) {
	s.t.Helper()
	w, of := s.writers[domain.LegLineage], s.writers[domain.LegDoris].Tail()
	s.put(domain.LegLineage, &domain.LineageCommitted{Owned: s.owned(), Trail: w.Trail(), Begun: begun, Cursor: of, Rows: 30, How: how})
}

// A block that is in ClickHouse at once is not told; one that takes long is, one whose process died,
// and one that has no outcome; no row is touched by any of it.
func TestLineage(t *testing.T) {
	s := lineageTape(t)
	s.blockDone(s.blockBegins(), "answer")
	begun := s.blockBegins() // before the window
	s.until("02:10:40")
	s.blockDone(begun, "answer")
	s.wait(time.Second)
	s.blockDone(s.blockBegins(), "answer")
	begun = s.blockBegins()
	s.wait(5 * time.Second)
	s.process("host-2", withLineage()...)
	s.blockDone(begun, "rows of the table")
	s.until("02:19:00")
	begun = s.blockBegins()
	s.until("02:19:20")
	recent := s.tells()
	s.until("02:25:00")
	open := text(t, s.tells())
	s.blockDone(begun, "answer")
	story := s.tells()
	golden(t, "lineage", text(t, story))
	if got := text(t, recent); strings.Contains(got, "no outcome") {
		t.Errorf("a block that has just begun:\n%s", got)
	}
	if !strings.Contains(open, "lineage@12 of doris") || !strings.Contains(open, " has no outcome (bridge.0.lineage@12)\n") || !strings.Contains(open, "→ it is still open\n") {
		t.Errorf("one that is open:\n%s", open)
	}
	if !story.Good || len(story.Blast) > 0 {
		t.Errorf("good: %t, touched: %+v", story.Good, story.Blast)
	}
	// A block that began before the window and ended behind it.
	if got := text(t, s.between("02:22:00", "02:23:00")); !strings.Contains(got, "→ in ClickHouse since 02:25:00.000, 6m0s after it began\n") {
		t.Errorf("around the window:\n%s", got)
	}
}
