package journaltest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func unknownStream(f *fixture) {
	if list := f.segments(); len(list) != 0 {
		f.Fatalf("segments: %v", list)
	}
	if _, err := f.store.Get(f.ctx, f.s, 1, 1); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("get: %v", err)
	}
	if _, err := f.store.Last(f.ctx, f.s, 1); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("last: %v", err)
	}
	if _, err := f.store.Follow(f.ctx, f.s, 1, 1); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("follow: %v", err)
	}
	if err := f.store.Put(f.ctx, f.s, 1, 1, [][]byte{body(1)}); err == nil || errors.Is(err, journal.ErrTooLarge) {
		f.Errorf("put: %v", err)
	}
}

func createIdempotent(f *fixture) {
	// By number, not by text: 9 comes before 10 and 100.
	for _, first := range []domain.Seq{10, 1, 100, 9, 10, 1} {
		f.create(first)
	}
	f.put(10, 10, 11)
	f.create(10)
	f.holds(10, 11)
	var got []domain.Seq
	for _, g := range f.segments() {
		got = append(got, g.First)
	}
	if fmt.Sprint(got) != "[1 9 10 100]" {
		f.Fatalf("segments: %v", got)
	}
	other := f.s
	other.Leg = domain.LegDoris
	if list, err := f.store.Segments(f.ctx, other); err != nil || len(list) != 0 {
		f.Fatalf("another leg has segments %v, %v", list, err)
	}
}

func eventsAtSeq(f *fixture) {
	f.create(1)
	f.create(41)
	f.put(1, 1, 3)
	f.put(41, 41, 42)
	f.holds(1, 1)
	f.holds(1, 3)
	f.holds(41, 41)
	f.last(1, 3)
	f.last(41, 42)
	for segment, seq := range map[domain.Seq]domain.Seq{1: 4, 41: 40} {
		if b, err := f.store.Get(f.ctx, f.s, segment, seq); !errors.Is(err, journal.ErrNotFound) {
			f.Errorf("get %d of segment %d = %q, %v", seq, segment, b, err)
		}
	}
}

func emptySegment(f *fixture) {
	f.create(7)
	f.last(7, 0)
	f.refuses(7, 8, journal.ErrSequence)
	f.refuses(7, 6, journal.ErrSequence)
	f.refuses(7, 1, journal.ErrSequence)
	f.last(7, 0)
	f.put(7, 7, 7)
	f.last(7, 7)
}

func expectedSequence(f *fixture) {
	f.create(1)
	f.refuses(1, 2, journal.ErrSequence)
	f.put(1, 1, 3)
	for _, seq := range []domain.Seq{1, 2, 3, 5, 6} {
		f.refuses(1, seq, journal.ErrSequence)
	}
	f.last(1, 3)
	f.put(1, 4, 4)
}

func sealed(f *fixture) {
	f.create(1)
	f.put(1, 1, 2)
	for range 2 { // a seal may be sent again
		if err := f.store.Seal(f.ctx, f.s, 1); err != nil {
			f.Fatal(err)
		}
	}
	f.refuses(1, 3, journal.ErrSealed)
	f.create(1)
	f.holds(1, 2)
	f.last(1, 2)
	f.create(3)
	f.put(3, 3, 3)
	list := f.segments()
	if len(list) != 2 || !list[0].Sealed || list[1].Sealed {
		f.Fatalf("segments: %v", list)
	}
	if err := f.store.Attest(f.ctx, f.s.Pipeline); err != nil {
		f.Fatal(err)
	}
}

func tooLarge(f *fixture) {
	f.create(1)
	huge := make([]byte, 64<<20+1) // more than max_payload may ever be
	if err := f.store.Put(f.ctx, f.s, 1, 1, [][]byte{huge}); !errors.Is(err, journal.ErrTooLarge) {
		f.Fatalf("put: %v", err)
	}
	f.last(1, 0)
	f.put(1, 1, 1)
}

func size(f *fixture) {
	f.create(1)
	before, err := f.store.Size(f.ctx, f.s.Pipeline)
	if err != nil {
		f.Fatal(err)
	}
	f.create(3)
	const n = 5000
	for first, seq := range map[domain.Seq]domain.Seq{1: 1, 3: 3} {
		if err := f.append(first, seq, make([]byte, n)); err != nil {
			f.Fatal(err)
		}
	}
	after, err := f.store.Size(f.ctx, f.s.Pipeline)
	if grew := after - before; err != nil || grew < 2*n || grew > 3*n {
		f.Fatalf("size grew by %d, %v", grew, err)
	}
	for _, g := range f.segments() {
		if g.Bytes < n || g.Bytes > n+n/2 {
			f.Errorf("segment %d has %d bytes", g.First, g.Bytes)
		}
	}
}

func attest(f *fixture) {
	f.create(1)
	f.create(9)
	if err := f.store.Attest(f.ctx, f.s.Pipeline); err != nil {
		f.Fatal(err)
	}
}

func race(f *fixture) {
	f.create(1)
	const writers = 4
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = f.store.Put(f.ctx, f.s, 1, 1, [][]byte{{byte(i)}}) })
	}
	all.Wait()
	stored, err := f.store.Get(f.ctx, f.s, 1, 1)
	if err != nil {
		f.Fatal(err)
	}
	for i, err := range errs {
		if won := len(stored) == 1 && stored[0] == byte(i); won != (err == nil) {
			f.Errorf("writer %d: %v, stored %v", i, err, stored)
		}
	}
	if b, err := f.store.Get(f.ctx, f.s, 1, 2); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("a loser is stored as well: %v, %v", b, err)
	}
}
