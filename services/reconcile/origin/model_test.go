package origin

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// modelRow is a row of a history, and what became of it.
type modelRow struct {
	Key      domain.PartitionKey
	Offset   int64
	Hub      domain.Coord
	Excluded string
}

// TestModel: random histories with gaps, batches that reach over a run, several runs of a
// partition in one event, new generations, aborts, exclusions and takeovers. What a scan says
// of each row, in whatever steps it is read, is what was done with it; what a window's witness
// says is the same; and nobody finds anything.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, usual())
		keys := []domain.PartitionKey{keyOf("nanjing", 1, 0), keyOf("nanjing", 1, 1), keyOf("wuxi", 1, 3)}
		next := map[domain.PartitionKey]int64{}
		for _, k := range keys {
			next[k] = rapid.Int64Range(0, 3).Draw(rt, "start") * (domain.WindowSize - 20)
			w.opened(k.Source, 1, 0, next[k], k.Partition)
		}
		var waiting, model []modelRow
		var refs []domain.Ref
		o := w.open()
		var got []modelRow
		var found []domain.Finding
		scan := o.NewScan(0, Cursors{}, func(f domain.Finding) { found = append(found, f) })
		books := o.NewBooks(0)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0, 1, 2:
				var runs []domain.Run
				for range rapid.IntRange(1, 3).Draw(rt, "runs") {
					k := rapid.SampledFrom(keys).Draw(rt, "key")
					r, rows := modelRun(t, rt, k, next[k])
					next[k] = r.Next
					for _, row := range rows {
						waiting = append(waiting, modelRow{Key: k, Offset: row})
					}
					runs = append(runs, r)
				}
				refs = append(refs, w.ingested(runs...))
			case 3:
				k := rapid.IntRange(0, len(keys)-1).Draw(rt, "anew")
				keys[k].Generation++
				next[keys[k]] = rapid.Int64Range(0, 9).Draw(rt, "first")
				w.opened(keys[k].Source, keys[k].Generation, 0, next[keys[k]], keys[k].Partition)
			case 4:
				w.takeover()
			case 5:
				if len(waiting) == 0 {
					continue
				}
				ref, b := w.begin(modelExcluded(w, rt, refs, waiting)...)
				for rapid.Bool().Draw(rt, "abort") {
					w.abort(ref)
					ref, b = w.begin(b.Excluded...)
				}
				modelCommit(t, w, ref, b, waiting)
				model, waiting, refs = append(model, waiting...), nil, nil
			case 6:
				to := w.tails(o)
				if to.Hub.Seq > 1 && rapid.Bool().Draw(rt, "part") {
					e, err := w.j.Get(w.ctx, w.hub.Stream(), domain.Seq(rapid.Uint64Range(1, uint64(to.Hub.Seq)).Draw(rt, "to")))
					must(t, err)
					to.Hub = e.Ref()
				}
				must(t, scan.Next(w.ctx, to, func(e *Expected) error { got = append(got, modelOf(e)); return nil }))
				must(t, books.Read(w.ctx, w.tails(o)))
				if rapid.Bool().Draw(rt, "resumed") {
					scan = o.NewScan(0, scan.At(), func(f domain.Finding) { found = append(found, f) })
				}
			}
		}
		to := w.tails(o)
		must(t, scan.Next(w.ctx, to, func(e *Expected) error { got = append(got, modelOf(e)); return nil }))
		must(t, books.Read(w.ctx, to))
		if diff := cmp.Diff(model, got); diff != "" {
			rt.Fatal(diff)
		}
		more, _ := books.Findings()
		if found = append(found, more...); len(found) > 0 {
			rt.Fatalf("%+v", found)
		}
		modelWitness(t, rt, w, books, model, waiting)
	})
}

func modelOf(e *Expected) modelRow {
	return modelRow{keyOf(e.Source, e.Generation, e.City.Partition), e.Offset, domain.Coord{Partition: e.Hub.Partition, Offset: e.Hub.Offset}, e.Excluded}
}

