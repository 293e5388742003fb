package doris_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// place is where a row that the table must hold lies.
func place(t testing.TB, row string) domain.RowKey {
	t.Helper()
	var k domain.RowKey
	if n, err := fmt.Sscanf(row, "%d/%d ", &k.Partition, &k.Offset); n != 2 {
		t.Fatalf("%q: %v", row, err)
	}
	return k
}

// loses deletes rows from the live table and gives the selection that names them.
func (w *world) loses(rows []string) domain.Selection {
	w.t.Helper()
	var of domain.Selection
	for _, row := range rows {
		k := place(w.t, row)
		w.exec(fmt.Sprintf("DELETE FROM %s WHERE hw_partition_id = %d AND hw_offset_id = %d", live, k.Partition, k.Offset))
		of.Hub = append(of.Hub, domain.HubSpan{Partition: k.Partition, Span: domain.Span{First: k.Offset, Next: k.Offset + 1}})
	}
	slices.SortFunc(of.Hub, func(a, b domain.HubSpan) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Span.First, b.Span.First))
	})
	return of
}

// some are n of the rows that the table must hold.
func (w *world) some(n int) []string {
	var out []string
	for _, i := range rand.New(rand.NewPCG(7, 7)).Perm(len(w.want))[:n] { //nolint:gosec // a test
		out = append(out, w.want[i])
	}
	return out
}

// loaded is how many rows the leg's loads brought.
func (w *world) loaded() (n int64) {
	for _, c := range events[*domain.DorisCommitted](w) {
		n += c.Rows
	}
	return n
}

// insertRow puts a row of the list into the live table by hand.
func (w *world) insertRow(row string) {
	w.t.Helper()
	h := &byHand{world: w, ev: &domain.DorisBegun{}, label: fmt.Sprintf("by-hand-%d-%d", w.made, place(w.t, row).Offset+100*int64(place(w.t, row).Partition))}
	all := w.want
	w.want = []string{row}
	h.loads(strings.NewReader(w.lines()))
	w.want = all
	h.does("commit")
	w.until(h.label, "VISIBLE")
}

// TestFillMissing: what is missing of the live table comes back, once, while the live leg goes
// on, and nothing else is loaded.
func TestFillMissing(t *testing.T) {
	for _, model := range []string{unique, duplicate} {
		t.Run(model, func(t *testing.T) {
			w := fed(t, model, 8)
			missing := w.some(13)
			r := w.plan(domain.ModeFillMissing, w.loses(missing))
			going := w.start()
			w.becomes(r)
			p := w.start()
			w.Feed()
			p.ends()
			w.Feed()
			w.isDone()
			if got := w.loaded(); got != int64(len(missing)) {
				t.Errorf("%d rows were loaded, %d were missing", got, len(missing))
			}
			w.becomes(nil)
			going.until(w.last(domain.LegHub))
			going.stop()
			w.Tally()
		})
	}
}

// TestFillKilled: the same of a replay that is killed at any of its appends.
func TestFillKilled(t *testing.T) {
	for _, model := range []string{unique, duplicate} {
		t.Run(model, func(t *testing.T) {
			w := fed(t, model, 4)
			w.cfg.Batch.Rows = 1
			missing := w.some(5)
			of := w.loses(missing)
			runKilled(t, w, func() *projections.Replay { return w.plan(domain.ModeFillMissing, of) },
				func() { w.holds(w.want) }, func() { w.loses(missing) })
		})
	}
}

// TestFillPresent: what is in the table by the time of the load is left out and listed, where
// it would be there twice.
func TestFillPresent(t *testing.T) {
	for model, c := range map[string]struct{ loads, lists int64 }{duplicate: {3, 4}, unique: {7, 0}} {
		t.Run(model, func(t *testing.T) {
			w := fed(t, model, 3)
			missing := w.want[3:10]
			r := w.plan(domain.ModeFillMissing, w.loses(missing))
			back := []string{missing[0], missing[2], missing[3], missing[4]}
			for _, row := range back {
				w.insertRow(row)
			}
			w.cfg.Batch.Rows = 100
			w.replayed(r)
			w.holds(w.want)
			var listed int64
			for _, ev := range events[*domain.DorisBegun](w) {
				for _, x := range ev.Excluded {
					listed += x.Count
					if x.Reason != domain.ExcludedPresent {
						t.Errorf("excluded: %+v", x)
					}
				}
			}
			if w.loaded() != c.loads || listed != c.lists {
				t.Errorf("%d rows were loaded and %d listed, want %d and %d", w.loaded(), listed, c.loads, c.lists)
			}
		})
	}
	t.Run("all", func(t *testing.T) {
		w := fed(t, duplicate, 3)
		of := w.loses(w.want[3:10])
		for _, row := range w.want[3:10] {
			w.insertRow(row)
		}
		w.replayed(w.plan(domain.ModeFillMissing, of))
		w.holds(w.want)
		if w.loaded() != 0 {
			t.Errorf("%d rows were loaded", w.loaded())
		}
	})
}

