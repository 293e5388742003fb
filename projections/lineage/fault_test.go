package lineage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// outcomes are how each block of the history came to its end, and by how many events of a
// kind.
func (w *world) outcomes() (how []string, n map[domain.Kind]int) {
	n = map[domain.Kind]int{}
	for _, e := range w.history() {
		n[e.Event.Kind()]++
		if c, ok := e.Event.(*domain.LineageCommitted); ok {
			how = append(how, c.How)
		}
	}
	return how, n
}

// TestJournalFaults: an append that failed, and did or did not happen, doubles nothing and
// loses nothing.
func TestJournalFaults(t *testing.T) {
	for _, k := range []domain.Kind{domain.KindOpened, domain.KindLineageBegun, domain.KindLineageCommitted} {
		for name, fault := range map[string]journal.Fault{"not done": journal.FaultBefore, "done": journal.FaultAfter} {
			t.Run(fmt.Sprintf("%s %s", k, name), func(t *testing.T) {
				w := newWorld(t, kind{})
				w.puts[k] = fault
				p := w.start()
				p.until(w.Feed())
				p.until(w.Feed())
				p.stop()
				w.Tally()
				if w.raw() != len(w.want) {
					t.Errorf("the table holds %d rows, want %d", w.raw(), len(w.want))
				}
			})
		}
	}
}

// TestSettle: what an INSERT without an answer did is found in the table: nothing is sent
// twice. One that did nothing is sent again.
func TestSettle(t *testing.T) {
	for _, old := range []bool{false, true} {
		for _, c := range []struct {
			cut clickhouse.Cut
			how string
		}{{clickhouse.CutAfter, "rows of the table"}, {clickhouse.CutBefore, "answer"}} {
			t.Run(fmt.Sprintf("%v %s", old, c.how), func(t *testing.T) {
				w := newWorld(t, kind{old: old})
				at := w.Feed()
				p := w.start()
				p.until(at)
				w.mu.Lock()
				w.cut["insert"] = c.cut
				w.mu.Unlock()
				p.until(w.Feed())
				p.stop()
				w.Tally()
				// The first INSERT of a block of two days was done or not; the second was not.
				if how, _ := w.outcomes(); how[len(how)-1] != "answer" {
					t.Errorf("outcomes %q", how)
				}
				if !old && w.raw() != len(w.want) {
					t.Errorf("the table holds %d rows, want %d", w.raw(), len(w.want))
				}
			})
		}
	}
}

// TestFoundWhole: a block that is there as a whole is not sent again.
func TestFoundWhole(t *testing.T) {
	w := newWorld(t, kind{hubOnly: true, old: true})
	p := w.start()
	p.until(w.hub(plain("wuxi", 3)))
	w.mu.Lock()
	w.cut["insert"] = clickhouse.CutAfter
	w.mu.Unlock()
	p.until(w.hub(plain("wuxi", 4)))
	p.stop()
	w.Tally()
	if how, _ := w.outcomes(); len(how) != 2 || how[1] != "rows of the table" || w.raw() != 7 {
		t.Errorf("outcomes %q, %d rows, want 7", how, w.raw())
	}
}

// TestPartsAreHistory: a block that was begun with another limit is sent in the parts that its
// intent says, so that those which are there are known again.
func TestPartsAreHistory(t *testing.T) {
	w := newWorld(t, kind{hubOnly: true})
	w.cfg.Batch.Rows = 4
	at := w.hub(plain("wuxi", 11)) // INSERTs of 4, 4 and 3
	w.pause["insert"] = func() {   // at the first one
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cut["insert"] = clickhouse.CutAfter // of the second
	}
	leg, err := w.Process().Open(w.ctx)
	must(t, err)
	if err := leg.Run(w.ctx); err == nil {
		t.Error("a cut INSERT did not end Run")
	}
	leg.Close()
	if n := w.raw(); n != 8 {
		t.Fatalf("two INSERTs left %d rows, want 8", n)
	}
	w.cfg.Batch.Rows = 1000
	p := w.start()
	p.until(at)
	p.stop()
	w.Tally()
	if n := w.raw(); n != 11 {
		t.Errorf("the table holds %d rows, want 11: the parts were cut anew", n)
	}
}