// modelRun is a run of rows and gaps; its first batch may begin before it, and its last end
// behind it.
func modelRun(t *testing.T, rt *rapid.T, k domain.PartitionKey, first int64) (r domain.Run, rows []int64) {
	r = domain.Run{Source: k.Source, Generation: k.Generation, Partition: k.Partition, First: first, Next: first}
	for range rapid.IntRange(1, 4).Draw(rt, "pieces") {
		n := rapid.IntRange(1, 12).Draw(rt, "n")
		if rapid.IntRange(0, 3).Draw(rt, "gap") == 0 {
			r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: r.Next, Next: r.Next + int64(n)}, Reason: domain.ReasonAborted})
			r.Next += int64(n)
			continue
		}
		base := r.Next
		before := rapid.Int64Range(0, min(base, 2)).Draw(rt, "before")
		if base > first {
			before = 0
		}
		r.Batches = append(r.Batches, dense(t, k.Source, k.Partition, base-before, n+int(before)))
		for range n {
			rows = append(rows, r.Next)
			r.Next++
		}
	}
	r.Rows = int64(len(rows))
	if n := int64(rapid.IntRange(0, 2).Draw(rt, "cut")); n < r.Rows && len(r.Batches) > 0 && rows[len(rows)-1] == r.Next-1 && rows[len(rows)-1-int(n)] == r.Next-1-n {
		r.Next, r.Rows, rows = r.Next-n, r.Rows-n, rows[:r.Rows-n]
	}
	return r, rows
}

// modelExcluded leaves some of the rows out, and says so.
func modelExcluded(w *world, rt *rapid.T, refs []domain.Ref, waiting []modelRow) (out []domain.Exclusion) {
	at := 0
	for _, ref := range refs {
		e, err := w.j.Get(w.ctx, w.ingest.Stream(), ref.Seq)
		must(w.t, err)
		for run, r := range e.Event.(*domain.Ingested).Runs {
			for o := range r.Rows {
				if rapid.IntRange(0, 9).Draw(rt, "excluded") == 0 {
					waiting[at].Excluded = domain.ExcludedTooLarge
					out = append(out, domain.Exclusion{Ingest: ref.Seq, Run: run, Ordinal: o, Count: 1, Offset: waiting[at].Offset, Reason: domain.ExcludedTooLarge})
				}
				at++
			}
		}
	}
	return out
}

// modelCommit commits, and takes down where the rows came to, one after the other.
func modelCommit(t *testing.T, w *world, ref domain.Ref, b *domain.HubBegun, waiting []modelRow) {
	at := map[int32]int64{}
	for h, n := range w.hubNext {
		at[h] = n
	}
	base := map[domain.SourceID]int32{"nanjing": 0, "wuxi": 2}
	for i := range waiting {
		row := &waiting[i]
		if row.Hub = (domain.Coord{Partition: -1, Offset: -1}); row.Excluded != "" {
			continue
		}
		h := (base[row.Key.Source] + row.Key.Partition) % hubPartitions
		row.Hub = domain.Coord{Partition: h, Offset: at[h]}
		at[h]++
	}
	w.commit(ref, b)
}

// modelWitness asks for parts of windows.
func modelWitness(t *testing.T, rt *rapid.T, w *world, b *Books, model, waiting []modelRow) {
	for _, book := range b.Windows(domain.ProofCityHub) {
		in := proof.Range{Window: book.Window, Span: book.Span()}
		in.First += rapid.Int64Range(0, 30).Draw(rt, "first")
		in.Next -= rapid.Int64Range(0, 30).Draw(rt, "next")
		of := func(r modelRow) bool {
			return r.Key == keyOf(book.Source, book.Generation, book.Partition) && r.Offset >= in.First && r.Offset < in.Next
		}
		var carried, all []int64
		for _, r := range model {
			if of(r) && r.Excluded == "" {
				carried = append(carried, r.Offset)
			}
		}
		for _, r := range slices.Concat(model, waiting) {
			if of(r) {
				all = append(all, r.Offset)
			}
		}
		for _, c := range []struct {
			w    proof.Witness
			want []int64
		}{{b.Carried(false), carried}, {b.Journaled(), all}} {
			var got []int64
			must(t, c.w.Rows(w.ctx, in, func(r proof.Row) error { got = append(got, r.Offset); return nil }))
			if diff := cmp.Diff(c.want, got); diff != "" {
				rt.Fatalf("%s: %s", in, diff)
			}
			parts, err := c.w.Vectors(w.ctx, in, 16, Read)
			must(t, err)
			rows := int64(0)
			for first, v := range parts {
				if rows += v.Rows; first%16 != 0 || v.Min < first || v.Max >= first+16 || v.Distinct != v.Rows {
					rt.Fatalf("part %d: %+v", first, v)
				}
			}
			if rows != int64(len(c.want)) {
				rt.Fatalf("%d rows in the parts, want %d", rows, len(c.want))
			}
		}
	}
}