// TestFillManyPresent: rows that lie scattered are asked for in statements of a bounded
// length, and where more are there than an intent lists the plan is refused.
func TestFillManyPresent(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.feed(w.plain("nanjing", 0, 20_002))
	p := w.start()
	p.until(at)
	p.stop()
	var of domain.Selection
	for o := int64(0); o < 20_002; o += 2 {
		of.Hub = append(of.Hub, domain.HubSpan{Partition: 1, Span: domain.Span{First: o, Next: o + 1}})
	}
	w.becomes(w.plan(domain.ModeFillMissing, of))
	err := w.tries()
	var refusal *projections.Refusal
	if !errors.As(err, &refusal) || !contains(err.Error(), "has 10001 rows of", "make a new plan") {
		t.Errorf("error: %v", err)
	}
	of.Hub = of.Hub[1:]
	r := w.plan(domain.ModeFillMissing, of)
	w.replayed(r)
	if n := len(events[*domain.DorisBegun](w)[0].Excluded); n != 10_000 || w.loaded() != 0 {
		t.Errorf("%d are listed, %d loaded", n, w.loaded())
	}
}

// TestFillForgotten: Doris has forgotten a prepared load whose rows lie among others; the rows
// decide at its very places, without those that it left out.
func TestFillForgotten(t *testing.T) {
	for _, operation := range []string{"commit", "abort"} {
		t.Run(operation, func(t *testing.T) {
			w := fed(t, duplicate, 4)
			missing := []string{w.want[1], w.want[6], w.want[7], w.want[12]}
			r := w.plan(domain.ModeFillMissing, w.loses(missing))
			w.insertRow(missing[2])
			w.becomes(r)
			h := w.beginsAs(w.history(domain.LegHub)[0].Ref(), r.Lane.Last, func(ev *domain.DorisBegun) {
				ev.Excluded = []domain.Exclusion{w.excluded(missing[2])}
			})
			all := w.want
			w.want = []string{missing[0], missing[1], missing[3]}
			h.loads(strings.NewReader(w.lines()))
			h.prepares()
			w.want = all
			h.does(operation)
			h.forgets()
			w.start().ends()
			w.isDone()
			w.holds(w.want)
			want := []domain.Kind{begun, prepared, committed}
			if operation == "abort" {
				want = []domain.Kind{begun, prepared, aborted, begun, prepared, committed}
			} else if c := events[*domain.DorisCommitted](w)[0]; c.How != "rows of the table" || c.Rows != 3 {
				t.Errorf("committed: %+v", c)
			}
			if got := w.kinds()[:len(want)]; !slices.Equal(got, want) {
				t.Errorf("stream holds %v, want %v", got, want)
			}
		})
	}
}

// excluded lists a row of Feed that is in the table already.
func (w *world) excluded(row string) domain.Exclusion {
	w.t.Helper()
	k := place(w.t, row)
	for _, e := range w.history(domain.LegHub) {
		c, ok := e.Event.(*domain.HubCommitted)
		for i := 0; ok && i < len(c.Runs); i++ {
			if r := c.Runs[i]; r.Partition == k.Partition && r.Offset <= k.Offset && k.Offset < r.Offset+r.N {
				return domain.Exclusion{Ingest: r.Ingest, Run: r.Run, Ordinal: r.First + k.Offset - r.Offset, Count: 1, Reason: domain.ExcludedPresent}
			}
		}
	}
	w.t.Fatalf("no commit has %q", row)
	return domain.Exclusion{}
}
