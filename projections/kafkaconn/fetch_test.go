package kafkaconn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

var soon = kafkaconn.FetchOptions{MaxWait: 200 * time.Millisecond, MinBytes: 1, MaxBytes: 1 << 20, ReadCommitted: true}

// batchOffsets walks the batch headers: base offset at 0, length at 8
// (https://kafka.apache.org/documentation/#recordbatch).
func batchOffsets(batches []byte) (bases []int64) {
	for len(batches) >= 61 {
		n := 12 + int(binary.BigEndian.Uint32(batches[8:]))
		if n > len(batches) {
			return bases
		}
		bases = append(bases, int64(binary.BigEndian.Uint64(batches)))
		batches = batches[n:]
	}
	return bases
}

func TestFetch(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)
	w := newTxn(ctx, t, c)
	w.write(topic.Name, 2)
	w.end(kgo.TryCommit) // rows 0 1, marker 2
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 3 })
	w.write(topic.Name, 2)
	w.end(kgo.TryAbort) // aborted 3 4, marker 5
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 6 })
	w.write(topic.Name, 2) // undecided 6 7
	defer w.end(kgo.TryAbort)

	p := topic.Partitions[0]
	ask := []kafkaconn.FetchPartition{
		{Partition: 1, Offset: 0, MaxBytes: 1 << 20, LeaderEpoch: topic.Partitions[1].LeaderEpoch},
		{Partition: 0, Offset: 1, MaxBytes: 1 << 20, LeaderEpoch: p.LeaderEpoch},
	}
	got, err := kafkaconn.Fetch(ctx, cl, p.Leader, topic, ask, soon)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if e := got[0]; e.Partition != 1 || e.Err != nil || e.HighWatermark != 0 || len(e.RecordBatches) != 0 {
		t.Errorf("empty partition: %+v", e)
	}
	f := got[1]
	if f.Err != nil || f.Partition != 0 || f.Offset != 1 || f.HighWatermark != 8 || f.LSO != 6 || f.LogStart != 0 || f.PreferredReadReplica != -1 {
		t.Errorf("partition 0: %+v", f)
	}
	if bases := fmt.Sprint(batchOffsets(f.RecordBatches)); bases != "[1 2 3 4 5]" {
		t.Errorf("read_committed batches %s, want 1 to 5", bases)
	}
	pid, _, err := w.cl.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := []kafkaconn.Aborted{{ProducerID: pid, FirstOffset: 3}}; fmt.Sprint(f.Aborted) != fmt.Sprint(want) {
		t.Errorf("aborted %v, want %v", f.Aborted, want)
	}

	kept := bytes.Clone(f.RecordBatches)
	all := soon
	all.ReadCommitted = false
	again, err := kafkaconn.Fetch(ctx, cl, p.Leader, topic, ask[1:], all)
	if err != nil || len(again) != 1 || again[0].Err != nil {
		t.Fatalf("got %+v, %v", again, err)
	}
	if bases := fmt.Sprint(batchOffsets(again[0].RecordBatches)); bases != "[1 2 3 4 5 6 7]" || len(again[0].Aborted) != 0 {
		t.Errorf("read_uncommitted batches %s, aborted %v; want 1 to 7 and none", bases, again[0].Aborted)
	}
	if !bytes.Equal(kept, f.RecordBatches) {
		t.Error("a later fetch changed the bytes of an earlier one")
	}
}

// A broker without topic ids is asked by name; a broker with them must answer
// that too, or the path could not be taken on the way up.
func TestFetchByName(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	w := newTxn(ctx, t, c)
	w.write(topic.Name, 1)
	w.end(kgo.TryCommit)
	reaches(ctx, t, cl, topic.Name, func(b kafkaconn.Bounds) bool { return b.LSO == 2 })
	topic.ID = [16]byte{}
	got, err := kafkaconn.Fetch(ctx, cl, topic.Partitions[0].Leader, topic, []kafkaconn.FetchPartition{{MaxBytes: 1 << 20, LeaderEpoch: -1}}, soon)
	if err != nil || got[0].Err != nil || len(batchOffsets(got[0].RecordBatches)) != 2 {
		t.Errorf("got %+v, %v; want two batches", got, err)
	}
}

