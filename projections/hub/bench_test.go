package hub_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// BenchmarkBacklog carries a backlog of rows of 200 bytes, journaled as batches of
// 256 KiB. cpu-s/M is this process's, the stand-in included when there is no broker in
// HEFU_TEST_KAFKA.
func BenchmarkBacklog(b *testing.B) {
	const perBatch, batches = 1280, 400
	const rows = float64(perBatch * batches)
	var spent time.Duration
	for range b.N {
		b.StopTimer()
		w := newWorld(b)
		to := w.backlog(perBatch, batches)
		leg := open(w, w.process())
		spent -= cpu()
		b.StartTimer()
		w.moved(leg, to)
		b.StopTimer()
		spent += cpu()
	}
	b.ReportMetric(spent.Seconds()/rows*1e6/float64(b.N), "cpu-s/M")
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// backlog journals events of one batch each, spread over the hub's partitions.
func (w *world) backlog(perBatch, batches int) (to domain.Ref) {
	rows := make([]string, perBatch)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"cjbh":"3201%08d","xm":"name %d","sj":"2026-01-02 03:04:%02d","dz":"%s"}`, i, i%977, i%60, strings.Repeat("street", 20))
	}
	batch := recordBatch(0, rows...)
	for i := range batches {
		first := int64(i/16) * int64(perBatch)
		b := append([]byte(nil), batch...)
		rebase(b, first)
		to = w.append(run("nanjing", int32(i%16), first, int64(perBatch), b))
	}
	return to
}

// cpu is what this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
