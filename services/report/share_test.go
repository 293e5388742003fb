package report

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// TestShare never says that all are when one is not, nor that none is when one is.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		want  string
	}{
		{0, 0, "–"},
		{0, 5, "0 %"},
		{5, 5, "100 %"},
		{1, 3, "33.3333 %"},
		{1, 2, "50 %"},
		{999, 1000, "99.9 %"},
		{999_999_999, 1_000_000_000, "99.9999 %"},
		{1<<62 - 1, 1 << 62, "99.9999 %"},
		{1, 1_000_000_000, "< 0.0001 %"},
		{1, 100_000, "0.001 %"},
	} {
		if got := share(c.n, c.of); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.n, c.of, got, c.want)
		}
	}
}

// TestTrack lays out thousands of windows, with one that differs among every twenty.
func TestTrack(t *testing.T) {
	var windows []*Window
	for i := range int64(5_000) {
		w := &Window{WindowID: WindowID{Proof: domain.ProofCityHub, Index: i}, State: domain.WindowVerified}
		if i%20 == 1 {
			w.State = domain.WindowDiverged
		}
		windows = append(windows, w)
	}
	track := newTrack("partition 0", windows, true)
	if n := len(track.Runs); n > 120 {
		t.Errorf("%d runs", n)
	}
	for i := range 250 { // none of them is lost in the crowd
		seen := false
		for _, r := range track.Runs {
			at := float64(20*i+1) / 50
			seen = seen || r.State == domain.WindowDiverged && r.At <= at && at < r.At+r.Wide
		}
		if !seen {
			t.Errorf("the %dth diverged window is not to be seen", i)
		}
	}
}
