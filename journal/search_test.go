package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// counting is a store that counts what is read.
type counting struct {
	journal.Store
	gets int
	fail bool
}

func (c *counting) Get(ctx context.Context, s domain.Stream, first, seq domain.Seq) ([]byte, error) {
	if c.gets++; c.fail {
		return nil, errors.New("the store is away")
	}
	return c.Store.Get(ctx, s, first, seq)
}

// Every event of a stream is found from every place before it, by reading few where it is near.
func TestSearch(t *testing.T) {
	const events = 70
	store := &counting{Store: journal.NewMemory()}
	j, s := open(t, store), shard(domain.LegHub)
	w := take(t, j, s, 5)
	for w.Tail().Seq < events {
		appendTo(t, w, aborted(w, "why"))
	}
	for from := domain.Seq(0); from <= events; from++ {
		for want := max(from, 1); want <= events+1; want++ {
			store.gets = 0
			e, err := j.Search(t.Context(), s, from, events, func(e *journal.Entry) (bool, error) { return e.Seq >= want, nil })
			if err != nil {
				t.Fatal(err)
			}
			if want > events && e != nil || want <= events && (e == nil || e.Seq != want) {
				t.Fatalf("from %d: found %+v, want %d", from, e, want)
			}
			if far := want - max(from, 1); far < 3 && store.gets > 4 || store.gets > 14 {
				t.Fatalf("from %d to %d: %d events were read", from, want, store.gets)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := j.Search(t.Context(), s, 1, events, func(*journal.Entry) (bool, error) { return true, broken }); !errors.Is(err, broken) {
		t.Errorf("the caller's error: %v", err)
	}
	store.fail = true
	if _, err := j.Search(t.Context(), s, 1, events, func(*journal.Entry) (bool, error) { return false, nil }); err == nil {
		t.Error("the store's error is not told")
	}
}

// The last event of a time or before: none before the first, of several of the same time the last.
func TestUntil(t *testing.T) {
	now := time.UnixMicro(1000)
	j, s := openWith(t, journal.Options{Store: journal.NewMemory(), Now: func() time.Time { return now }}), shard(domain.LegHub)
	if seq, err := j.Until(t.Context(), s, 5000); seq != 0 || err != nil {
		t.Fatalf("a stream that is not there: %d, %v", seq, err)
	}
	w := take(t, j, s, 5) // 1 and 2 at 1000
	for _, at := range []int64{1010, 1020, 1020, 1015, 1030} {
		now = time.UnixMicro(at)
		appendTo(t, w, aborted(w, "why"))
	}
	for at, want := range map[domain.Micros]domain.Seq{999: 0, 1000: 2, 1009: 2, 1010: 3, 1019: 3, 1020: 6, 1029: 6, 1030: 7, 9999: 7} {
		if seq, err := j.Until(t.Context(), s, at); seq != want || err != nil {
			t.Errorf("until %d: %d, %v, want %d", at, seq, err, want)
		}
	}
}
