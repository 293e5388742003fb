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
	before := cpu(b)
	b.ResetTimer()
	for ; b.Loop(); loads++ {
		body.Reset()
		for range perLoad {
			body.WriteString(line(n%8, n/8, record))
			n++
		}
		label := fmt.Sprintf("bench-%d", loads)
		reply := s.load(table, label, body.String())
		if reply.Status != "Success" {
			b.Fatalf("%+v", reply)
		}
		s.commit(reply.TxnID)
	}
	s.until(fmt.Sprintf("bench-%d", loads-1), "VISIBLE")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/row")
	b.ReportMetric(float64(body.Len())/perLoad, "bytes/row")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
