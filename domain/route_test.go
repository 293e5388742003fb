package domain_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

func TestBasesAreSpreadEvenly(t *testing.T) {
	for hub := int32(1); hub <= 64; hub++ {
		var taken []int32
		uses := make([]int, hub)
		for n := 1; n <= 20; n++ {
			b := domain.NextBase(taken, hub)
			if b < 0 || b >= hub {
				t.Fatalf("base %d of %d partitions", b, hub)
			}
			if again := domain.NextBase(slices.Clone(taken), hub); again != b {
				t.Fatalf("bases %d and %d for the same list", b, again)
			}
			taken = append(taken, b)
			uses[b]++
			if slices.Max(uses)-slices.Min(uses) > 1 {
				t.Fatalf("%d sources on %d partitions: uses %v", n, hub, uses)
			}
		}
		if d := (taken[1] - taken[0] + hub) % hub; hub > 3 && (d < 2 || d > hub-2) {
			t.Errorf("the first two of %d partitions are neighbours: %v", hub, taken[:2])
		}
	}
	if got := domain.NextBase([]int32{0}, 12); got != 6 {
		t.Errorf("the second of 12 is %d, want the opposite one", got)
	}
}

func TestEachHubPartitionHasOneShard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hub := rapid.Int32Range(1, 1000).Draw(t, "hub partitions")
		base := rapid.Int32Range(0, hub-1).Draw(t, "base")
		city := rapid.Int32Range(0, 1<<31-1).Draw(t, "city partition")
		shards := rapid.IntRange(1, 64).Draw(t, "shards")
		h := domain.HubPartition(base, city, hub)
		if want := (int64(base) + int64(city)) % int64(hub); int64(h) != want {
			t.Fatalf("hub partition %d, want %d", h, want)
		}
		if s := domain.ShardOf(h, shards); s != int(h)%shards || s < 0 {
			t.Fatalf("shard %d of hub partition %d", s, h)
		}
	})
}
