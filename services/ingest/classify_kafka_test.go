package ingest_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// TestClassifyKfake: on a topic with everything in it the account adds up and the
// rows are those that a read_committed consumer sees.
func TestClassifyKfake(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	k := newRawKafka(t, cluster.ListenAddrs())
	defer k.Close()
	t.Run("delete", func(t *testing.T) { k.compareDelete(t, "city-delete") })
	t.Run("compact", func(t *testing.T) {
		k.compareCompact(t, "city-compact", "compact", func(context.Context) { cluster.Compact() })
	})
	t.Run("everything", func(t *testing.T) {
		k.compareCompact(t, "city-everything", "compact,delete", func(ctx context.Context) {
			cluster.Compact()
			k.behead(ctx, t, "city-everything")
		})
	})
}

// TestClassifyKafka is the same on a real broker, whose log cleaner is waited for
// (log.cleaner.backoff.ms=500 makes that short).
func TestClassifyKafka(t *testing.T) {
	addr := os.Getenv("HEFU_TEST_KAFKA")
	if addr == "" {
		t.Skip("HEFU_TEST_KAFKA is not set: no real Kafka")
	}
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	k := newRawKafka(t, []string{addr})
	k.real = true
	defer k.Close()
	suffix := strconv.FormatInt(time.Now().UnixNano(), 36)
	t.Run("delete", func(t *testing.T) { k.compareDelete(t, "city-delete-"+suffix) })
	t.Run("compact", func(t *testing.T) {
		topic := "city-compact-" + suffix
		k.compareCompact(t, topic, "compact", func(ctx context.Context) { k.waitForCleaner(ctx, t, topic) })
	})
	t.Run("everything", func(t *testing.T) {
		topic := "city-everything-" + suffix
		k.compareCompact(t, topic, "compact,delete", func(ctx context.Context) {
			k.waitForCleaner(ctx, t, topic)
			k.behead(ctx, t, topic)
		})
	})
}

// rawKafka is a client of the cluster under test.
type rawKafka struct {
	*kgo.Client
	seeds []string
	real  bool
}

func newRawKafka(t *testing.T, seeds []string) *rawKafka {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	if err != nil {
		t.Fatal(err)
	}
	return &rawKafka{Client: cl, seeds: seeds}
}

// produced is what fill did to a topic.
type produced struct {
	commits, aborts, aborted, rows int64
}

// accounted is what Classify made of a partition, fetch by fetch.
type accounted struct {
	First, Next int64
	Rows        []row
	Gaps        map[domain.Reason]int64
}

// row is what both readers must agree on.
type row struct {
	Offset, Timestamp int64
	Key, Value        string
}

// compareDelete: on a topic that does not compact the account also is what was done.
func (k *rawKafka) compareDelete(t *testing.T, topic string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	k.create(ctx, t, topic, "delete")
	did := k.fill(ctx, t, topic)
	got := k.classify(ctx, t, topic, false)
	got.compare(t, k.consume(ctx, t, topic, got.Next-1))
	want := map[domain.Reason]int64{
		domain.ReasonCommitMarker: did.commits, domain.ReasonAbortMarker: did.aborts, domain.ReasonAborted: did.aborted,
	}
	if diff := cmp.Diff(want, got.Gaps); diff != "" || int64(len(got.Rows)) != did.rows {
		t.Errorf("%d rows, produced %d; gaps: %s", len(got.Rows), did.rows, diff)
	}
}

