package ingest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A source that joins has a share at once, whatever the others hold; the bound is passed by
// that share at most, and only until they have journaled. What a source leaves is for the
// others, who may be waiting for it.
func TestSharesGrowAndShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 16 * minAsk
		b := newBudget(limit)
		b.join(7)
		if n, err := b.reserve(t.Context(), 7, limit); n != limit || err != nil {
			t.Fatalf("alone it gets %d, %v", n, err)
		}
		b.join(3)
		n, err := b.reserve(t.Context(), 3, limit)
		if want := int64(limit / 4); n != want || err != nil {
			t.Fatalf("the second gets %d, want its share of %d; %v", n, want, err)
		}
		if total, _ := b.state(); total != limit+limit/4 {
			t.Errorf("held are %d", total)
		}
		b.release(7, limit/4) // below the bound again, and not below its share and the pool
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n, err := b.reserve(late, 7, minAsk); err == nil {
			t.Errorf("it gets %d beyond the bound", n)
		}
		got := make(chan int64)
		go func() { n, _ := b.reserve(t.Context(), 7, limit); got <- n }()
		synctest.Wait()
		b.release(3, n)
		synctest.Wait() // it looks, and there is still nothing for it
		b.leave(3)
		if n := <-got; n != limit/4 {
			t.Errorf("after the second left the first gets %d more", n)
		}
		b.release(7, limit)
		if total, peak := b.state(); total != 0 || peak != limit+limit/4 {
			t.Errorf("held are %d, the most was %d", total, peak)
		}
	})
}

// Lanes come and go; what a source pushed is drained once it is journaled, not when it is
// taken, and the others' turns go on.
func TestLanesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10, 100)
		push := func(source int, first ...int64) {
			for _, n := range first {
				it := item{weight: 4, due: time.Now()}
				it.run.First = n
				q.push(source, it)
			}
		}
		firsts := func(t taken) (out []int64) {
			for _, it := range t.items {
				out = append(out, it.run.First)
			}
			return out
		}
		for _, source := range []int{5, 9, 6} {
			q.join(source)
		}
		push(5, 50, 51)
		push(6, 60, 61)
		push(9, 90)
		one := q.take()
		if got := firsts(one); len(got) != 3 || got[0] != 50 || got[1] != 90 || got[2] != 60 {
			t.Fatalf("taken %v", got)
		}
		drained := make(chan error, 1)
		go func() { drained <- q.drained(t.Context(), 9) }()
		synctest.Wait()
		if len(drained) > 0 {
			t.Fatal("drained before it was journaled")
		}
		q.journaled(one)
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
		q.leave(9)
		two := q.take()
		if got := firsts(two); len(got) != 2 || got[0] != 51 || got[1] != 61 {
			t.Fatalf("taken %v", got)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.drained(ended, 5); err == nil {
			t.Error("drained, and not journaled")
		}
		q.join(10)
		push(10, 100)
		if got := firsts(q.take()); len(got) != 1 || got[0] != 100 {
			t.Errorf("taken %v", got)
		}
	})
}
