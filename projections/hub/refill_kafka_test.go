package hub_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

// TestRefillKafka: real brokers are killed and lose the ends of all partitions, cut at record batches
// that chance chooses: within committed and aborted transactions, too, which then hide their rows
// until their marker comes. A reader gets what it got before, round after round. It starts brokers
// of its own.
func TestRefillKafka(t *testing.T) {
	if realKafka() == "" {
		t.Skip("HEFU_TEST_KAFKA is not set")
	}
	for _, version := range []string{"3.9.2", "4.4.0"} {
		t.Run(version, func(t *testing.T) {
			c := realkafka.Config{Version: version, Dir: t.TempDir(), Heap: "256m"}
			b, err := realkafka.Start(t.Context(), c)
			must(t, err)
			t.Cleanup(func() { _ = b.Kill() })
			r := &refill{replay: &replay{world: newWorldAt(t, b.Addr())}, hides: true}
			var cancel context.CancelFunc
			r.world.ctx, cancel = context.WithTimeout(t.Context(), 6*time.Minute)
			defer cancel()
			small := "700" // several record batches of each transaction
			_, err = kadm.NewClient(r.cl).AlterTopicConfigs(r.ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &small}}, r.topic())
			must(t, err)
			r.cut = func(at map[int32]int64) {
				must(t, b.Kill())
				for p, offset := range at {
					_, err := realkafka.Cut(c.Dir, r.topic(), p, offset)
					must(t, err)
				}
				b, err = realkafka.Start(r.ctx, c)
				must(t, err)
			}
			chance := rand.New(rand.NewPCG(7, 7))
			for round := range 4 {
				r.carry()
				at := map[int32]int64{}
				ends := r.ends()
				for _, p := range slices.Sorted(maps.Keys(ends)) {
					at[p] = max(0, ends[p]-2-chance.Int64N(60)) // the last marker is none of the journal's
				}
				if round == 1 {
					at[0] = ends[0] - 2 // of the last transaction the last row and the marker
				}
				t.Logf("round %d: %v of %v", round, at, r.ends())
				r.lose(at)
				began := time.Now()
				r.finish(r.process())
				t.Logf("filled in %v in %s", r.of.Plan.Rows.Hub, time.Since(began))
				r.refilled()
			}
		})
	}
}
