package batch_test

import (
	"math"
	"testing"

	"github.com/hefu-io/hefu/journal/batch"
)

func TestOverlap(t *testing.T) {
	h := batch.Header{BaseOffset: 10, LastOffsetDelta: 4, Count: 5} // 10 to 14
	tests := []struct{ first, next, want int64 }{
		{0, 10, 0},
		{0, 11, 1},
		{10, 15, 5},
		{0, 100, 5},
		{12, 14, 2},
		{14, 15, 1},
		{15, 20, 0},
		{14, 12, 0},
		{math.MinInt64, math.MaxInt64, 5},
		{math.MaxInt64, math.MinInt64, 0},
		{math.MinInt64, math.MinInt64, 0},
	}
	for _, tc := range tests {
		if got := h.Overlap(tc.first, tc.next); got != tc.want {
			t.Errorf("[%d,%d): %d, want %d", tc.first, tc.next, got, tc.want)
		}
	}
	if h.Count--; h.Dense() {
		t.Error("a batch of 4 records at 5 offsets is dense")
	}
}
