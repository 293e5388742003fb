package doris_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// BenchmarkLoad loads rows of about 330 bytes of JSON in two-phase loads of 20,000, and counts until they are visible.
func BenchmarkLoad(b *testing.B) {
	s := withTable(b, doris.Config{})
	const perLoad = 20000
	record := `{"SBBH":"320100-0000-1","ZT":"` + strings.Repeat("x", 60) + `"}`
	var body strings.Builder
	n, loads := 0, 0
	b.ReportAllocs()
	var used time.Duration
	for ; b.Loop(); loads++ {
		b.StopTimer() // making the rows is the client's business
		body.Reset()
		for range perLoad {
			body.WriteString(line(n%8, n/8, record))
			n++
		}
		before := cpu(b)
		b.StartTimer()
		label := fmt.Sprintf("bench-%d", loads)
		reply := s.load(table, label, body.String())
		if reply.Status != "Success" {
			b.Fatalf("%+v", reply)
		}
		s.commit(reply.TxnID)
		s.until(label, "VISIBLE")
		used += cpu(b) - before
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(used)/float64(n), "cpu-ns/row")
	b.ReportMetric(float64(body.Len())/perLoad, "bytes/row")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRead reads a million rows by hub coordinate, 50,000 at a time, as a full compare does.
func BenchmarkRead(b *testing.B) {
	s := withTable(b, doris.Config{})
	const rows, chunk = 1_000_000, 50_000
	for first := 0; first < rows; first += chunk {
		var body strings.Builder
		for n := first; n < first+chunk; n++ {
			body.WriteString(line(0, n, "a record of some length, as records are"))
		}
		label := fmt.Sprintf("read-%d", first)
		s.commit(s.load(table, label, body.String()).TxnID)
		s.until(label, "VISIBLE")
	}
	b.ResetTimer()
	n := 0
	for b.Loop() {
		for first := 0; first < rows; first += chunk {
			n += s.readChunk(b, table, first, first+chunk)
		}
	}
	if n != rows*b.N {
		b.Fatalf("%d rows read", n)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// readChunk reads the rows of one chunk and says how many there are.
func (s *standIn) readChunk(b *testing.B, table string, first, next int) (n int) {
	b.Helper()
	r, err := s.db.QueryContext(b.Context(), "SELECT hw_offset_id, hw_ts, record FROM ods."+table+
		" WHERE hw_partition_id = ? AND hw_offset_id >= ? AND hw_offset_id < ? ORDER BY hw_offset_id", 0, first, next)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for r.Next() {
		n++
	}
	if err := r.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}
