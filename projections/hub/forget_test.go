package hub_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestFence: whoever has a transaction of the shard open cannot commit it any more, and it holds
// nothing back.
func TestFence(t *testing.T) {
	w := newWorld(t)
	cl, err := kafkaconn.Dial(w.cfg.Kafka, kgo.TransactionalID("hefu-"+w.j.Pipeline()+"-0"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer cl.Close()
	must(t, cl.BeginTransaction())
	r := &kgo.Record{Topic: w.cfg.Pipeline.HubTopic, Partition: 0, Value: []byte("of an old owner")}
	must(t, cl.ProduceSync(w.ctx, r).FirstErr())
	cfg := w.cfg
	cfg.Semantic = domain.AtLeastOnce // which promises no transactions
	must(t, hub.Fence(w.ctx, cfg, w.j.Pipeline()))
	if b, err := kafkaconn.Offsets(w.ctx, w.cl, w.cfg.Pipeline.HubTopic); err != nil || b[0].LSO != 0 {
		t.Errorf("the hub is at %+v, %v", b[0], err)
	}
	cfg.Semantic = domain.ExactlyOnce
	must(t, hub.Fence(w.ctx, cfg, w.j.Pipeline()))
	if err := kafkaconn.EndTransaction(w.ctx, cl, kgo.TryCommit, r); err == nil {
		t.Error("the old owner committed")
	}
	if b, err := kafkaconn.Offsets(w.ctx, w.cl, w.cfg.Pipeline.HubTopic); err != nil || b[0].LSO != b[0].HighWatermark || b[0].LSO == 0 {
		t.Errorf("the hub is at %+v, %v", b[0], err)
	}
}

// TestForget: what the hub remembers of a journal is gone, and stays gone when it is asked again;
// what it remembers of the one that is kept stays.
func TestForget(t *testing.T) {
	w := newWorld(t)
	must(t, hub.Forget(w.ctx, w.cfg, domain.JournalID{})) // not even a topic
	w.ensureProgress()
	w.tells(2, w.signed(w.control2()))
	w.tells(3, w.signed(w.control2()))
	must(t, hub.Forget(w.ctx, w.cfg, w.j.ID()))
	if anchors, err := hub.Anchors(w.ctx, w.cfg); err != nil || len(anchors) == 0 {
		t.Errorf("the kept journal is forgotten: %v, %v", anchors, err)
	}
	// One that nobody signed speaks for nobody.
	r := &kgo.Record{Topic: w.cfg.ProgressTopic, Partition: 0, Key: []byte("0/checkpoint/9"), Value: []byte("no checkpoints")}
	cl, err := kafkaconn.Dial(w.cfg.Kafka, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer cl.Close()
	must(t, cl.ProduceSync(w.ctx, r).FirstErr())
	for range 2 {
		must(t, hub.Forget(w.ctx, w.cfg, domain.JournalID{1}))
		w.remembers()
	}
}
