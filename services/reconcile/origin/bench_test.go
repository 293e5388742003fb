package origin

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// benchWorld is a journal of n rows of 200 bytes in events of 2,000, carried 20,000 at a time.
func benchWorld(b *testing.B, n int) *world {
	w := newWorld(b, usual())
	w.opened("nanjing", 1, 0, 0, 1)
	for first := int64(0); first < int64(n); {
		for range 10 {
			r := domain.Run{Source: "nanjing", Generation: 1, Partition: 1, First: first, Next: first + 2000, Rows: 2000}
			for ; first < r.Next; first += 500 {
				rows := make([]sent, 500)
				for i := range rows {
					rows[i] = sent{delta: int32(i), ms: timeOf + first + int64(i), value: fmt.Appendf(nil, `{"id":%d,"text":"%0170d"}`, first*7919, i)}
				}
				r.Batches = append(r.Batches, batchOf(b, first, 0, rows...))
			}
			w.ingested(r)
		}
		w.carry()
	}
	return w
}

// BenchmarkScan reads a journal in memory row by row; "digest" makes the vectors of its windows.
func BenchmarkScan(b *testing.B) {
	const n = 200_000
	w := benchWorld(b, n)
	o := w.open()
	to, err := o.Tails(w.ctx, 0)
	must(b, err)
	for _, digest := range []bool{false, true} {
		b.Run(fmt.Sprintf("digest=%v", digest), func(b *testing.B) {
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				tallies := proof.Tallies{Mask: proof.All}
				err := o.NewScan(0, Cursors{}, nil).Next(b.Context(), to, func(e *Expected) error {
					if !digest {
						return nil
					}
					return tallies.Add(domain.Window{Proof: domain.ProofCityHub, Source: e.Source, Generation: e.Generation, Partition: e.City.Partition, Index: e.Offset / domain.WindowSize}, &e.Row)
				})
				must(b, err)
			}
			runtime.ReadMemStats(&after)
			rows := float64(b.N) * n
			b.ReportMetric(rows/b.Elapsed().Seconds()/1e6, "Mrows/s")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/rows, "µs/row")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/rows, "B/row")
		})
	}
}

// BenchmarkBooks reads the same journal without a look at its records.
func BenchmarkBooks(b *testing.B) {
	const n = 200_000
	w := benchWorld(b, n)
	o := w.open()
	to, err := o.Tails(w.ctx, 0)
	must(b, err)
	for b.Loop() {
		must(b, o.NewBooks(0).Read(b.Context(), to))
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
