package journaltest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func (f *fixture) follow(segment, seq domain.Seq) journal.Follower {
	f.Helper()
	fl, err := f.store.Follow(f.ctx, f.s, segment, seq)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(fl.Close)
	return fl
}

func (f *fixture) next(fl journal.Follower, seq domain.Seq) {
	f.Helper()
	got, err := fl.Next(f.ctx)
	if err != nil || !bytes.Equal(got, body(seq)) {
		f.Fatalf("next = %q, %v, want event %d", got, err, seq)
	}
}

// nothing demands that Next waits.
func (f *fixture) nothing(fl journal.Follower) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, 50*time.Millisecond)
	defer cancel()
	if got, err := fl.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		f.Fatalf("next = %q, %v, want it to wait", got, err)
	}
}

func followMiddle(f *fixture) {
	f.create(11)
	f.put(11, 11, 40)
	fl := f.follow(11, 15)
	for seq := domain.Seq(15); seq <= 40; seq++ {
		f.next(fl, seq)
	}
	f.nothing(fl)
	f.put(11, 41, 41)
	f.next(fl, 41)
}

func followEmpty(f *fixture) {
	f.create(5)
	fl := f.follow(5, 5)
	f.nothing(fl)
	f.put(5, 5, 6)
	f.next(fl, 5)
	f.next(fl, 6)
}

// A server that lags behind the leader may be asked for an event that it has not yet.
func followBeyond(f *fixture) {
	f.create(1)
	f.put(1, 1, 2)
	fl := f.follow(1, 5)
	f.put(1, 3, 4)
	f.nothing(fl)
	f.put(1, 5, 5)
	f.next(fl, 5)
}

func followConcurrent(f *fixture) {
	const n = 300
	f.create(1)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for seq := domain.Seq(1); seq <= n; seq++ {
			if err := f.append(1, seq, body(seq)); err != nil {
				f.Errorf("put %d: %v", seq, err)
				return
			}
		}
	})
	for range 2 {
		fl := f.follow(1, 1)
		all.Go(func() {
			for seq := domain.Seq(1); seq <= n; seq++ {
				got, err := fl.Next(f.ctx)
				if err != nil || !bytes.Equal(got, body(seq)) {
					f.Errorf("next = %q, %v, want event %d", got, err, seq)
					return
				}
			}
		})
	}
}

// followCancelled cancels Next at every moment that there is: before, while and after
// an event arrives.
func followCancelled(f *fixture) {
	const n = 200
	f.create(1)
	fl := f.follow(1, 1)
	f.nothing(fl)
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() {
		for seq := domain.Seq(1); seq <= n; seq++ {
			if err := f.append(1, seq, body(seq)); err != nil {
				f.Errorf("put %d: %v", seq, err)
				return
			}
		}
	})
	cancelled := 0
	for seq := domain.Seq(1); seq <= n; {
		patience := time.Duration(rand.IntN(500)) * time.Microsecond
		if cancelled%500 == 499 { // long enough to find a consumer that a cluster lost
			patience = 5 * time.Second
		}
		ctx, cancel := context.WithTimeout(f.ctx, patience)
		got, err := fl.Next(ctx)
		cancel()
		switch {
		case f.ctx.Err() != nil:
			f.Fatalf("event %d never came, after %d cancelled calls", seq, cancelled)
		case errors.Is(err, context.DeadlineExceeded):
			cancelled++
		case err != nil || !bytes.Equal(got, body(seq)):
			f.Fatalf("next = %q, %v, want event %d after %d cancelled calls", got, err, seq, cancelled)
		default:
			seq++
		}
	}
}
