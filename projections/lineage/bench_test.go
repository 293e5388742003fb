package lineage_test

import (
	"testing"
	"time"
)

// BenchmarkCarry is what a row costs, from the journal in memory to the server of
// HEFU_TEST_CLICKHOUSE: read, decoded, hashed, sent, committed.
func BenchmarkCarry(b *testing.B) {
	addr, _, _ := realServer(b)
	w := newWorldAt(b, kind{}, addr)
	w.cfg.Database, w.cfg.Batch.Rows, w.cfg.Batch.Age = "hefu_bench", 100_000, time.Second
	const rows = 50_000
	for range 10 {
		w.hub(plain("nanjing", rows/2))
		w.hub(plain("wuxi", rows/2))
		w.load()
	}
	at, err := w.j.Tail(w.ctx, w.streamOf("doris"))
	must(b, err)
	for b.Loop() {
		w.cfg.Database += "x" // a table of its own
		p := w.start()
		p.until(at.Ref())
		p.stop()
		b.ReportMetric(10*rows/b.Elapsed().Seconds(), "rows/s")
	}
}
