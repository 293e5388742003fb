package reconcile_test

import (
	"math"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// A window of which something was found before is looked at as more comes to it: each row that
// is wrong is named, once.
func TestMoreInTheSameWindow(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(20)
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 1 AND hw_offset_id = 3")
	p := w.prover(reconcile.Scope{})
	finds(t, w.proves(p), domain.Lost, "doris", 3)
	w.moves(20)
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 1 AND hw_offset_id = 33")
	finds(t, w.proves(p), domain.Lost, "doris", 3, 33)
	w.moves(1)
	finds(t, w.proves(p), domain.Lost, "doris", 3, 33)
}

// Rows of the table where nothing was loaded, however far from everything else; rows of a load
// that is visible and not journaled yet are none of them.
func TestRowsBehindTheEnd(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	w.ingests(s, w.run(s, "nanjing", 0, 5, 0))
	w.carries(s)
	begun, b := w.wants(s)
	w.inserts(s.inHub...)
	r := w.proved()
	if r.Verdict != domain.Verified || len(r.Findings) > 0 {
		t.Errorf("a load that is visible and not journaled: %s: %+v", r.Why, some(r))
	}
	stray := *s.inHub[0]
	p := w.prover(reconcile.Scope{})
	for _, at := range []int64{1000, 1 << 40, math.MaxInt64 - 1} {
		stray.at, stray.offset = at, at
		w.exec("INSERT INTO ods.t VALUES (?, ?, '320100', NULL, 'x', 0, ?, NULL, '2024-05-01 12:00:00')", stray.h, at, at)
	}
	finds(t, w.proves(p), domain.Strayed, "doris", 1000, 1<<40, math.MaxInt64-1)
	w.loaded(s, begun, b)
	finds(t, w.proves(p), domain.Strayed, "doris", 1000, 1<<40, math.MaxInt64-1)
	w.exec("DELETE FROM ods.t WHERE hw_offset_id >= 1000")
	stray.h, stray.at, stray.offset = 77, 5, 6
	w.inserts(&stray)
	r = w.proved()
	if len(r.Findings) != 1 || r.Findings[0].Class != domain.Strayed || r.Findings[0].HubPartition != 77 {
		t.Errorf("a row of a hub partition that is none: %+v", some(r))
	}
}

// A row that Doris refused and somebody sent again by hand is no finding: it is in the table.
// Sent again wrong, it is one.
func TestSentAgainByHand(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	w.ingests(s, w.run(s, "nanjing", 0, 5, 0))
	w.carries(s)
	out := s.inHub[2]
	w.loads(s, domain.Exclusion{Ingest: out.ingest, Ordinal: 2, Count: 1, Offset: out.offset, Reason: domain.ExcludedByDoris})
	p := w.prover(reconcile.Scope{})
	r := w.proves(p)
	excluded := func(in, excluded int64) {
		t.Helper()
		if r.Verdict != domain.Verified || len(r.Findings) > 0 {
			t.Errorf("verdict %s: %s: %+v", r.Verdict, r.Why, some(r))
		}
		for _, n := range r.Sources {
			if n.Source == "nanjing" && n.Partition == 0 && (n.InDoris != in || n.ExcludedDoris != excluded) {
				t.Errorf("%+v", n)
			}
		}
	}
	excluded(24, 1)
	w.inserts(out)
	w.moves(2)
	r = w.proves(p)
	excluded(27, 0)
	r = w.proved()
	excluded(27, 0)
	w.exec("UPDATE ods.t SET record = 'x' WHERE hw_partition_id = ? AND hw_offset_id = ?", out.h, out.at)
	finds(t, w.proved(), domain.Altered, "doris", out.offset)
}

// A table that keeps copies.
func TestDuplicateTable(t *testing.T) {
	w := newModel(t, "DUPLICATE")
	s := w.opened()
	w.moves(20)
	w.ingests(s, w.run(s, "nanjing", 0, 2, 0))
	w.carries(s)
	row := *s.inHub[1]
	w.loads(s)
	verified(t, w.proved(), 62)
	w.inserts(&row)
	finds(t, w.proved(), domain.Doubled, "doris", row.offset)
}

// A pipeline that ends at the hub is verified by what it has.
func TestWithoutTable(t *testing.T) {
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Table = "" })
	s := w.opened()
	w.ingests(s, w.run(s, "nanjing", 0, 20, 0))
	w.carries(s)
	r := w.proved()
	verified(t, r, 20)
	if len(r.Scope.Proofs) != 1 || len(r.Hub) > 0 || len(r.Coverage) != 2 || r.Coverage[0].Proof != report.CityJournal {
		t.Errorf("%v %v %v", r.Scope.Proofs, r.Hub, r.Coverage)
	}
}
