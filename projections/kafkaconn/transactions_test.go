package kafkaconn_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func openIn(ctx context.Context, t *testing.T, cl *kgo.Client, topic string) []kafkaconn.OpenTransaction {
	t.Helper()
	open, err := kafkaconn.OpenTransactions(ctx, cl, topic)
	if err != nil {
		t.Fatal(err)
	}
	return open
}

// TestOpenTransactions: what is open is there with its owner and its place, and is gone
// when it has ended.
func TestOpenTransactions(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)
	began := time.Now().Add(-time.Minute) // the broker's clock need not be ours to the millisecond

	w := newTxn(ctx, t, c)
	w.write(topic.Name, 2)
	w.end(kgo.TryCommit) // rows 0 1, marker 2
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 3 })
	if open := openIn(ctx, t, cl, topic.Name); len(open) != 0 {
		t.Errorf("after the end: %+v", open)
	}
	w.write(topic.Name, 2) // open from 3
	id := unique("other")
	other := &txn{t: t, ctx: ctx, cl: dial(t, c, kgo.TransactionalID(id), kgo.TransactionTimeout(20*time.Second), kgo.RecordPartitioner(kgo.ManualPartitioner()))}
	other.write(topic.Name, 1) // open from 5
	open := openIn(ctx, t, cl, topic.Name)
	if len(open) != 2 || open[0].FirstOffset != 3 || open[1].FirstOffset != 5 {
		t.Fatalf("open: %+v", open)
	}
	pid, epoch, err := other.cl.ProducerID(ctx)
	o := open[1]
	if err != nil || o.Topic != topic.Name || o.Partition != 0 || o.ProducerID != pid || o.ProducerEpoch != epoch {
		t.Errorf("open: %+v, its producer %d/%d, %v", o, pid, epoch, err)
	}
	if o.TransactionalID != id || o.State != "Ongoing" || o.Timeout != 20*time.Second || o.Hanging || o.StartedAt.Before(began) || o.LastTimestamp.Before(began) {
		t.Errorf("its owner %s: %+v", id, o)
	}
	if got, want := o.EndCommand("k:9092"), "kafka-transactions.sh --bootstrap-server k:9092 forceTerminateTransaction --transactionalId "+id; got != want {
		t.Errorf("ended by %q, want %q", got, want)
	}
	w.end(kgo.TryAbort)
	force(ctx, t, cl, id)
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == b.HighWatermark })
	if open := openIn(ctx, t, cl, topic.Name); len(open) != 0 {
		t.Errorf("after both ended: %+v", open)
	}
	if _, err := kafkaconn.OpenTransactions(ctx, cl, unique("nowhere")); !errors.Is(err, kafkaconn.ErrNoTopic) {
		t.Errorf("missing topic: %v", err)
	}
}

// force does what forceTerminateTransaction does: it asks for a producer of the id.
func force(ctx context.Context, t *testing.T, cl *kgo.Client, id string) {
	t.Helper()
	for {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = &id, 1000, -1, -1
		resp, err := req.RequestWith(ctx, cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, kerr.ConcurrentTransactions) {
			t.Fatalf("fence %s: %v", id, err)
		}
	}
}

// TestHangingTransaction: rows of a transaction that no coordinator knows are found, and
// the numbers of the command end it. Only a real broker that does not verify (KIP-890)
// takes such rows.
func TestHangingTransaction(t *testing.T) {
	if os.Getenv("HEFU_TEST_KAFKA") == "" {
		t.Skip("HEFU_TEST_KAFKA is not set")
	}
	c := cluster(t)
	// From version 12 on a produce tells the coordinator itself.
	old := kversion.Stable()
	old.SetMaxKeyVersion(int16(kmsg.Produce), 11)
	ctx, cl := deadline(t), dial(t, c, kgo.MaxVersions(old))
	topic := newTopic(ctx, t, cl, 1, nil)
	verify(ctx, t, cl, "false")
	t.Cleanup(func() { verify(context.WithoutCancel(ctx), t, cl, "true") })
	id := unique("hangs")
	hang(ctx, t, cl, id, topic.Name)

	open := openIn(ctx, t, cl, topic.Name)
	if len(open) != 1 || !open[0].Hanging || open[0].TransactionalID != id || open[0].State != "Empty" || open[0].FirstOffset != 0 {
		t.Fatalf("open: %+v", open)
	}
	o := open[0]
	want := "kafka-transactions.sh --bootstrap-server k:9092 abort --topic " + topic.Name + " --partition 0 --start-offset 0"
	if got := o.EndCommand("k:9092"); got != want {
		t.Errorf("ended by %q, want %q", got, want)
	}
	if b := reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.HighWatermark == 1 }); b.LSO != o.FirstOffset {
		t.Errorf("holds %d back, the bounds are %+v", o.FirstOffset, b)
	}
	// What the command does (TransactionsCommand.AbortTransactionCommand of Kafka): -1 is
	// sent as 0.
	var at kadm.TopicsSet
	at.Add(o.Topic, o.Partition)
	answers, err := kadm.NewClient(cl).WriteTxnMarkers(ctx, kadm.TxnMarkers{
		ProducerID: o.ProducerID, ProducerEpoch: o.ProducerEpoch, CoordinatorEpoch: max(o.CoordinatorEpoch, 0), Topics: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	answers.EachPartition(func(p kadm.TxnMarkersPartitionResponse) {
		if p.Err != nil {
			t.Errorf("abort in partition %d: %v", p.Partition, p.Err)
		}
	})
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 2 })
	if open := openIn(ctx, t, cl, topic.Name); len(open) != 0 {
		t.Errorf("after the abort: %+v", open)
	}
}

