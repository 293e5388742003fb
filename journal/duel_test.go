package journal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func bothStores(t *testing.T, test func(t *testing.T, store journal.Store)) {
	store, _ := openStore(t)
	for name, store := range map[string]journal.Store{"memory": journal.NewMemory(), "jetstream": store} {
		t.Run(name, func(t *testing.T) { test(t, store) })
	}
}

// Two processes append as fast as they can; the younger takes over in the middle.
// The older always learns that it is fenced, and nothing of it stands after the
// younger one's Opened.
func TestNothingOfAZombieIsStoredAfterTheTakeover(t *testing.T) {
	bothStores(t, func(t *testing.T, store journal.Store) {
		s := shard(domain.LegHub)
		const rounds = 5
		owner := take(t, open(t, store), s, 1)
		for round := domain.Seq(2); round < 2+rounds; round++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			var old sync.WaitGroup
			running := make(chan struct{})
			var err error
			acked := map[domain.Seq]domain.Hash{}
			old.Go(func() {
				for n := 0; err == nil; n++ {
					var ref domain.Ref
					if ref, err = owner.Append(ctx, aborted(owner, "old")); err == nil {
						acked[ref.Seq] = ref.Hash
					}
					if n == 20 {
						close(running)
					}
				}
			})
			<-running
			j := open(t, store) // another process
			next := take(t, j, s, round)
			for range 20 {
				appendTo(t, next, aborted(next, "new"))
			}
			old.Wait()
			cancel()
			var fenced *journal.FencedError
			if !errors.As(err, &fenced) || fenced.Owner != round {
				t.Fatalf("the zombie ended with %v", err)
			}
			opened(t, j, s, round, acked)
			owner = next
		}
	})
}

// opened demands that the owner alone stands after its Opened and that all acked
// events of the older one stand before it.
func opened(t *testing.T, j *journal.Journal, s domain.Stream, owner domain.Seq, acked map[domain.Seq]domain.Hash) {
	t.Helper()
	after := false
	for _, e := range chain(t, j, s) {
		ev, ok := e.Event.(domain.ShardEvent)
		switch {
		case !ok:
		case after && ev.Owner() != owner:
			t.Fatalf("%d is of owner %d, after Opened of %d", e.Seq, ev.Owner(), owner)
		case !after && ev.Owner() == owner:
			if after = true; e.Event.Kind() != domain.KindOpened {
				t.Fatalf("%d is %s of owner %d, before its Opened", e.Seq, e.Event.Kind(), owner)
			}
		}
		if hash, ok := acked[e.Seq]; ok {
			if hash != e.Hash {
				t.Fatalf("%d was acked as another event", e.Seq)
			}
			delete(acked, e.Seq)
		}
	}
	if !after || len(acked) > 0 {
		t.Fatalf("Opened stored: %v, acked and gone: %v", after, acked)
	}
}

// Why one append is in flight: with predicted sequences a zombie's later appends line
// up again behind the new owner's Opened, and the store takes them
// (architecture.md, "One writer per stream").
func TestPipelinedAppendsWouldLetAZombieIn(t *testing.T) {
	bothStores(t, func(t *testing.T, store journal.Store) {
		ctx, s := t.Context(), shard(domain.LegDoris)
		put := func(seq domain.Seq, who string) error { return store.Put(ctx, s, 1, seq, [][]byte{[]byte(who)}) }
		if err := store.Create(ctx, s, 1); err != nil {
			t.Fatal(err)
		}
		for seq := domain.Seq(1); seq <= 6; seq++ {
			if err := put(seq, "zombie"); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(7, "opened"); err != nil { // the new owner
			t.Fatal(err)
		}
		// The zombie predicted 7, 8, 9, 10 and does not wait for answers.
		if err := put(7, "zombie"); !errors.Is(err, journal.ErrSequence) {
			t.Fatalf("7 is occupied: %v", err)
		}
		for seq := domain.Seq(8); seq <= 10; seq++ {
			if err := put(seq, "zombie"); err != nil {
				t.Fatalf("the store is a fence for pipelined appends after all, at %d: %v", seq, err)
			}
		}
	})
}
