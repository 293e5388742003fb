package journaltest

import (
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func dropped(f *fixture) {
	f.create(1)
	before := f.size()
	f.put(1, 1, 20)
	if err := f.store.Seal(f.ctx, f.s, 1); err != nil {
		f.Fatal(err)
	}
	f.create(21)
	f.put(21, 21, 22)
	full := f.size()
	for range 2 { // an answer may be lost
		if err := f.store.Drop(f.ctx, f.s, 1); err != nil {
			f.Fatal(err)
		}
	}
	if list := f.segments(); len(list) != 1 || list[0].First != 21 {
		f.Fatalf("segments: %v", list)
	}
	if left := f.size(); left >= full || left <= before {
		f.Errorf("%d bytes, %d before it was dropped", left, full)
	}
	if _, err := f.store.Get(f.ctx, f.s, 1, 2); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("get: %v", err)
	}
	if _, err := f.store.Last(f.ctx, f.s, 1); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("last: %v", err)
	}
	if _, err := f.store.Follow(f.ctx, f.s, 1, 1); !errors.Is(err, journal.ErrNotFound) {
		f.Errorf("follow: %v", err)
	}
	if err := f.store.Put(f.ctx, f.s, 1, 21, [][]byte{body(21)}); err == nil {
		f.Error("a dropped segment takes events")
	}
	if err := f.store.Attest(f.ctx, f.s.Pipeline); err != nil {
		f.Error(err)
	}
	f.holds(21, 22)
	f.put(21, 23, 23)
	// One of the same name is a new one.
	f.create(1)
	f.last(1, 0)
	f.put(1, 1, 1)
}

func (f *fixture) size() int64 {
	f.Helper()
	n, err := f.store.Size(f.ctx, f.s.Pipeline)
	if err != nil {
		f.Fatal(err)
	}
	return n
}

// followDropped: what was on its way may still arrive, and then never silence.
func followDropped(f *fixture) {
	f.create(1)
	f.put(1, 1, 40)
	atEnd, within := f.follow(1, 40), f.follow(1, 1)
	f.next(atEnd, 40)
	f.next(within, 1)
	if err := f.store.Drop(f.ctx, f.s, 1); err != nil {
		f.Fatal(err)
	}
	for name, fl := range map[string]journal.Follower{"at the end": atEnd, "within": within} {
		var err error
		for range 40 {
			if _, err = fl.Next(f.ctx); err != nil {
				break
			}
		}
		if !errors.Is(err, journal.ErrNotFound) || errors.Is(err, context.DeadlineExceeded) {
			f.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.store.Get(f.ctx, f.s, 1, domain.Seq(1)); !errors.Is(err, journal.ErrNotFound) {
		f.Error(err)
	}
}
