package ingest_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

func source(c kafkaconn.Config, topic string) ingest.Source {
	return ingest.Source{ID: "a", City: "320100", Kafka: c, Topic: topic, Start: domain.StartSpec{At: domain.StartEarliest}}
}

// Rows of every codec, and transactions of both ends, in three partitions.
func TestIngest(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 3, nil)
	for _, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		w := dial(t, c, kgo.ProducerBatchCompression(codec))
		for partition := range int32(3) {
			produce(ctx, t, w, topic, partition, 50)
		}
	}
	w := dial(t, c, kgo.TransactionalID(unique("txn")))
	for i, how := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryAbort, kgo.TryCommit} {
		if err := w.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(ctx, t, w, topic, int32(i%2), 20)
		if err := kafkaconn.EndTransaction(ctx, w, how, &kgo.Record{Topic: topic}); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(ctx, t)
	p := r.start(config(source(c, topic)))
	r.reaches(p, 0, cl, topic)
	produce(ctx, t, cl, topic, 2, 10) // and while it runs
	r.reaches(p, 0, cl, topic)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	books := r.books()
	for partition := range int32(3) {
		at := place{"a", 1, partition}
		r.matches(c, topic, at, books[at])
	}
	want := map[domain.Reason]int64{domain.ReasonCommitMarker: 1, domain.ReasonAbortMarker: 1, domain.ReasonAborted: 20}
	for partition := range int32(2) {
		for reason, n := range want {
			if got := books[place{"a", 1, partition}].gaps[reason]; got != n {
				t.Errorf("partition %d: %d offsets are %s, want %d", partition, got, reason, n)
			}
		}
	}
	if said := p.said.String(); said != "" {
		t.Errorf("all was well, yet it said %s", said)
	}
}
