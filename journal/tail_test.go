package journal_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// watched counts the events that followers fetched from a store.
type watched struct {
	journal.Store
	fetched atomic.Int64
}

func (w *watched) Follow(ctx context.Context, s domain.Stream, first, seq domain.Seq) (journal.Follower, error) {
	f, err := w.Store.Follow(ctx, s, first, seq)
	return &watchedFollower{f, w}, err
}

type watchedFollower struct {
	journal.Follower
	w *watched
}

func (f *watchedFollower) Next(ctx context.Context) ([]byte, error) {
	b, err := f.Follower.Next(ctx)
	if err == nil {
		f.w.fetched.Add(1)
	}
	return b, err
}

// tailed is an ingest stream whose writer keeps about ten events.
func tailed(t *testing.T) (*watched, *journal.Journal, *journal.Writer) {
	t.Helper()
	store := &watched{Store: journal.NewMemory()}
	j := openWith(t, journal.Options{Store: store, TailBytes: 1500})
	return store, j, take(t, j, shard(domain.LegIngest), 5)
}

// rows is an ingest event of some 150 bytes.
func rows(w *journal.Writer, n int64) *domain.Ingested {
	return &domain.Ingested{Owned: w.Owned(), ExtractTime: domain.Micros(n), Positions: w.Positions()}
}

func TestTailIsReadWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j, w := tailed(t)
		r := read(t, j, w.Stream(), domain.Cursor{})
		got := make(chan domain.Ref)
		go func() {
			defer close(got)
			for range 100 {
				e, err := r.Next(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				got <- e.Ref()
			}
		}()
		<-got // Genesis, which no writer of this process appended
		if opened := <-got; opened != w.Tail() {
			t.Fatalf("read %v, want %v", opened, w.Tail())
		}
		before := store.fetched.Load()
		for n := range int64(98) {
			want := appendTo(t, w, rows(w, n))
			if ref := <-got; ref != want {
				t.Fatalf("read %v, want %v", ref, want)
			}
		}
		if n := store.fetched.Load() - before; n != 0 {
			t.Fatalf("%d of 98 events came from the store", n)
		}
	})
}

// A reader that is behind the tail reads from the store up to where the tail begins,
// and misses nothing.
func TestReaderBehindTheTailJoinsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j, w := tailed(t)
		for w.Tail().Seq < 100 {
			appendTo(t, w, rows(w, int64(w.Tail().Seq)))
		}
		r := read(t, j, w.Stream(), domain.Cursor{})
		for seq := domain.Seq(1); seq <= 100; seq++ {
			next(t, r, seq)
		}
		if n := store.fetched.Load(); n < 80 || n > 98 {
			t.Fatalf("%d of 100 events came from the store, want all but the last few", n)
		}
	})
}

// The writer does not run away from a reader that reads on, and is not held up by one
// that does not.
func TestWriterWaitsForAReaderThatReadsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j, w := tailed(t)
		r := read(t, j, w.Stream(), domain.Cursor{})
		next(t, r, 1)
		next(t, r, 2)
		before := store.fetched.Load()
		written := make(chan struct{})
		go func() {
			defer close(written)
			for range 50 {
				if _, err := w.Append(t.Context(), rows(w, 1)); err != nil {
					t.Error(err)
				}
			}
		}()
		for seq := domain.Seq(3); seq <= 52; seq++ {
			time.Sleep(100 * time.Millisecond) // in virtual time
			next(t, r, seq)
		}
		<-written
		if n := store.fetched.Load() - before; n != 0 {
			t.Fatalf("%d of 50 events came from the store", n)
		}
		began := time.Now()
		for range 50 {
			appendTo(t, w, rows(w, 2))
		}
		if took := time.Since(began); took > time.Second {
			t.Fatalf("50 appends took %s while the reader stood still", took)
		}
		next(t, r, 53)
	})
}

// Another process may take the stream over while a reader waits for this one's next
// event.
func TestReaderAtTheTailSeesAnotherOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j, w := tailed(t)
		r := read(t, j, w.Stream(), domain.Cursor{})
		next(t, r, 1)
		next(t, r, 2)
		other := take(t, open(t, store), w.Stream(), 9)
		appendTo(t, other, rows(other, 1))
		next(t, r, 3)
		next(t, r, 4)
		// And back again: what the other one appended is not taken for the tail's.
		w = take(t, j, w.Stream(), 12)
		want := appendTo(t, w, rows(w, 2))
		next(t, r, 5)
		if got := next(t, r, 6).Ref(); got != want {
			t.Fatalf("read %v, want %v", got, want)
		}
		again := read(t, j, w.Stream(), domain.Cursor{})
		for seq := domain.Seq(1); seq <= 6; seq++ {
			next(t, again, seq)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want it to wait", err)
		}
	})
}
