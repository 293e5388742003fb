package kafkaconn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// lateTable holds a client while it gives the records that waited for a new topic their
// partitions: at the one that gets none, when those before are on their way, and before
// the topic is in the client's table.
type lateTable struct {
	held    chan struct{} // closed when the client stands there
	release chan struct{} // closed to let it go on
}

const nowhere = "goes nowhere"

func (l lateTable) ForTopic(string) kgo.TopicPartitioner { return l }
func (l lateTable) RequiresConsistency(*kgo.Record) bool { return true }
func (l lateTable) Partition(r *kgo.Record, _ int) (part int) {
	if string(r.Value) != nowhere {
		return 0
	}
	close(l.held)
	<-l.release
	return -1
}

// TestEndTransaction: a transaction in a topic that is new to the client is committed, and
// so is the next one, however late the topic comes into the client's table.
func TestEndTransaction(t *testing.T) {
	for name, c := range map[string]struct {
		beside bool // the transaction is also in a topic that is known
		like   []kfake.Opt
	}{
		"alone":               {},
		"beside another":      {beside: true},
		"alone, 3.8":          {like: []kfake.Opt{kfake.MaxVersions(kversion.V3_8_0())}},
		"beside another, 3.8": {beside: true, like: []kfake.Opt{kfake.MaxVersions(kversion.V3_8_0())}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, "known", "new")}, c.like...)...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fake.Close)
			ctx, config := deadline(t), kafkaconn.Config{Brokers: fake.ListenAddrs()}
			late := lateTable{make(chan struct{}), make(chan struct{})}
			w := &txn{t: t, ctx: ctx, cl: dial(t, config, kgo.TransactionalID("txn"), kgo.RecordPartitioner(late))}
			if c.beside {
				w.write("known", 1)
			} else if err := w.cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			first := w.writeLate(fake, late)
			ended := make(chan error, 1)
			go func() { ended <- kafkaconn.EndTransaction(ctx, w.cl, kgo.TryCommit, first) }()
			select {
			case err := <-ended:
				t.Errorf("ended with %v before the client knew the topic", err)
				ended <- err
			case <-time.After(100 * time.Millisecond): // so long it would not have taken
			}
			close(late.release)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if err := w.cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			second := &kgo.Record{Topic: "new", Value: []byte("second")}
			if err := w.cl.ProduceSync(ctx, second).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if err := kafkaconn.EndTransaction(ctx, w.cl, kgo.TryCommit, second); err != nil {
				t.Fatal(err)
			}
			if got := committed(ctx, t, config, "new", "second"); got != "first second" {
				t.Errorf("committed: %s", got)
			}
		})
	}
}

// writeLate writes a record to the new topic, which comes late into the client's table,
// and returns it when it is acknowledged.
func (w *txn) writeLate(fake *kfake.Cluster, late lateTable) *kgo.Record {
	w.t.Helper()
	// Both records have to wait for the topic: it is told of when they do.
	waiting, done := make(chan struct{}), make(chan error, 1)
	fake.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		<-waiting
		return nil, nil, false
	})
	first := &kgo.Record{Topic: "new", Value: []byte("first")}
	w.cl.Produce(w.ctx, first, func(_ *kgo.Record, err error) { done <- err })
	w.cl.Produce(w.ctx, &kgo.Record{Topic: "new", Value: []byte(nowhere)}, nil)
	close(waiting)
	<-late.held
	if err := <-done; err != nil {
		w.t.Fatal(err)
	}
	return first
}

// committed reads with read_committed up to a record, and joins what it got.
func committed(ctx context.Context, t *testing.T, c kafkaconn.Config, topic, last string) string {
	t.Helper()
	cl := dial(t, c, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	var got []string
	for len(got) == 0 || got[len(got)-1] != last {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return strings.Join(got, " ")
}

// TestEndTransactionNeverKnown: what never comes into the client's table is told of, and
// nothing is ended.
func TestEndTransactionNeverKnown(t *testing.T) {
	c := standin(t, kfake.SeedTopics(1, "new"))
	ctx := deadline(t)
	w := newTxn(ctx, t, c)
	w.write("new", 1)
	over, cancel := context.WithCancel(ctx)
	cancel()
	err := kafkaconn.EndTransaction(over, w.cl, kgo.TryCommit, &kgo.Record{Topic: "other", Partition: 3})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "other/3") {
		t.Errorf("ended with %v", err)
	}
	if open := openIn(ctx, t, dial(t, c), "new"); len(open) != 1 {
		t.Errorf("open: %+v, want the one", open)
	}
	w.end(kgo.TryAbort)
}
