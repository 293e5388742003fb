package hub_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/hub"
)

// TestExcluded: what the hub cannot carry is left out before the write and listed,
// and the rows around it keep their ordinals.
func TestExcluded(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxRecordBytes = 400
	long := func(n int64) string { return strings.Repeat("x", 400) + fmt.Sprintf("/0/%d", n) }
	at := place{"nanjing", 0}
	fits := func(ref domain.Ref, ordinals ...int64) {
		for _, o := range ordinals {
			w.want = append(w.want, row{place: at, offset: o, ingest: ref.Seq, ordinal: o})
		}
	}
	// Rows 0 2 3 fit; then a batch of 4 that does not decode, and 8 and 9.
	v, bad := values(at.source, 0, 0, 10), undecodable(4, 4)
	ref := w.append(run(at.source, 0, 0, 10, slices.Concat(recordBatch(0, v[0], long(1), v[2], v[3]), bad), recordBatch(8, v[8:]...)))
	fits(ref, 0, 2, 3, 8, 9)
	first := []domain.Exclusion{
		{Ingest: ref.Seq, Ordinal: 1, Count: 1, Offset: 1, Reason: domain.ExcludedTooLarge, Digest: sha256.Sum256([]byte(long(1)))},
		{Ingest: ref.Seq, Ordinal: 4, Count: 4, Offset: 4, Reason: domain.ExcludedUndecodable, Digest: sha256.Sum256(bad)},
	}

	// An event with nothing to carry has a transaction of its own, which says what is left
	// out; one of another kind waits for the next with rows, also where a batch may have
	// one event only.
	alone := w.append(run(at.source, 0, 10, 1, recordBatch(10, long(10))))
	second := []domain.Exclusion{
		{Ingest: alone.Seq, Ordinal: 0, Count: 1, Offset: 10, Reason: domain.ExcludedTooLarge, Digest: sha256.Sum256([]byte(long(10)))},
	}
	_, err := w.ingest.Append(w.ctx, &domain.SourceClosed{Owned: w.ingest.Owned(), Source: "wuxi"})
	must(t, err)
	// The last two show that nothing of a batch is left in its buffers.
	var last domain.Ref
	for o := int64(11); o < 14; o++ {
		last = w.append(run(at.source, 0, o, 1, recordBatch(o, values(at.source, 0, o, 1)...)))
		w.want = append(w.want, row{place: at, offset: o, ingest: last.Seq})
	}
	w.cfg.Batch.Rows = 1
	h := w.process()
	h.LimitEvents(1)
	w.moved(open(w, h), last)
	w.tally()

	var got [][]domain.Exclusion
	for _, e := range w.history() {
		switch e := e.(type) {
		case *domain.HubBegun:
			got = append(got, e.Excluded)
			if len(got) == 3 && (e.First != alone || e.Last != alone) {
				t.Errorf("second batch carries %s to %s", e.First, e.Last)
			}
			if len(got) == 5 && (e.First.Seq != alone.Seq+1 || e.Last.Seq != alone.Seq+2) {
				t.Errorf("third batch carries %s to %s", e.First, e.Last)
			}
		case *domain.HubCommitted:
			got = append(got, e.Excluded)
		}
	}
	want := [][]domain.Exclusion{first, first, second, second, nil, nil, nil, nil, nil, nil}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestNothingToCarry: a client whose first transaction has a progress record only commits
// it: the next owner finds it.
func TestNothingToCarry(t *testing.T) {
	for _, version := range []string{"", "3.8"} {
		t.Run("kafka "+version, func(t *testing.T) {
			w := newWorld(t, as(t, version)...)
			to := w.append(run("nanjing", 0, 0, 4, undecodable(0, 4)))
			w.moved(open(w, w.process()), to)
			leg := open(w, w.process())
			leg.Close()
			if leg.Cursor() != to {
				t.Errorf("settled at %s, want %s", leg.Cursor(), to)
			}
			w.tally()
		})
	}
}

// TestDamaged: an event that contradicts itself or the one before stops the leg, and
// is no exclusion.
func TestDamaged(t *testing.T) {
	b := recordBatch(0, values("nanjing", 0, 0, 3)...)
	for _, c := range []struct {
		what, found string
		runs        []domain.Run
	}{
		{"row count", "4 rows announced, the batches hold 3", []domain.Run{{Source: "nanjing", Generation: 1, Next: 3, Rows: 4, Batches: [][]byte{b}}}},
		{"cut batch", "truncated", []domain.Run{run("nanjing", 0, 0, 3, b[:70])}},
		{"hole", "begins at 5, the last run of source nanjing partition 0 ended at 3", []domain.Run{
			run("nanjing", 0, 0, 3, b), run("nanjing", 0, 5, 2, recordBatch(5, values("nanjing", 0, 5, 2)...)),
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			w.append(c.runs...)
			leg := open(w, w.process())
			defer leg.Close()
			var broken *journal.IntegrityError
			if err := leg.Run(w.ctx); !errors.As(err, &broken) || !strings.Contains(err.Error(), c.found) {
				t.Errorf("got %v, want an integrity error: %s", err, c.found)
			}
			wantKinds(t, w, domain.KindOpened)
		})
	}
}

// TestMisrouted: what this shard does not own it does not write.
func TestMisrouted(t *testing.T) {
	for found, source := range map[string]place{
		"source suzhou is not in the pipeline's configuration": {"suzhou", 0},
		"goes to hub partition 1 of shard 1, not of this":      {"nanjing", 1},
	} {
		w := newWorld(t)
		w.cfg.Pipeline.Shards = 2
		w.feed(1, source)
		leg := open(w, w.process())
		if err := leg.Run(w.ctx); err == nil || !strings.Contains(err.Error(), found) {
			t.Errorf("got %v, want: %s", err, found)
		}
		leg.Close()
	}
}

// TestTime: the hub timestamp is in whole milliseconds and does not go back, also
// when the clock does (rows carry it: see tally).
func TestTime(t *testing.T) {
	w := newWorld(t)
	w.commits()
	w.commits()
	w.clockBack()
	w.commits()
	last, n := domain.Micros(0), 0
	for _, e := range w.history() {
		if b, ok := e.(*domain.HubBegun); ok {
			if b.Time%1000 != 0 || b.Time < last {
				t.Errorf("begun at %d after %d", b.Time, last)
			}
			last, n = b.Time, n+1
		}
	}
	if n != 3 {
		t.Errorf("%d batches, want 3", n)
	}
	w.tally()
}

// TestRuns: a run is split wherever the offsets are not contiguous.
func TestRuns(t *testing.T) {
	p := &hub.Packed{Pieces: []hub.Piece{{Partition: 3, N: 6}}, Offsets: []int64{10, 11, 13, 14, 15, 20}}
	want := []domain.HubRun{
		{Ingest: 7, Run: 1, First: 100, N: 2, Partition: 3, Offset: 10},
		{Ingest: 7, Run: 1, First: 102, N: 3, Partition: 3, Offset: 13},
		{Ingest: 7, Run: 1, First: 105, N: 1, Partition: 3, Offset: 20},
	}
	if diff := cmp.Diff(want, hub.HubRuns(p, 7, 1, 100)); diff != "" {
		t.Error(diff)
	}
}

// TestLimits: batches are closed by each of their bounds.
func TestLimits(t *testing.T) {
	for name, limit := range map[string]func(*hub.Limits){
		"rows":  func(l *hub.Limits) { l.Rows = 4 },
		"bytes": func(l *hub.Limits) { l.Bytes = 600 },
		"runs":  func(l *hub.Limits) { l.Runs = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			limit(&w.cfg.Batch)
			var to domain.Ref
			for range 6 {
				to = w.feed(2, place{"nanjing", 0}, place{"wuxi", 1})
			}
			w.moved(open(w, w.process()), to)
			w.tally()
			for _, e := range w.history() {
				if c, ok := e.(*domain.HubCommitted); ok && c.Rows != 4 {
					t.Errorf("a batch has %d rows, want the 4 of one event", c.Rows)
				}
			}
		})
	}
}
