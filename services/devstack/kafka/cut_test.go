package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/kafka"
)

// TestCut: what lies behind an offset is gone, what lies before it is read as before, and the
// next rows take the place of the lost ones.
func TestCut(t *testing.T) {
	for name, c := range map[string]struct {
		at, end int64
		want    string
	}{
		"in a transaction's rows":         {4, 4, "a b c"},
		"before its marker":               {5, 5, "a b c d"},
		"in an aborted one":               {7, 7, "a b c d e"},
		"behind an aborted one":           {9, 9, "a b c d"},
		"behind its end":                  {1 << 40, 12, "a b c d g h"},
		"before everything":               {0, 0, ""},
		"in the midst of a record batch":  {10, 9, "a b c d"},
		"between two of one that is long": {2, 2, "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s := open(ctx, t, kafka.Config{Dir: t.TempDir()})
			defer s.Close()
			addr := s.Addr()
			w := dial(t, addr, kgo.TransactionalID("writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			defer w.Close()
			if err := kafkaconn.EnsureTopic(ctx, w, "rows", 1, nil); err != nil {
				t.Fatal(err)
			}
			end := func(how kgo.TransactionEndTry) {
				t.Helper()
				if err := kafkaconn.EndTransaction(ctx, w, how, &kgo.Record{Topic: "rows"}); err != nil {
					t.Fatal(err)
				}
			}
			write(ctx, t, w, "a", "b") // at 0 1, its marker at 2
			end(kgo.TryCommit)
			write(ctx, t, w, "c", "d") // at 3 4, 5
			end(kgo.TryCommit)
			write(ctx, t, w, "e", "f") // at 6 7, 8
			end(kgo.TryAbort)
			if err := w.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := w.ProduceSync(ctx, &kgo.Record{Topic: "rows", Value: []byte("g")}, &kgo.Record{Topic: "rows", Value: []byte("h")}).FirstErr(); err != nil { // at 9 10, 11
				t.Fatal(err)
			}
			end(kgo.TryCommit)
			got, err := s.Cut(ctx, "rows", 0, c.at)
			if err != nil || got != c.end || s.Addr() != addr {
				t.Fatalf("ends at %d, %v, at %s; want %d at %s", got, err, s.Addr(), c.end, addr)
			}
			bounds, err := kafkaconn.Offsets(ctx, w, "rows")
			if err != nil || bounds[0].HighWatermark != c.end || bounds[0].LSO != c.end {
				t.Errorf("bounds %+v, %v", bounds, err)
			}
			next := dial(t, addr, kgo.TransactionalID("writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			defer next.Close()
			write(ctx, t, next, "next")
			if err := kafkaconn.EndTransaction(ctx, next, kgo.TryCommit, &kgo.Record{Topic: "rows"}); err != nil {
				t.Fatal(err)
			}
			if got, want := rows(ctx, t, addr, len(strings.Fields(c.want))+1), strings.TrimSpace(c.want+" next"); got != want {
				t.Errorf("rows %q, want %q", got, want)
			}
		})
	}
	s := open(t.Context(), t, kafka.Config{Dir: t.TempDir()})
	defer s.Close()
	if _, err := s.Cut(t.Context(), "nowhere", 3, 1); err == nil || !strings.Contains(err.Error(), "cut nowhere/3 at 1") {
		t.Errorf("a partition that is not there: %v", err)
	}
}
