package hub_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestWitnessBehindAnOpenTransaction: a process that died with a transaction open holds back
// the last stable offset until that times out; what the hub remembers is read without waiting
// for it, the checkpoints behind it too.
func TestWitnessBehindAnOpenTransaction(t *testing.T) {
	w := newWorld(t)
	w.ensureProgress()
	cl, err := kafkaconn.Dial(w.cfg.Kafka, kgo.TransactionalID("died"), kgo.TransactionTimeout(5*time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer cl.Close()
	must(t, cl.BeginTransaction())
	must(t, cl.ProduceSync(w.ctx, &kgo.Record{Topic: w.cfg.ProgressTopic, Key: []byte("another"), Value: []byte("x")}).FirstErr())
	heads := w.signed(w.control2())
	w.tells(2, heads)
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second) // an open transaction would take 30
	defer cancel()
	anchors, err := hub.Anchors(ctx, w.cfg)
	if err != nil || len(anchors) != 1 || anchors[0].Ref != heads[0].Ref {
		t.Errorf("%v, %v", anchors, err)
	}
	must(t, cl.EndTransaction(w.ctx, kgo.TryAbort))
}
