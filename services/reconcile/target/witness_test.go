package target_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// TestHubAndDorisSayTheSame: a hub and a table with the same rows have the same vectors and rows, and the digests differ
// once any column of one row does.
func TestHubAndDorisSayTheSame(t *testing.T) {
	hub := newHub(t, 2, nil)
	tx := hub.dial(kgo.TransactionalID(hub.topic))
	for i := range int64(5) {
		hub.transaction(tx, kgo.TryCommit, func() { hub.committed(tx, 1, 5, 10*i, 10*i+1) })
		hub.transaction(tx, kgo.TryAbort, func() { hub.put(tx, 1, 5, 99) })
	}
	w := newTable(t, 3, 3, 6)
	for i, o := range hub.rows[1] {
		city := int64(i/2*10 + i%2)
		w.put(1, o, "320100", "2024-05-01 12:00:00.123456", fmt.Sprintf("row %d of 5", city), 5, city, "2024-05-01 11:59:59.5", "2024-05-01 12:00:00.123")
	}
	h := hub.open(0)
	_, doris := w.open("", nil)
	in := hubRange(1, 1, hub.end(h, 1)) // without the first row
	left, right := rowsOf(t, h.Witness(), in), rowsOf(t, doris, in)
	if len(left) != 9 || len(right) != 9 {
		t.Fatalf("%d and %d rows", len(left), len(right))
	}
	for i := range left {
		if left[i].Text != right[i].Text || left[i].Null != right[i].Null || left[i].Offset != right[i].Offset {
			t.Errorf("hub %q\ntable %q", left[i].Text, right[i].Text)
		}
	}
	for _, step := range []int64{1, 4, domain.WindowSize} {
		l, err := h.Witness().Vectors(t.Context(), in, step, proof.All)
		r, err2 := doris.Vectors(t.Context(), in, step, proof.All)
		if want := tallied(left, step, proof.All); err != nil || err2 != nil || !maps.Equal(l, want) || !maps.Equal(r, want) {
			t.Errorf("by %d: hub %v %v\ntable %v %v\nwant %v", step, l, err, r, err2, want)
		}
	}
	for col := range proof.Columns {
		other := left[3]
		other.Text[col] += "1"
		if proof.Digest(&other, h.Format().Mask()) == proof.Digest(&left[3], proof.All) {
			t.Errorf("%s has no part in the digest", proof.ColumnName(col))
		}
	}
	if h.Witness().Name() != "hub" || doris.Name() != "doris" {
		t.Error(h.Witness().Name(), doris.Name())
	}
}

// TestHubWitnessGone: a range that the log does not have any more cannot be said.
func TestHubWitnessGone(t *testing.T) {
	w := newHub(t, 1, nil)
	w.committed(w.cl, 0, 5, 1, 2, 3)
	del := kadm.Offsets{}
	del.Add(kadm.Offset{Topic: w.topic, Partition: 0, At: 2})
	if _, err := kadm.NewClient(w.cl).DeleteRecords(w.ctx(), del); err != nil {
		t.Fatal(err)
	}
	h := w.open(0)
	if _, err := h.Witness().Vectors(t.Context(), hubRange(0, 1, 3), 1, proof.All); !errors.Is(err, target.ErrGone) {
		t.Error(err)
	}
	if got, err := h.Witness().Vectors(t.Context(), hubRange(0, 2, 3), 1, proof.All); err != nil || got[2].Rows != 1 {
		t.Error(got, err)
	}
	var short *target.ShortError
	if err := h.Witness().Rows(t.Context(), hubRange(0, 2, 4), func(proof.Row) error { return nil }); !errors.As(err, &short) {
		t.Error(err)
	}
}

// TestCityWitness: the rows of one city partition by its own offsets, wherever the hub has them: in order or not, twice,
// beside those of others.
func TestCityWitness(t *testing.T) {
	w := newHub(t, 2, nil)
	w.committed(w.cl, 0, 5, 100, 101, 102) // 0 to 2
	w.committed(w.cl, 0, 6, 101, 103)      // 3 and 4, of another partition
	w.committed(w.cl, 0, 5, 104, 103, 101) // 5 to 7: not in order, and one twice
	w.committed(w.cl, 1, 5, 105, 106)
	h := w.open(0)
	places := target.Places{City: "320100", Spans: map[int32]domain.Spans{0: {{First: 1, Next: 8}}, 1: {{First: 0, Next: 1}, {First: 1, Next: 2}}}}
	var asked proof.Range
	city := h.CityWitness(func(_ context.Context, in proof.Range) (target.Places, error) { asked = in; return places, nil })
	in := proof.Range{Window: domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 3, Partition: 5}, Span: domain.Span{First: 101, Next: 106}}
	rows := rowsOf(t, city, in)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%d at %d/%d of %d %s", r.Offset, r.Hub.Partition, r.Hub.Offset, r.Generation, r.Text[proof.Record]))
	}
	const want = "[101 at 0/1 of 3 row 101 of 5 102 at 0/2 of 3 row 102 of 5 104 at 0/5 of 3 row 104 of 5 103 at 0/6 of 3 row 103 of 5 101 at 0/7 of 3 row 101 of 5 105 at 1/0 of 3 row 105 of 5]"
	if fmt.Sprint(got) != want || asked != in || city.Name() != "hub" {
		t.Errorf("%v\nwant %s", got, want)
	}
	vectors, err := city.Vectors(t.Context(), in, 4, proof.All)
	if want := tallied(rows, 4, proof.All); err != nil || !maps.Equal(vectors, want) || vectors[100].Distinct != 3 || vectors[100].Rows != 4 {
		t.Errorf("%v %v, want %v", vectors, err, want)
	}
	// The caller may know better which rows they are.
	places.Of = func(hub domain.Coord) (int64, bool) { return 200 + hub.Offset, hub.Partition == 1 }
	in.First, in.Next = 200, 300
	if rows := rowsOf(t, city, in); len(rows) != 2 || rows[1].Offset != 201 {
		t.Errorf("%+v", rows)
	}
	places.City, places.Of = "320200", nil
	in.First, in.Next = 0, 300
	if rows := rowsOf(t, city, in); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
	nowhere := errors.New("nowhere")
	city = h.CityWitness(func(context.Context, proof.Range) (target.Places, error) { return target.Places{}, nowhere })
	if _, err := city.Vectors(t.Context(), in, 4, proof.All); !errors.Is(err, nowhere) {
		t.Error(err)
	}
}

// TestThrottle: what was taken is paid for before the next is, by all who take together.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, began := target.Throttle(1000), time.Now()
		for range 10 {
			if err := limit(t.Context(), 500); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("5,000 at 1,000 a second took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := limit(ctx, 100_000); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		began = time.Now()
		for range 10 {
			if err := target.Throttle(0)(t.Context(), 1<<40); err != nil || time.Since(began) > 0 {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		}
	})
}