// compareCompact lets compact work on a topic, and reads it both ways while nothing
// changes.
func (k *rawKafka) compareCompact(t *testing.T, topic, policy string, compact func(context.Context)) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	k.create(ctx, t, topic, policy)
	k.fill(ctx, t, topic)
	compact(ctx)
	for {
		got := k.classify(ctx, t, topic, true)
		consumed := k.consume(ctx, t, topic, got.Next-1)
		if again := k.classify(ctx, t, topic, true); !cmp.Equal(got, again) {
			continue // the cleaner was at work
		}
		got.compare(t, consumed)
		if got.Gaps[domain.ReasonCompacted] == 0 || got.Gaps[domain.ReasonUnexplained] != 0 {
			t.Errorf("gaps %v", got.Gaps)
		}
		for _, reason := range []domain.Reason{domain.ReasonDeleted, domain.ReasonCommitMarker, domain.ReasonAbortMarker, domain.ReasonAborted} {
			// kfake leaves no aborted data where it compacted.
			if policy == "compact,delete" && got.Gaps[reason] == 0 && (reason != domain.ReasonAborted || k.real) {
				t.Errorf("no gap of %s: %v", reason, got.Gaps)
			}
		}
		return
	}
}

func (a accounted) compare(t *testing.T, consumed []row) {
	t.Helper()
	if diff := cmp.Diff(consumed, a.Rows); diff != "" {
		t.Errorf("read_committed consumer (-), Classify (+): %s", diff)
	}
	sum := int64(len(a.Rows))
	for _, n := range a.Gaps {
		sum += n
	}
	if a.Next-a.First != sum {
		t.Errorf("[%d,%d): %d rows and gaps %v", a.First, a.Next, len(a.Rows), a.Gaps)
	}
	t.Logf("[%d,%d): %d rows, gaps %v", a.First, a.Next, len(a.Rows), a.Gaps)
}

func (k *rawKafka) create(ctx context.Context, t *testing.T, topic, policy string) {
	t.Helper()
	configs := map[string]*string{
		"cleanup.policy": kmsg.StringPtr(policy), "segment.bytes": kmsg.StringPtr("1048576"), "segment.ms": kmsg.StringPtr("100"),
		"min.cleanable.dirty.ratio": kmsg.StringPtr("0.001"), "max.compaction.lag.ms": kmsg.StringPtr("500"), "delete.retention.ms": kmsg.StringPtr("0"),
	}
	if _, err := kadm.NewClient(k.Client).CreateTopic(ctx, 1, 1, configs, topic); err != nil {
		t.Fatal(err)
	}
}

