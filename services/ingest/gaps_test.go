package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// A hole in a log that does not compact is journaled as unexplained, counted, and said
// aloud; the rows behind it go on.
func TestUnexplained(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t)
	cl := dial(t, c)
	if err := fake.CreateTopic("rows", 1, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		produce(ctx, t, cl, "rows", 0, 1)
	}
	rewriting(t, fake, c, func(_ int64, batches []byte) []byte {
		var out []byte
		for rest := batches; len(rest) > 0; {
			h, b, tail, err := batch.Next(rest)
			if err != nil {
				break
			}
			if h.BaseOffset != 1 {
				out = append(out, b...)
			}
			rest = tail
		}
		return out
	})
	r := newRig(ctx, t)
	p := r.start(config(source(c, "rows")))
	s := p.status(ctx, "rows around the hole, and the hole", 0, func(s ingest.SourceStatus) bool { return s.Rows == 2 && len(s.Gaps) > 0 })
	if diff := cmp.Diff(map[domain.Reason]int64{domain.ReasonUnexplained: 1}, s.Gaps); diff != "" {
		t.Error(diff)
	}
	if said := p.said.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, "partition=0 offsets=[1,2)") {
		t.Errorf("nobody hears of it: %s", said)
	}
}

// A source that is read uncommitted takes the rows of aborted and open transactions, and
// their markers are gaps all the same.
func TestUncommitted(t *testing.T) {
	ctx := deadline(t)
	c := kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	txn := dial(t, c, kgo.TransactionalID(unique("txn")))
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryAbort} {
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(ctx, t, txn, topic, 0, 3)
		if err := kafkaconn.EndTransaction(ctx, txn, end, &kgo.Record{Topic: topic}); err != nil {
			t.Fatal(err)
		}
	}
	if err := txn.BeginTransaction(); err != nil { // stays open
		t.Fatal(err)
	}
	produce(ctx, t, txn, topic, 0, 2)
	committed, uncommitted := source(c, topic), source(c, topic)
	uncommitted.ID, uncommitted.City, uncommitted.Uncommitted = "raw", "2", true
	r := newRig(ctx, t)
	p := r.start(config(committed, uncommitted))
	s := p.status(ctx, "every row there is, and the markers", 1, func(s ingest.SourceStatus) bool {
		return s.Rows == 11 && s.Gaps[domain.ReasonCommitMarker]+s.Gaps[domain.ReasonAbortMarker] >= 3 // counted after the rows
	})
	if diff := cmp.Diff(map[domain.Reason]int64{domain.ReasonCommitMarker: 1, domain.ReasonAbortMarker: 2}, s.Gaps); diff != "" || s.Partitions[0].Next != 14 {
		t.Errorf("next %d, gaps %s", s.Partitions[0].Next, diff)
	}
	p.status(ctx, "committed rows", 0, func(s ingest.SourceStatus) bool {
		return s.Rows == 3 && s.Partitions[0].Next == 12 && s.Gaps[domain.ReasonAborted] == 6
	})
	if err := txn.EndTransaction(ctx, kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}