func TestFetchRefused(t *testing.T) {
	c := cluster(t)
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	p := topic.Partitions[0]
	fetch := func(topic kafkaconn.Topic, part kafkaconn.FetchPartition) error {
		part.MaxBytes = 1 << 20
		got, err := kafkaconn.Fetch(ctx, cl, p.Leader, topic, []kafkaconn.FetchPartition{part}, soon)
		if err != nil {
			return err
		}
		return got[0].Err
	}
	where := fmt.Sprintf("fetch %s/0 at 44 from broker %d: ", topic.Name, p.Leader)
	err := fetch(topic, kafkaconn.FetchPartition{Offset: 44, LeaderEpoch: p.LeaderEpoch})
	if !errors.Is(err, kerr.OffsetOutOfRange) || !strings.HasPrefix(err.Error(), where) {
		t.Errorf("beyond the end: %v; want %sOFFSET_OUT_OF_RANGE", err, where)
	}
	if err := fetch(topic, kafkaconn.FetchPartition{LeaderEpoch: p.LeaderEpoch + 1}); !errors.Is(err, kerr.UnknownLeaderEpoch) {
		t.Errorf("epoch to come: %v", err)
	}
	remake(ctx, t, cl, topic.Name)
	if err := fetch(topic, kafkaconn.FetchPartition{LeaderEpoch: -1}); !errors.Is(err, kerr.UnknownTopicID) {
		t.Errorf("topic made anew: %v", err)
	}
	if _, err := kafkaconn.Fetch(ctx, cl, 4711, topic, []kafkaconn.FetchPartition{{Partition: 3, Offset: 7}}, soon); err == nil || !strings.Contains(err.Error(), "3@7 from broker 4711") {
		t.Errorf("no such broker: %v", err)
	}
}

func TestFetchFromFormerEpoch(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	ctx, cl := deadline(t), dial(t, kafkaconn.Config{Brokers: fake.ListenAddrs()})
	before, err := kafkaconn.Describe(ctx, cl, "rows")
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.MoveTopicPartition("rows", 0, before.Partitions[0].Leader); err != nil {
		t.Fatal(err)
	}
	after, err := kafkaconn.Describe(ctx, cl, "rows")
	if err != nil || after.Partitions[0].LeaderEpoch <= before.Partitions[0].LeaderEpoch {
		t.Fatalf("after an election: %+v, %v", after.Partitions, err)
	}
	got, err := kafkaconn.Fetch(ctx, cl, 0, before, []kafkaconn.FetchPartition{{MaxBytes: 1 << 20, LeaderEpoch: before.Partitions[0].LeaderEpoch}}, soon)
	if err != nil || !errors.Is(got[0].Err, kerr.FencedLeaderEpoch) {
		t.Errorf("got %+v, %v; want FENCED_LEADER_EPOCH", got, err)
	}
}

func TestFetchAnswersThatDoNotFit(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	ctx, cl := deadline(t), dial(t, kafkaconn.Config{Brokers: fake.ListenAddrs()})
	topic, err := kafkaconn.Describe(ctx, cl, "rows")
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(answer func(*kmsg.FetchResponse)) error {
		fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.FetchResponse)
			answer(resp)
			return resp, nil, true
		})
		ask := []kafkaconn.FetchPartition{{Partition: 0, Offset: 5, LeaderEpoch: -1}, {Partition: 1, Offset: 6, LeaderEpoch: -1}}
		_, err := kafkaconn.Fetch(ctx, cl, 0, topic, ask, soon)
		return err
	}
	err = fetch(func(r *kmsg.FetchResponse) { r.ErrorCode = kerr.UnknownServerError.Code })
	if !errors.Is(err, kerr.UnknownServerError) || !strings.HasPrefix(err.Error(), "fetch rows 0@5 1@6 from broker 0: ") {
		t.Errorf("refused as a whole: %v", err)
	}
	err = fetch(func(r *kmsg.FetchResponse) {
		rt := kmsg.NewFetchResponseTopic()
		rt.TopicID = topic.ID
		rt.Partitions = append(rt.Partitions, kmsg.NewFetchResponseTopicPartition())
		r.Topics = append(r.Topics, rt)
	})
	if err == nil || !strings.Contains(err.Error(), "rows/1 at 6 from broker 0: no answer") {
		t.Errorf("a partition without answer: %v", err)
	}
}
