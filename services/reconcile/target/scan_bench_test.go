package target_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// BenchmarkScan: the hub is scanned, each row with its digest. The CPU time is the whole process's, the stand-in's Kafka
// among it; the memory is what a scan adds to the heap at most.
func BenchmarkScan(b *testing.B) {
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression()} {
		b.Run(name, func(b *testing.B) {
			const rows = 200_000
			w := newHub(b, 1, nil)
			cl := w.dial(kgo.ProducerBatchCompression(codec))
			for o := range int64(rows) {
				cl.Produce(w.ctx(), &kgo.Record{Value: value(5, o), Timestamp: hubTime}, nil)
			}
			if err := cl.Flush(w.ctx()); err != nil {
				b.Fatal(err)
			}
			h := w.open(0)
			to := map[int32]int64{0: w.end(h, 0)}
			b.ResetTimer()
			began, heap, peak := cpu(b), inUse(), uint64(0)
			n := 0
			for b.Loop() {
				tally := proof.Tally{Mask: proof.All}
				_, err := h.Scan(w.ctx(), nil, to, func(r *target.HubRow) error {
					tally.Add(&r.Row)
					if n++; n%50_000 == 0 {
						peak = max(peak, inUse())
					}
					return nil
				})
				if err != nil || tally.Vector().Rows != rows {
					b.Fatal(tally.Vector(), err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((cpu(b)-began).Nanoseconds())/float64(n), "cpu-ns/row")
			b.ReportMetric(float64(peak-min(peak, heap))/(1<<20), "MiB")
		})
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
