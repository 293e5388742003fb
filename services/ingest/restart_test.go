package ingest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// keepProducing writes to two partitions, with transactions of both ends, until it is
// told to stop.
func keepProducing(ctx context.Context, t *testing.T, cl, txn *kgo.Client, topic string, seed uint64) (stop func()) {
	var wg sync.WaitGroup
	inner, cancel := context.WithCancel(ctx)
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(seed, 1))
		for inner.Err() == nil {
			produce(ctx, t, cl, topic, rnd.Int32N(2), 1+rnd.IntN(40))
			if rnd.IntN(4) > 0 {
				continue
			}
			if err := txn.BeginTransaction(); err != nil {
				t.Error(err)
				return
			}
			produce(ctx, t, txn, topic, rnd.Int32N(2), 1+rnd.IntN(10))
			if err := kafkaconn.EndTransaction(ctx, txn, kgo.TransactionEndTry(rnd.IntN(2) == 0), &kgo.Record{Topic: topic}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// A process may die at any moment, and any append may fail, having happened or not.
func TestRestartAnywhere(t *testing.T) {
	for seed := range uint64(6) {
		ctx, c := deadline(t), kafka(t)
		cl := dial(t, c)
		topic := newTopic(ctx, t, cl, 2, nil)
		stop := keepProducing(ctx, t, dial(t, c), dial(t, c, kgo.TransactionalID(unique("txn"))), topic, seed)
		r := newRig(ctx, t)
		faults := rand.New(rand.NewPCG(seed, 2))
		var mu sync.Mutex
		r.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
			if s.Leg != domain.LegIngest {
				return journal.FaultNone
			}
			mu.Lock()
			defer mu.Unlock()
			return journal.Fault(max(0, faults.IntN(6)-3)) // a third of the appends
		}
		conf := config(source(c, topic))
		conf.EventBytes, conf.FetchBytes = 8<<10, 16<<10
		rnd := rand.New(rand.NewPCG(seed, 3))
		for range 8 {
			p := r.start(conf)
			select {
			case <-ctx.Done():
				t.Fatal(p.said)
			case <-time.After(time.Duration(rnd.IntN(120)) * time.Millisecond):
			}
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		p := r.start(conf)
		r.reaches(p, 0, cl, topic)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		books := r.books()
		for partition := range int32(2) {
			at := place{"a", 1, partition}
			r.matches(c, topic, at, books[at])
		}
	}
}

// A second owner takes over: the first one stops for good, and nothing is doubled.
func TestTwoOwners(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)
	stop := keepProducing(ctx, t, dial(t, c), dial(t, c, kgo.TransactionalID(unique("txn"))), topic, 1)
	r := newRig(ctx, t)
	first := r.start(config(source(c, topic)))
	wait(ctx, t, "rows of the first owner", func() (bool, string) { return first.shard.Sources()[0].Rows > 0, first.said.String() })
	second := r.start(config(source(c, topic)))
	wait(ctx, t, "rows of the second owner", func() (bool, string) { return second.shard.Sources()[0].Rows > 100, second.said.String() })
	select {
	case <-first.ended:
	case <-ctx.Done():
		t.Fatal("the first owner goes on")
	}
	stop()
	r.reaches(second, 0, cl, topic)
	var fenced *journal.FencedError
	if err := first.stop(); !errors.As(err, &fenced) {
		t.Errorf("first owner ended with %v, want to be fenced", err)
	}
	if err := second.stop(); err != nil {
		t.Error(err)
	}
	books := r.books()
	for partition := range int32(2) {
		r.matches(c, topic, place{"a", 1, partition}, books[place{"a", 1, partition}])
	}
}

// The journal that Hefu brings along, restarted.
func TestEmbeddedJournal(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)
	dir := t.TempDir()
	for range 2 {
		t.Run("", func(t *testing.T) {
			server, err := embedded.Open(ctx, dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := server.Close(); err != nil {
					t.Error(err)
				}
			})
			produce(ctx, t, cl, topic, 0, 3000)
			produce(ctx, t, cl, topic, 1, 10)
			r := newRigOn(ctx, t, journal.Options{Store: server.Store(), Manifest: server.Manifest()})
			p := r.start(config(source(c, topic)))
			r.reaches(p, 0, cl, topic)
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			books := r.books()
			for partition := range int32(2) {
				r.matches(c, topic, place{"a", 1, partition}, books[place{"a", 1, partition}])
			}
		})
	}
}

// A clock that was set back does not show in the journal, also not after a restart.
func TestClockSetBack(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	var hours atomic.Int64
	r := newRigOn(ctx, t, journal.Options{Store: journal.NewMemory(), Now: func() time.Time {
		return time.Now().Add(-time.Duration(hours.Load()) * time.Hour)
	}})
	for range 3 {
		p := r.start(config(source(c, topic)))
		for range 2 {
			produce(ctx, t, cl, topic, 0, 1)
			r.reaches(p, 0, cl, topic)
			hours.Add(1)
		}
		_ = p.stop()
	}
	r.books()
}