func verify(ctx context.Context, t *testing.T, cl *kgo.Client, value string) {
	t.Helper()
	_, err := kadm.NewClient(cl).AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "transaction.partition.verification.enable", Value: &value}})
	if err != nil {
		t.Fatal(err)
	}
}

// hang writes a transactional row without telling the coordinator.
func hang(ctx context.Context, t *testing.T, cl *kgo.Client, id, topic string) {
	t.Helper()
	init := kmsg.NewPtrInitProducerIDRequest()
	init.TransactionalID, init.TransactionTimeoutMillis, init.ProducerID, init.ProducerEpoch = &id, 10_000, -1, -1
	producer, err := init.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(producer.ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	body := kmsg.Record{Value: []byte("left behind")}
	record := body.AppendTo(nil)[1:]
	record = append(binary.AppendVarint(nil, int64(len(record))), record...)
	b := (&kmsg.RecordBatch{
		Length: int32(49 + len(record)), PartitionLeaderEpoch: -1, Magic: 2, Attributes: 0x10, // transactional
		FirstTimestamp: time.Now().UnixMilli(), MaxTimestamp: time.Now().UnixMilli(),
		ProducerID: producer.ProducerID, ProducerEpoch: producer.ProducerEpoch, NumRecords: 1, Records: record,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.TransactionID, req.Acks, req.TimeoutMillis = &id, -1, 5000
	rt, rp := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	rt.Topic, rp.Records = topic, b
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	for {
		resp, err := req.RequestWith(ctx, cl)
		if err != nil || len(resp.Topics) != 1 {
			t.Fatalf("produce: %+v, %v", resp, err)
		}
		if err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode); err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("produce: %v", err) // until the setting has come to the leader
		}
	}
}

// TestHiddenOwner: a reader sees what holds it back, though not whose it is; and one
// that may not read the topic is told so.
func TestHiddenOwner(t *testing.T) {
	acl := func(of kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: of, Name: name, Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: op, Allow: true}
	}
	c := standin(t, kfake.SeedTopics(1, "rows"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.User(kafkaconn.Plain, "reader", "pw", acl(kmsg.ACLResourceTypeTopic, "rows", kmsg.ACLOperationRead)),
		kfake.User(kafkaconn.Plain, "writer", "pw", acl(kmsg.ACLResourceTypeTopic, "rows", kmsg.ACLOperationWrite),
			acl(kmsg.ACLResourceTypeTransactionalId, "txn", kmsg.ACLOperationWrite)))
	reader, writer := c, c
	reader.SASL, writer.SASL = login(t, kafkaconn.Plain, "reader", "pw"), login(t, kafkaconn.Plain, "writer", "pw")
	ctx := deadline(t)
	newTxn(ctx, t, writer).write("rows", 1)
	open := openIn(ctx, t, dial(t, reader), "rows")
	if len(open) != 1 || open[0].TransactionalID != "" || open[0].State != "" || open[0].FirstOffset != 0 {
		t.Errorf("reader: %+v", open)
	}
	open, err := kafkaconn.OpenTransactions(ctx, dial(t, writer), "rows")
	if len(open) != 0 || !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "needs READ") {
		t.Errorf("writer: %+v, %v", open, err)
	}
}

// TestEndsMeanwhile: a transaction that ends between the two questions does not hang,
// and what cannot be asked is said.
func TestEndsMeanwhile(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	c := kafkaconn.Config{Brokers: fake.ListenAddrs()}
	ctx, cl := deadline(t), dial(t, c)
	w := newTxn(ctx, t, c)
	w.write("rows", 1)
	fake.ControlKey(int16(kmsg.ListTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.DropControl()
		fake.SleepControl(func() { w.end(kgo.TryCommit) })
		return nil, nil, false
	})
	if open := openIn(ctx, t, cl, "rows"); len(open) != 0 {
		t.Errorf("ended meanwhile: %+v", open)
	}
	w.write("rows", 1)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeProducers}, Topic: "rows", Partitions: []int32{1}, Err: kerr.UnknownServerError})
	open, err := kafkaconn.OpenTransactions(ctx, cl, "rows")
	if len(open) != 1 || !errors.Is(err, kerr.UnknownServerError) || !strings.Contains(err.Error(), "rows/1") {
		t.Errorf("one partition refuses: %+v, %v", open, err)
	}
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListTransactions}, TopLevel: true})
	open, err = kafkaconn.OpenTransactions(ctx, cl, "rows")
	if len(open) != 1 || open[0].Hanging || err == nil || !strings.Contains(err.Error(), "list transactions of 1 producers") {
		t.Errorf("coordinators refuse: %+v, %v", open, err)
	}
	w.end(kgo.TryAbort)
}

func TestEndCommandQuotes(t *testing.T) {
	o := kafkaconn.OpenTransaction{TransactionalID: "it's; rm"}
	if got, want := o.EndCommand("a:1,b:2"), `kafka-transactions.sh --bootstrap-server a:1,b:2 forceTerminateTransaction --transactionalId 'it'\''s; rm'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
