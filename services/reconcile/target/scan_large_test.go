package target_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestScanAbortedInManyFetches: rows of aborted transactions are none also where a broker cuts
// its answers between them.
func TestScanAbortedInManyFetches(t *testing.T) {
	w := newHub(t, 1, nil)
	tx := w.dial(kgo.TransactionalID(w.topic), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(64<<10))
	many := make([]int64, 4000) // 0.7 MB
	for i := range many {
		many[i] = int64(i)
	}
	for range 3 {
		w.transaction(tx, kgo.TryAbort, func() { w.put(tx, 0, 5, many...) })
		w.transaction(tx, kgo.TryCommit, func() { w.committed(tx, 0, 5, many...) })
	}
	h := w.open(0)
	got, gone, err := w.offsets(h, 0, 0, w.end(h, 0))
	if err != nil || len(gone) > 0 || !equal(got, w.rows[0]) {
		t.Errorf("%d rows, %v gone, %v; %d are committed", len(got), gone, err, len(w.rows[0]))
	}
}