// TestAnotherRelease: rows that the journal gives otherwise than the intent says are not
// written; the leg says so and goes on trying.
func TestAnotherRelease(t *testing.T) {
	right := domain.Sum{}
	for i := range plain("wuxi", 3).records {
		right = right.Add(int64(xxh3.Hash(plain("wuxi", 3).records[i].value)))
	}
	for name, c := range map[string]struct {
		change func(*domain.LineageBegun)
		says   string
	}{
		"rows":   {func(ev *domain.LineageBegun) { ev.Rows = 4 }, "have 3 rows"},
		"digest": {func(ev *domain.LineageBegun) { ev.Digest.Lo++ }, "have 3 rows"},
		"first":  {func(ev *domain.LineageBegun) { ev.First.Hash[3]++ }, "the intent says"},
		"last":   {func(ev *domain.LineageBegun) { ev.Last.Hash[3]++ }, "the intent says"},
		"stream": {func(ev *domain.LineageBegun) {
			ev.First.Stream.Leg, ev.Last.Stream.Leg = domain.LegDoris, domain.LegDoris
		}, "are not of p.1.hub"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, kind{hubOnly: true})
			at := w.hub(plain("wuxi", 3))
			lw, err := w.j.Takeover(w.ctx, w.Stream(), w.started(), 1)
			must(t, err)
			ev := &domain.LineageBegun{Owned: lw.Owned(), Trail: lw.Trail(), First: at, Last: at, Rows: 3, Digest: right, Block: 10}
			c.change(ev)
			_, err = lw.Append(w.ctx, ev)
			must(t, err)
			_, err = w.Process().Open(w.ctx)
			if err == nil || !contains(err, c.says) || w.raw() != 0 {
				t.Errorf("opened with %v, %d rows", err, w.raw())
			}
		})
	}
}

// TestContradiction: a hub event that does not say what became of a row, or says it of
// others, stops the leg, with the place.
func TestContradiction(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*domain.HubCommitted)
		says   string
	}{
		"a row without a fate": {func(c *domain.HubCommitted) { c.Runs[0].N, c.Rows = 2, 2 }, "row 2 of run 0 is neither in the hub nor excluded (hub event 4)"},
		"too many rows":        {func(c *domain.HubCommitted) { c.Rows = 4 }, "says that the hub holds 4 rows"},
		"another intent":       {func(c *domain.HubCommitted) { c.Begun.Hash[0]++ }, "its outcome points at the hash"},
		"no intent":            {func(c *domain.HubCommitted) { c.Begun.Seq-- }, "is a Opened"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, kind{hubOnly: true})
			ref, err := w.writers[domain.LegIngest].Append(w.ctx, &domain.Ingested{
				Owned: w.writers[domain.LegIngest].Owned(), ExtractTime: w.clock,
				Runs: []domain.Run{{Source: "wuxi", Generation: 2, Partition: 1, Next: 3, Rows: 3, Batches: [][]byte{recordBatch(0, plain("wuxi", 3))}}},
			})
			must(t, err)
			hub := w.writers[domain.LegHub]
			begun, err := hub.Append(w.ctx, &domain.HubBegun{Owned: hub.Owned(), Trail: hub.Trail(), First: ref, Last: ref})
			must(t, err)
			ev := &domain.HubCommitted{
				Owned: hub.Owned(), Trail: hub.Trail(), Begun: begun, Cursor: ref, Rows: 3,
				Runs: []domain.HubRun{{Ingest: ref.Seq, First: 0, N: 3, Partition: 3}},
			}
			c.change(ev)
			_, err = hub.Append(w.ctx, ev)
			must(t, err)
			leg, err := w.Process().Open(w.ctx)
			must(t, err)
			defer leg.Close()
			err = leg.Run(w.ctx)
			var broken *journal.IntegrityError
			if err == nil || !contains(err, c.says) || !errors.As(err, &broken) {
				t.Errorf("ended with %v, want %s", err, c.says)
			}
		})
	}
}
