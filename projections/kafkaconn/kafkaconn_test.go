package kafkaconn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is where the suite runs: the real broker that HEFU_TEST_KAFKA names
// (host:port, tools/kafka starts one), or a stand-in in memory.
func cluster(t *testing.T) kafkaconn.Config {
	t.Helper()
	if addr := os.Getenv("HEFU_TEST_KAFKA"); addr != "" {
		return kafkaconn.Config{Brokers: []string{addr}}
	}
	return standin(t)
}

// standin is a kfake cluster with options of its own, for what no real broker
// that happens to be there can be asked to do.
func standin(t *testing.T, opts ...kfake.Opt) kafkaconn.Config {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return kafkaconn.Config{Brokers: c.ListenAddrs()}
}

func dial(t *testing.T, c kafkaconn.Config, extra ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kafkaconn.Dial(c, extra...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// newTopic makes a topic under a name that no earlier run has used, and removes
// it at the end.
func newTopic(ctx context.Context, t *testing.T, cl *kgo.Client, partitions int32, config map[string]string) kafkaconn.Topic {
	t.Helper()
	name := unique("rows")
	if err := kafkaconn.EnsureTopic(ctx, cl, name, partitions, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = kadm.NewClient(cl).DeleteTopic(context.WithoutCancel(ctx), name) })
	// A real broker names itself leader a moment before its log knows the epoch,
	// and a fetch of then is refused with UNKNOWN_LEADER_EPOCH.
	for _, err := kafkaconn.Offsets(ctx, cl, name); err != nil; _, err = kafkaconn.Offsets(ctx, cl, name) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	topic, err := kafkaconn.Describe(ctx, cl, name)
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

// remake deletes a topic and makes it anew under its name.
func remake(ctx context.Context, t *testing.T, cl *kgo.Client, topic string) {
	t.Helper()
	if _, err := kadm.NewClient(cl).DeleteTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := kafkaconn.Describe(ctx, cl, topic)
		if errors.Is(err, kafkaconn.ErrNoTopic) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := kafkaconn.EnsureTopic(ctx, cl, topic, 1, nil); err != nil {
		t.Fatal(err)
	}
}

func unique(what string) string { return fmt.Sprintf("%s-%d", what, time.Now().UnixNano()) }

// txn is a transactional writer that puts each record into a batch of its own.
type txn struct {
	t     *testing.T
	ctx   context.Context
	cl    *kgo.Client
	wrote []*kgo.Record
}

func newTxn(ctx context.Context, t *testing.T, c kafkaconn.Config) *txn {
	t.Helper()
	return &txn{t: t, ctx: ctx, cl: dial(t, c, kgo.TransactionalID(unique("txn")), kgo.RecordPartitioner(kgo.ManualPartitioner()))}
}

// write begins a transaction, writes n records to partition 0 and leaves it open.
func (w *txn) write(topic string, n int) {
	w.t.Helper()
	if err := w.cl.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		r := &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "row %d", i)}
		if err := w.cl.ProduceSync(w.ctx, r).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
		w.wrote = append(w.wrote, r)
	}
}

func (w *txn) end(how kgo.TransactionEndTry) {
	w.t.Helper()
	if err := kafkaconn.EndTransaction(w.ctx, w.cl, how, w.wrote...); err != nil {
		w.t.Fatal(err)
	}
}

// reaches waits until ok is true of the partition's bounds: markers follow the
// end of a transaction with a delay.
func reaches(ctx context.Context, t *testing.T, cl *kgo.Client, topic string, ok func(kafkaconn.Bounds) bool) kafkaconn.Bounds {
	t.Helper()
	for {
		bounds, err := kafkaconn.Offsets(ctx, cl, topic)
		if err != nil {
			t.Fatalf("last seen %+v: %v", bounds, err)
		}
		if ok(bounds[0]) {
			return bounds[0]
		}
	}
}
