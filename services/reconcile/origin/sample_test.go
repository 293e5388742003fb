package origin

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// TestSample: the same seed gives the same windows, about as many as were asked for, and those
// with gaps that are no markers always.
func TestSample(t *testing.T) {
	hits := map[string]int{}
	for _, seed := range []string{"a", "b"} {
		for i := range int64(10_000) {
			w := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1, Partition: 3, Index: i}
			if !Sampled(w, seed, 100) || Sampled(w, seed, 0) {
				t.Fatal("all is not all, or none not none")
			}
			if Sampled(w, seed, 5) {
				hits[seed]++
				if !Sampled(w, seed, 6) {
					t.Fatal("a larger sample leaves a window out")
				}
			}
		}
	}
	if hits["a"] < 400 || hits["a"] > 600 || hits["a"] == hits["b"] {
		t.Errorf("%v", hits)
	}
	n := newWorld(t, usual())
	n.opened("nanjing", 1, 0, 0, 1)
	n.ingested(n.gapRun(0))
	if b := n.books(); len(b.Sample("a", 0)) != 1 {
		t.Errorf("%d windows", len(b.Sample("a", 0)))
	}
}