// fill writes plain rows in every codec, between transactions of two producers that
// interleave and commit and abort by turns, and leaves one transaction open.
func (k *rawKafka) fill(ctx context.Context, t *testing.T, topic string) (did produced) {
	t.Helper()
	n := 0
	write := func(cl *kgo.Client, rows int) {
		var records []*kgo.Record
		for range rows {
			n++
			r := kgo.KeySliceRecord(fmt.Appendf(nil, "key %d", n%31), fmt.Appendf(nil, "row %d of some length", n))
			r.Topic = topic
			records = append(records, r)
		}
		if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	var txns [3]*kgo.Client
	for i := range txns {
		cl, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.TransactionalID(fmt.Sprint(topic, i)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		txns[i] = cl
	}
	begin := func(cl *kgo.Client) {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(cl *kgo.Client, commit kgo.TransactionEndTry, rows int64) {
		if err := kafkaconn.EndTransaction(ctx, cl, commit, &kgo.Record{Topic: topic}); err != nil {
			t.Fatal(err)
		}
		if commit {
			did.commits++
			did.rows += rows
		} else {
			did.aborts++
			did.aborted += rows
		}
	}
	for i, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		plain, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.ProducerBatchCompression(codec))
		if err != nil {
			t.Fatal(err)
		}
		begin(txns[0])
		write(txns[0], 3)
		begin(txns[1])
		write(txns[1], 2)
		write(plain, 20)
		write(txns[0], 1)
		end(txns[1], i%2 == 0, 2)
		write(plain, 1)
		end(txns[0], i%3 == 0, 4)
		did.rows += 21
		plain.Close()
	}
	write(k.Client, 1)
	did.rows++
	begin(txns[2])
	write(txns[2], 5)
	return did
}

// classify reads a partition as ingest does, in fetches so small that transactions
// reach over many of them.
func (k *rawKafka) classify(ctx context.Context, t *testing.T, topic string, compacted bool) accounted {
	t.Helper()
	starts, err := kadm.NewClient(k.Client).ListStartOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	start, _ := starts.Lookup(topic, 0)
	a := accounted{Next: start.Offset, Gaps: map[domain.Reason]int64{}}
	if start.Offset > 0 { // as an operator accepts it: nothing can say what stood there
		a.Gaps[domain.ReasonDeleted] = start.Offset
	}
	var d, reader batch.Decoder
	for fetches := 0; ; fetches++ {
		in := k.fetch(ctx, t, topic, a.Next)
		in.Compacted = compacted
		if a.Next == in.LSO {
			if fetches < 6 {
				t.Errorf("only %d fetches: no transaction reached over several", fetches)
			}
			return a
		}
		got, err := ingest.Classify(in, &d)
		if err != nil || got.Next <= a.Next {
			t.Fatalf("[%d,%d), %d bytes, last stable offset %d: %v", a.Next, got.Next, len(in.RecordBatches), in.LSO, err)
		}
		a.Next = got.Next
		for _, g := range got.Gaps {
			a.Gaps[g.Reason] += g.Span.Len()
		}
		for _, b := range got.Batches {
			err := reader.Records(b, got.First, got.Next, func(r *batch.Record) error {
				a.Rows = append(a.Rows, row{r.Offset, r.Timestamp, string(r.Key), string(r.Value)})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// fetch asks the leader once, raw.
func (k *rawKafka) fetch(ctx context.Context, t *testing.T, topic string, position int64) ingest.Fetched {
	t.Helper()
	md, err := kadm.NewClient(k.Client).Metadata(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	// MaxBytes is out of reach, because kfake forgets the list of aborted transactions
	// when it stops there (01_fetch.go, "break full").
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = 100, 1, 1<<20, 1, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic, md.Topics[topic].ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = position, 400, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	leader := md.Topics[topic].Partitions[0].Leader
	answer, err := k.Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	p := answer.(*kmsg.FetchResponse).Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		t.Fatalf("fetch %s/0 at %d: %v", topic, position, err)
	}
	in := ingest.Fetched{Position: position, RecordBatches: p.RecordBatches, LogStart: p.LogStartOffset, LSO: p.LastStableOffset}
	for _, a := range p.AbortedTransactions {
		in.Aborted = append(in.Aborted, ingest.AbortedTxn{ProducerID: a.ProducerID, FirstOffset: a.FirstOffset})
	}
	return in
}

// behead deletes the head of the log.
func (k *rawKafka) behead(ctx context.Context, t *testing.T, topic string) {
	t.Helper()
	head := kadm.Offsets{}
	head.Add(kadm.Offset{Topic: topic, At: 12})
	if _, err := kadm.NewClient(k.Client).DeleteRecords(ctx, head); err != nil {
		t.Fatal(err)
	}
}

// consume reads a partition as any application does, up to the last offset.
func (k *rawKafka) consume(ctx context.Context, t *testing.T, topic string, last int64) (rows []row) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for len(rows) == 0 || rows[len(rows)-1].Offset < last {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d rows consumed, not yet at %d: %v", len(rows), last, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			rows = append(rows, row{r.Offset, r.Timestamp.UnixMilli(), string(r.Key), string(r.Value)})
		})
	}
	return rows
}

// waitForCleaner appends rows behind the open transaction, because only an append
// rolls a segment, until compaction left holes.
func (k *rawKafka) waitForCleaner(ctx context.Context, t *testing.T, topic string) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for k.classify(ctx, t, topic, true).Gaps[domain.ReasonCompacted] == 0 {
		if err := k.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte("roll"), Value: []byte("row")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the log cleaner left no hole")
		}
	}
}
