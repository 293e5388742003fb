package journal_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// A stream may have a thousand consumers, which a reconciler that asks about rows has asked for
// soon: followers that are closed leave none behind.
func TestClosedFollowersAreForgotten(t *testing.T) {
	store, nc := openStore(t)
	ctx, s := t.Context(), shard(domain.LegHub)
	if err := store.Create(ctx, s, 1); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		f, err := store.Follow(ctx, s, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for deadline := time.Now().Add(30 * time.Second); ; { // half of what they live without being asked to go
		stream, err := js.Stream(ctx, journal.SegmentName(s, 1))
		if err != nil {
			t.Fatal(err)
		}
		n := stream.CachedInfo().State.Consumers
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d consumers are left", n)
		}
	}
}
