package kafkaconn_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestOffsets(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)

	w := newTxn(ctx, t, c)
	w.write(topic.Name, 3)
	w.end(kgo.TryCommit) // rows 0..2, marker 3
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 4 })
	w.write(topic.Name, 2) // rows 4 and 5, undecided
	cut := kadm.Offsets{}
	cut.Add(kadm.Offset{Topic: topic.Name, Partition: 0, At: 1})
	if _, err := kadm.NewClient(cl).DeleteRecords(ctx, cut); err != nil {
		t.Fatal(err)
	}

	got, err := kafkaconn.Offsets(ctx, cl, topic.Name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int32]kafkaconn.Bounds{0: {LogStart: 1, LSO: 4, HighWatermark: 6}, 1: {}}
	if !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.end(kgo.TryAbort)
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 7 && b.HighWatermark == 7 })

	if got, err := kafkaconn.Offsets(ctx, cl, unique("nowhere")); !errors.Is(err, kafkaconn.ErrNoTopic) {
		t.Errorf("missing topic: %v, %v; want ErrNoTopic", got, err)
	}
}

// One partition with one answer missing hides no other, and is not half there.
func TestOffsetsOfSomePartitions(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	fake.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		stable := req.(*kmsg.ListOffsetsRequest).IsolationLevel == 1
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range req.(*kmsg.ListOffsetsRequest).Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = topic.Topic
			for _, asked := range topic.Partitions {
				rp := kmsg.NewListOffsetsResponseTopicPartition()
				rp.Partition, rp.Offset = asked.Partition, 5
				if asked.Partition == 1 && stable {
					rp.ErrorCode = kerr.UnknownServerError.Code
				}
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	got, err := kafkaconn.Offsets(deadline(t), dial(t, kafkaconn.Config{Brokers: fake.ListenAddrs()}), "rows")
	if want := map[int32]kafkaconn.Bounds{0: {LogStart: 5, LSO: 5, HighWatermark: 5}}; !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !errors.Is(err, kerr.UnknownServerError) || !strings.Contains(err.Error(), "last stable offset of rows/1") {
		t.Errorf("error %v", err)
	}
}

func TestOffsetForLeaderEpoch(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	w := newTxn(ctx, t, c)
	w.write(topic.Name, 5)
	w.end(kgo.TryCommit)
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 6 })

	epoch := topic.Partitions[0].LeaderEpoch
	got, err := kafkaconn.OffsetForLeaderEpoch(ctx, cl, topic.Name, 0, epoch)
	if want := (kafkaconn.EpochEnd{Epoch: epoch, Offset: 6}); err != nil || got != want {
		t.Errorf("epoch %d: %+v, %v; want %+v", epoch, got, err, want)
	}
	got, err = kafkaconn.OffsetForLeaderEpoch(ctx, cl, topic.Name, 0, epoch+1)
	if want := (kafkaconn.EpochEnd{Epoch: -1, Offset: -1}); err != nil || got != want {
		t.Errorf("epoch %d: %+v, %v; want %+v", epoch+1, got, err, want)
	}
}

func TestGroup(t *testing.T) {
	ctx, cl := deadline(t), dial(t, cluster(t))
	topic := newTopic(ctx, t, cl, 3, nil)
	group := unique("readers")
	got, err := kafkaconn.Committed(ctx, cl, group, topic.Name)
	if err != nil || len(got) != 0 {
		t.Errorf("group that never was: %v, %v; want nothing", got, err)
	}
	want := map[int32]int64{0: 0, 2: 17}
	if err := kafkaconn.CommitGroup(ctx, cl, group, topic.Name, want); err != nil {
		t.Fatal(err)
	}
	got, err = kafkaconn.Committed(ctx, cl, group, topic.Name)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := kafkaconn.Committed(ctx, cl, group, unique("other")); err != nil || len(got) != 0 {
		t.Errorf("topic the group never read: %v, %v; want nothing", got, err)
	}
}

// By time: the first record at or after it, in a partition's own order, rows of an open
// transaction among them; -1 behind the last record.
func TestOffsetsAfter(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 3, nil)
	at := func(second int) time.Time {
		return time.UnixMilli(1_790_000_000_000).Add(time.Duration(second) * time.Second)
	}
	w := dial(t, c, kgo.TransactionalID(unique("writer")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := w.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for partition, seconds := range map[int32][]int{0: {0, 10, 20}, 1: {30, 5, 40}} {
		for _, s := range seconds {
			r := &kgo.Record{Topic: topic.Name, Partition: partition, Timestamp: at(s), Value: []byte("row")}
			if err := w.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, q := range []struct {
		asked map[int32]int
		want  map[int32]int64
	}{
		{map[int32]int{0: 0, 1: 0, 2: 0}, map[int32]int64{0: 0, 1: 0, 2: -1}},
		{map[int32]int{0: 10, 1: 31}, map[int32]int64{0: 1, 1: 2}},
		{map[int32]int{0: 11, 1: 10}, map[int32]int64{0: 2, 1: 0}},
		{map[int32]int{0: 21, 1: 41}, map[int32]int64{0: -1, 1: -1}},
		{map[int32]int{}, map[int32]int64{}},
	} {
		asked := map[int32]int64{}
		for partition, s := range q.asked {
			asked[partition] = at(s).UnixMilli()
		}
		got, err := kafkaconn.OffsetsAfter(ctx, cl, topic.Name, asked)
		if err != nil || !maps.Equal(got, q.want) {
			t.Errorf("%v: %v, %v; want %v", q.asked, got, err, q.want)
		}
	}
	if got, err := kafkaconn.OffsetsAfter(ctx, cl, topic.Name, map[int32]int64{0: 0, 7: 0}); err == nil {
		t.Errorf("a partition that is not there: %v", got)
	}
	if err := w.EndTransaction(ctx, kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}
