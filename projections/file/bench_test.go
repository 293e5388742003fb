package file_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// BenchmarkLane makes the lines of a lane of 800,000 rows, into a file and into nothing.
func BenchmarkLane(b *testing.B) {
	for _, kind := range []domain.TargetKind{domain.TargetFile, domain.TargetNull} {
		b.Run(string(kind), func(b *testing.B) {
			w := newWorld(b, false)
			for range 400 {
				w.carried(1000)
			}
			w.lines = w.lines[:0]
			w.plan(kind, domain.LegHub, domain.Selection{})
			for b.Loop() {
				w.cfg.Replay.Plan.ID[0]++
				f := w.process()
				f.SaveEvery(64 << 20)
				must(b, w.run(w.ctx, f))
			}
			b.ReportMetric(400*1998*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
