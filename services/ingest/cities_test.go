package ingest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// nobody is an address at which nothing listens, and never will: no system gives that port
// to who asks for any.
func nobody() kafkaconn.Config { return kafkaconn.Config{Brokers: []string{"127.0.0.1:1"}} }

// A city that is not there, and one that never answers a fetch, hold nobody up; each is
// complained of once.
func TestDeadCities(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)
	asleep, sleeper := standin(t, kfake.SeedTopics(1, "rows"))
	produce(ctx, t, dial(t, sleeper), "rows", 0, 5)
	sleeping, wake := context.WithCancel(ctx)
	defer wake()
	asleep.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		asleep.KeepControl()
		asleep.SleepControl(func() { <-sleeping.Done() })
		return nil, nil, false
	})
	gone := source(nobody(), "rows")
	gone.ID = "gone"
	slow := source(sleeper, "rows")
	slow.ID = "slow"
	r := newRig(ctx, t)
	p := r.start(config(gone, slow, source(c, topic)))
	produce(ctx, t, cl, topic, 0, 500)
	produce(ctx, t, cl, topic, 1, 500)
	r.reaches(p, 2, cl, topic)
	s := p.status(ctx, "retrying", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Retrying })
	if !strings.Contains(s.Error, "connection refused") {
		t.Errorf("status of the city that is gone: %s", s.Error)
	}
	pass(t, 500*time.Millisecond) // some more attempts
	_ = p.stop()
	if n := strings.Count(p.said.String(), "source=gone"); n != 1 || !strings.Contains(p.said.String(), "brokers="+gone.Kafka.Brokers[0]) {
		t.Errorf("said %d times:\n%s", n, p.said)
	}
	books := r.books()
	r.matches(c, topic, place{"a", 1, 0}, books[place{"a", 1, 0}])
}

// Leaders move from broker to broker all the time.
func TestLeadersMove(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t, kfake.NumBrokers(3), kfake.SeedTopics(3, "rows"))
	cl := dial(t, c)
	r := newRig(ctx, t)
	p := r.start(config(source(c, "rows")))
	for i := range 30 {
		produce(ctx, t, cl, "rows", int32(i%3), 20)
		if err := fake.MoveTopicPartition("rows", int32(i%3), int32((i/3)%3)); err != nil {
			t.Fatal(err)
		}
	}
	r.reaches(p, 0, cl, "rows")
	p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running && s.Error == "" })
	_ = p.stop()
	books := r.books()
	for partition := range int32(3) {
		r.matches(c, "rows", place{"a", 1, partition}, books[place{"a", 1, partition}])
	}
}

// While the journal takes nothing, memory stays within its bound; and once it takes
// events again, a city with few rows does not wait for one with many.
func TestQueueBound(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(32<<10))
	busy, calm := newTopic(ctx, t, cl, 4, nil), newTopic(ctx, t, cl, 1, nil)
	r := newRig(ctx, t)
	room := r.withoutRoom(ctx)
	few := source(c, calm)
	few.ID = "b"
	conf := config(source(c, busy), few)
	conf.QueueBytes, conf.EventBytes, conf.FetchBytes = 1<<20, 64<<10, 128<<10
	p := r.start(conf)
	for n := range 2 {
		p.status(ctx, "running", n, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
	}
	for partition := range int32(4) {
		produce(ctx, t, cl, busy, partition, 8000)
	}
	var held int64 // the most; a fetch that brings nothing gives back what it reserved, and reserves it again
	since := time.Now()
	wait(ctx, t, "a full queue", func() (bool, string) {
		q := p.shard.Queue()
		if q.Held > held {
			held, since = q.Held, time.Now()
		}
		return held > 256<<10 && time.Since(since) > 300*time.Millisecond, ""
	})
	produce(ctx, t, cl, calm, 0, 1)
	p.status(ctx, "the calm city's row is queued, and the next ones are asked for", 1, func(s ingest.SourceStatus) bool {
		return len(s.Partitions) == 1 && s.Partitions[0].HighWatermark == 1 && p.shard.Queue().Held > held
	})
	close(room)
	r.reaches(p, 0, cl, busy)
	r.reaches(p, 1, cl, calm)
	if q := p.shard.Queue(); q.Peak > q.Limit+4*(32<<10) || q.Held > q.Peak {
		t.Errorf("queue %+v", q)
	}
	_ = p.stop()
	before := 0 // events with rows before the calm city's
	for _, e := range r.events() {
		ev, ok := e.Event.(*domain.Ingested)
		if !ok {
			continue
		}
		calmRow := false
		for _, run := range ev.Runs {
			calmRow = calmRow || run.Source == "b"
		}
		if calmRow {
			break
		}
		before++
	}
	if before > 2 { // the one in flight, and the one that was being made
		t.Errorf("the calm city's row came after %d events of the busy one", before)
	}
}
