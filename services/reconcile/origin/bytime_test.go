package origin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
)

// TestBetween: a while is the offsets that were journaled in it, in the cities and in the hub,
// wherever it begins and ends.
func TestBetween(t *testing.T) {
	w := newWorld(t, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	w.opened("wuxi", 1, 0, 0, 0)
	nanjing, wuxi, anew := keyOf("nanjing", 1, 1), keyOf("wuxi", 1, 0), keyOf("nanjing", 2, 1)
	next := map[domain.PartitionKey]int64{}
	var moments []domain.Micros
	for i := range int64(12) {
		key := nanjing
		if i >= 8 {
			key = anew
		}
		if i == 8 {
			w.opened("nanjing", 2, 60, 70, 1)
			next[anew] = 70
		}
		runs := []domain.Run{w.run("nanjing", key.Generation, 1, next[key], 3)}
		next[key] += 3
		if i%3 == 0 {
			runs = append(runs, w.run("wuxi", 1, 0, next[wuxi], 2))
			next[wuxi] += 2
		}
		w.ingested(runs...)
		moments = append(moments, w.now)
		if i == 5 {
			w.takeover()
		}
		if i%2 == 1 {
			ref, _ := w.begin()
			w.abort(ref)
			ref, b := w.begin()
			w.commit(ref, b)
		}
	}
	w.ingested(w.run("wuxi", 1, 0, next[wuxi], 9)) // is on its way
	books := w.books()
	rows, found := w.scanned()
	if len(found) > 0 {
		t.Fatal(found)
	}
	for i := range moments {
		for k := i; k < len(moments); k++ {
			from, until := moments[i], moments[k]+1
			got, err := books.Between(w.ctx, from, until)
			must(t, err)
			want := &Slice{Ingest: got.Ingest, Cities: map[domain.PartitionKey]domain.Span{}, Hub: map[int32]domain.Span{}}
			grow := func(have domain.Span, known bool, o int64) domain.Span {
				if !known {
					return domain.Span{First: o, Next: o + 1}
				}
				return domain.Span{First: min(have.First, o), Next: max(have.Next, o+1)}
			}
			for _, r := range rows {
				if r.Extract >= from && r.Extract < until {
					key := keyOf(r.Source, r.Generation, r.City.Partition)
					have, known := want.Cities[key]
					want.Cities[key] = grow(have, known, r.Offset)
					there, known := want.Hub[r.Hub.Partition]
					want.Hub[r.Hub.Partition] = grow(there, known, r.Hub.Offset)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("[%d,%d]: %s", i, k, diff)
			}
		}
	}
	none, err := books.Between(w.ctx, w.now+1, w.now+100)
	if err != nil || len(none.Cities)+len(none.Hub) > 0 {
		t.Errorf("%+v, %v", none, err)
	}
	before, err := books.Between(w.ctx, 0, moments[0])
	if err != nil || len(before.Cities)+len(before.Hub) > 0 {
		t.Errorf("%+v, %v", before, err)
	}
}
