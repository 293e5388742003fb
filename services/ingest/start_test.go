package ingest_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

func TestStartLatestAndNewPartition(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 10)
	src := source(c, topic)
	src.Start.At = domain.StartLatest
	conf := config(src)
	conf.Refresh = 100 * time.Millisecond
	r := newRig(ctx, t)
	p := r.start(conf)
	p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
	produce(ctx, t, cl, topic, 0, 5)
	r.reaches(p, 0, cl, topic)
	if _, err := kadm.NewClient(cl).UpdatePartitions(ctx, 2, topic); err != nil {
		t.Fatal(err)
	}
	wait(ctx, t, "new partition", func() (bool, string) {
		return len(p.shard.Sources()[0].Partitions) == 2, p.said.String()
	})
	produce(ctx, t, dial(t, c), topic, 1, 7)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	// One more, while nobody looks: it begins at the log start as well.
	if _, err := kadm.NewClient(cl).UpdatePartitions(ctx, 3, topic); err != nil {
		t.Fatal(err)
	}
	wait(ctx, t, "third partition", func() (bool, string) {
		bounds, err := kafkaconn.Offsets(ctx, cl, topic)
		return err == nil && len(bounds) == 3, ""
	})
	produce(ctx, t, dial(t, c), topic, 2, 3)
	p = r.start(conf)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	books := r.books()
	for partition, want := range []struct {
		policy string
		first  int64
		rows   int
	}{{"latest-offset", 10, 5}, {"earliest-offset", 0, 7}, {"earliest-offset", 0, 3}} {
		at := place{"a", 1, int32(partition)}
		a := books[at]
		if a == nil || a.policy != want.policy || a.start.First != want.first || len(a.rows) != want.rows {
			t.Errorf("%s: %+v, want %+v", at, a, want)
			continue
		}
		r.matches(c, topic, at, a)
	}
}

// Two shards share the partitions of a topic, each by the hub partition it goes to.
func TestShards(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 4, nil)
	for partition := range int32(4) {
		produce(ctx, t, cl, topic, partition, 5)
	}
	r := newRig(ctx, t)
	src := source(c, topic)
	src.Base = 1
	for shard := range 2 {
		conf := config(src)
		conf.Shard, conf.Shards = shard, 2
		p := r.start(conf)
		got := p.status(ctx, "ten rows", 0, func(s ingest.SourceStatus) bool { return s.Rows == 10 })
		for _, at := range got.Partitions {
			if int(at.Partition+src.Base)%2 != shard {
				t.Errorf("shard %d reads partition %d", shard, at.Partition)
			}
		}
		_ = p.stop()
	}
}

// The log end is asked for before the offsets by time: a row that comes between the two
// questions would be skipped the other way round.
func TestStartAsksForTheEndFirst(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t, kfake.SeedTopics(1, "rows"))
	var mu sync.Mutex
	var asked []int64 // -2 log start, -1 log end, else a time
	fake.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for _, topic := range req.(*kmsg.ListOffsetsRequest).Topics {
			for _, p := range topic.Partitions {
				asked = append(asked, p.Timestamp)
			}
		}
		return nil, nil, false
	})
	src := source(c, "rows")
	src.Start = domain.StartSpec{At: domain.StartTimestamp, Timestamp: 7}
	src.Stop = domain.StopSpec{At: domain.StopTimestamp, Timestamp: 8}
	r := newRig(ctx, t)
	r.finishes(r.start(config(src)), 0)
	mu.Lock()
	defer mu.Unlock()
	if want := []int64{-2, -1, -1, 7, 8}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}
