package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// A look that failed in the middle has counted some rows: whoever looks again is told to take
// another Prover, which finds everything as it is.
func TestLookThatFailed(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(40)
	p := w.prover(reconcile.Scope{})
	w.look(p)
	w.moves(10)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Look(over); err == nil {
		t.Fatal("a look after the end of its context")
	}
	if err := p.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "another Prover") {
		t.Errorf("a look after one that failed: %v", err)
	}
	verified(t, w.proved(), 150)
}

// Rows that the hub has thrown away are nobody's to verify, and no error: the others are.
func TestHubThrewRowsAway(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(40)
	p := w.prover(reconcile.Scope{})
	w.truncates(0, 10)
	for range 2 {
		r := w.proves(p)
		if r.Verdict != domain.NotChecked || !strings.Contains(r.Why, "log any more") || len(r.Findings) > 0 {
			t.Errorf("verdict %s: %s: %+v", r.Verdict, r.Why, some(r))
		}
		for _, c := range r.Coverage[1:] {
			if c.Verified != c.Rows-c.NotChecked || c.NotChecked == 0 || c.Verified == 0 {
				t.Errorf("%+v", c)
			}
		}
		w.ingests(s, w.run(s, "wuxi", 0, 5, 0))
		w.carries(s)
		w.loads(s)
	}
	// What was found before stays found.
	w = newWorld(t)
	w.opened()
	w.moves(40)
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 0 AND hw_offset_id = 3")
	p = w.prover(reconcile.Scope{})
	finds(t, w.proves(p), domain.Lost, "doris", 3)
	w.truncates(0, 10)
	w.moves(5)
	finds(t, w.proves(p), domain.Lost, "doris", 3)
}

// Of a window that was verified as a whole nothing is held; a copy that comes to it later is
// one finding, and so is a row that comes to its offsets and is none of its own.
func TestCopyInVerifiedWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and many rows: the plain run does this")
	}
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Table = "" })
	s := w.opened()
	w.ingests(s, w.run(s, "nanjing", 0, domain.WindowSize, 0))
	first := s.fresh
	w.carries(s)
	p := w.prover(reconcile.Scope{})
	verified(t, w.proves(p), domain.WindowSize)
	if n := p.Held(); n > 0 {
		t.Errorf("%d windows are held", n)
	}
	w.puts(w.record(first[77], first[77].hubTime))
	w.ingests(s, w.run(s, "nanjing", 0, 1, 0))
	w.carries(s)
	finds(t, w.proves(p), domain.Doubled, "hub", 77)
	verdict := p.States()[domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1}]
	if verdict != domain.WindowDiverged {
		t.Errorf("the window is %s", verdict)
	}
}

// A row that cannot be read, and one that fills what the format leaves empty, are one finding
// each.
func TestUnreadableRow(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	w.ingests(s, w.run(s, "nanjing", 0, 3, 0))
	begun, b := w.begins(s)
	s.fresh[0].hubTime, s.fresh[1].hubTime, s.fresh[2].hubTime = b.Time.Millis(), b.Time.Millis(), b.Time.Millis()
	odd := w.record(s.fresh[1], b.Time.Millis())
	odd.Value = []byte("{")
	for i, at := range w.puts(w.record(s.fresh[0], b.Time.Millis()), odd, w.record(s.fresh[2], b.Time.Millis())) {
		s.fresh[i].at = at
	}
	w.commits(s, begun, b)
	w.loads(s)
	p := w.prover(reconcile.Scope{})
	finds(t, w.proves(p), domain.Altered, "hub", 22)
	finds(t, w.proves(p), domain.Altered, "hub", 22)
}

// A writer of its own puts rows into the hub: copies, rows of no city, rows that no city has
// sent; one of them is in the table too. Each is found once, however often somebody looks.
func TestForeignRows(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	row := *s.fresh0(w)
	copied := row
	copied.at = w.puts(w.record(&row, row.hubTime))[0]
	w.moves(20)
	p := w.prover(reconcile.Scope{})
	finds(t, w.proves(p), domain.Doubled, "hub", row.offset)
	finds(t, w.proves(p), domain.Doubled, "hub", row.offset)
	w.inserts(&copied)
	finds(t, w.proved(), domain.Doubled, "hub", row.offset)
	w.moves(3)
	w.puts(&kgo.Record{Value: []byte(`{"sscsdm":"999999"}`)})
	w.puts(&kgo.Record{Value: []byte(`no JSON`)})
	unread := row
	unread.offset = 1 << 30
	w.puts(w.record(&unread, row.hubTime))
	r := w.proves(p)
	n := map[domain.Class]int{}
	for i := range r.Findings {
		n[r.Findings[i].Class]++
	}
	if len(r.Findings) != 4 || n[domain.Doubled] != 1 || n[domain.Strayed] != 3 {
		t.Errorf("%v: %+v", n, r.Findings)
	}
}

// fresh0 is a row that was carried: the first of nanjing's partition 0.
func (s *shard) fresh0(w *world) *moved {
	return &moved{source: "nanjing", city: "320100", offset: 0, extract: sentAt*1000 + 1_000_001, hubTime: (sentAt*1000 + 1_000_001 + 7_000) / 1000}
}

// More findings than are kept are counted, once.
func TestMoreFindings(t *testing.T) {
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Table = "" })
	w.opened()
	s := w.shards[0]
	w.ingests(s, w.run(s, "nanjing", 0, 3, 0))
	w.carries(s)
	var strays []*kgo.Record
	for range 10_500 {
		strays = append(strays, &kgo.Record{Value: []byte(`{}`), Timestamp: time.UnixMilli(sentAt)})
	}
	w.puts(strays...)
	p := w.prover(reconcile.Scope{})
	for range 3 {
		if r := w.proves(p); len(r.Findings) != 10_000 || r.More != 500 {
			t.Errorf("%d findings, %d more", len(r.Findings), r.More)
		}
	}
}

// An attempt that was not acknowledged and is in the hub all the same makes copies, which a hub
// that is carried at least once may have; they are what they are.
func TestCarriedAtLeastOnce(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	w.ingests(s, w.run(s, "nanjing", 0, 2, 0))
	begun, b := w.begins(s)
	w.sends(s.fresh, b.Time.Millis())
	r := w.proved() // under way
	if r.Verdict != domain.Verified || len(r.Findings) > 0 {
		t.Errorf("an attempt under way: %s: %+v", r.Why, some(r))
	}
	w.append(s.hub, &domain.HubAborted{Owned: s.hub.Owned(), Trail: s.hub.Trail(), Begun: begun, Why: "test"})
	w.carries(s)
	w.loads(s)
	finds(t, w.proved(), domain.Doubled, "hub", 21, 22)
}

// What was left out before the hub is in no sum; where it is there all the same it is counted
// with the others, and no finding.
func TestLeftOutBeforeHub(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	w.ingests(s, w.run(s, "nanjing", 0, 4, 0))
	out := s.fresh[1]
	w.puts(w.record(out, sentAt)) // not acknowledged
	w.carries(s, domain.Exclusion{Ingest: out.ingest, Ordinal: 1, Offset: out.offset, Count: 1, Reason: domain.ExcludedUnacknowledged})
	w.loads(s)
	r := w.proved()
	verified(t, r, 63)
	if len(r.Others) != 1 || r.Others[0].Rows != 1 {
		t.Errorf("others: %+v", r.Others)
	}
}
