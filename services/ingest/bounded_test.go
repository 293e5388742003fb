package ingest_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// eachKafka runs a test against the stand-in, and against the real broker where
// HEFU_TEST_KAFKA names one.
func eachKafka(t *testing.T, test func(*testing.T, kafkaconn.Config)) {
	t.Run("kfake", func(t *testing.T) {
		_, c := standin(t)
		test(t, c)
	})
	t.Run("kafka", func(t *testing.T) {
		addr := os.Getenv("HEFU_TEST_KAFKA")
		if addr == "" {
			t.Skip("HEFU_TEST_KAFKA names no broker")
		}
		test(t, kafkaconn.Config{Brokers: []string{addr}})
	})
}

func bounded(c kafkaconn.Config, topic string, at domain.StopAt, offsets string) ingest.Source {
	src := source(c, topic)
	src.Stop = domain.StopSpec{At: at}
	if offsets != "" {
		src.Stop.Offsets = listed(offsets)
	}
	return src
}

// finishes waits until a source is finished at an offset of partition 0.
func (r *rig) finishes(p *process, next int64) {
	r.t.Helper()
	p.status(r.ctx, "finished", 0, func(s ingest.SourceStatus) bool {
		return s.State == ingest.Finished && len(s.Partitions) > 0 && s.Partitions[0].Next == next
	})
}

// A log whose last offsets carry no row: aborted rows and markers (FLINK-34470).
func TestBoundedEndsWithMarkers(t *testing.T) {
	for _, how := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		eachKafka(t, func(t *testing.T, c kafkaconn.Config) {
			ctx, cl := deadline(t), dial(t, c)
			topic := newTopic(ctx, t, cl, 1, nil)
			produce(ctx, t, cl, topic, 0, 5)
			w := dial(t, c, kgo.TransactionalID(unique("txn")))
			if err := w.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			produce(ctx, t, w, topic, 0, 3)
			if err := kafkaconn.EndTransaction(ctx, w, how, &kgo.Record{Topic: topic}); err != nil {
				t.Fatal(err)
			}
			r := newRig(ctx, t)
			p := r.start(config(bounded(c, topic, domain.StopLatest, "")))
			r.finishes(p, 9)
			_ = p.stop()
			a := r.books()[place{"a", 1, 0}]
			r.matches(c, topic, place{"a", 1, 0}, a)
			if a.next != 9 || a.start.Stop != 9 {
				t.Errorf("ends at %d, %+v", a.next, a.start)
			}
		})
	}
}

// The end lies inside a transaction that is still open: it is waited for, and of what
// came after it nothing is read.
func TestBoundedWaitsForTransaction(t *testing.T) {
	eachKafka(t, func(t *testing.T, c kafkaconn.Config) {
		ctx, cl := deadline(t), dial(t, c)
		topic := newTopic(ctx, t, cl, 1, nil)
		produce(ctx, t, cl, topic, 0, 5)
		w := dial(t, c, kgo.TransactionalID(unique("txn")))
		if err := w.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(ctx, t, w, topic, 0, 3)
		r := newRig(ctx, t)
		p := r.start(config(bounded(c, topic, domain.StopLatest, "")))
		p.status(ctx, "read up to the transaction", 0, func(s ingest.SourceStatus) bool {
			return s.State == ingest.Running && len(s.Partitions) == 1 && s.Partitions[0].Next == 5 && s.Partitions[0].HighWatermark == 8
		})
		produce(ctx, t, w, topic, 0, 2) // of the same transaction, behind the end
		produce(ctx, t, cl, topic, 0, 2)
		if err := kafkaconn.EndTransaction(ctx, w, kgo.TryCommit, &kgo.Record{Topic: topic}); err != nil {
			t.Fatal(err)
		}
		r.finishes(p, 8)
		_ = p.stop()
		a := r.books()[place{"a", 1, 0}]
		if len(a.rows) != 8 || a.start.StopHow != "log end, with a transaction open from 5 on" {
			t.Errorf("%d rows, %+v", len(a.rows), a.start)
		}
	})
}

// A process may die at any moment of a bounded run, and the topic goes on growing: the
// end stays the one that was found first, and every row below it is there once.
func TestBoundedRestartAnywhere(t *testing.T) {
	eachKafka(t, func(t *testing.T, c kafkaconn.Config) {
		ctx, cl := deadline(t), dial(t, c)
		topic := newTopic(ctx, t, cl, 2, nil)
		txn := dial(t, c, kgo.TransactionalID(unique("txn")))
		stop := keepProducing(ctx, t, cl, txn, topic, 1)
		wait(ctx, t, "a log worth reading", func() (bool, string) {
			b, err := kafkaconn.Offsets(ctx, cl, topic)
			return err == nil && b[0].HighWatermark > 300 && b[1].HighWatermark > 300, ""
		})
		r := newRig(ctx, t)
		r.store.OnPut = randomFaults(1)
		conf := config(bounded(c, topic, domain.StopLatest, ""))
		conf.EventBytes, conf.FetchBytes, conf.QueueBytes = 2<<10, 4<<10, 16<<10
		rnd := rand.New(rand.NewPCG(1, 3))
		for range 8 {
			p := r.start(conf)
			select {
			case <-ctx.Done():
				t.Fatal(p.said)
			case <-time.After(time.Duration(rnd.IntN(40)) * time.Millisecond):
			}
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
		}
		p := r.start(conf)
		p.status(ctx, "finished", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Finished })
		stop()
		_ = p.stop()
		books := r.books()
		for partition := range int32(2) {
			at := place{"a", 1, partition}
			a := books[at]
			if a == nil || a.next != a.start.Stop {
				t.Fatalf("%s: %+v does not end at its stop", at, a)
			}
			for offset := range a.rows {
				if offset >= a.start.Stop {
					t.Errorf("%s: row %d behind the end %d", at, offset, a.start.Stop)
				}
			}
			r.matchesBelow(c, topic, at, a, a.start.Stop)
		}
	})
}

// randomFaults fails a third of the appends to the ingest stream, having happened or not.
func randomFaults(seed uint64) func(domain.Stream, domain.Seq, [][]byte) journal.Fault {
	faults := rand.New(rand.NewPCG(seed, 2))
	var mu sync.Mutex
	return func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
		if s.Leg != domain.LegIngest {
			return journal.FaultNone
		}
		mu.Lock()
		defer mu.Unlock()
		return journal.Fault(max(0, faults.IntN(6)-3))
	}
}

// A partition that appears in a bounded source is not read, in this process nor in the
// next one.
func TestBoundedKeepsItsPartitions(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 5)
	conf := config(bounded(c, topic, domain.StopSpecificOffsets, "partition:0,offset:8"))
	conf.Refresh = 50 * time.Millisecond
	r := newRig(ctx, t)
	p := r.start(conf)
	p.status(ctx, "read", 0, func(s ingest.SourceStatus) bool { return s.Rows == 5 })
	if _, err := kadm.NewClient(cl).UpdatePartitions(ctx, 2, topic); err != nil {
		t.Fatal(err)
	}
	wait(ctx, t, "second partition", func() (bool, string) {
		bounds, err := kafkaconn.Offsets(ctx, cl, topic)
		return err == nil && len(bounds) == 2, ""
	})
	produce(ctx, t, dial(t, c), topic, 1, 3)
	_ = p.stop()
	p = r.start(conf)
	produce(ctx, t, cl, topic, 0, 5)
	r.finishes(p, 8)
	_ = p.stop()
	if books := r.books(); len(books) != 1 {
		t.Errorf("%d partitions are opened", len(books))
	}
}

// What was deleted behind the end is none of a bounded source's business.
func TestBoundedDeletedBeyondEnd(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 5)
	r := newRig(ctx, t)
	src := bounded(c, topic, domain.StopSpecificOffsets, "partition:0,offset:12")
	p := r.start(config(src))
	p.status(ctx, "read", 0, func(s ingest.SourceStatus) bool { return s.Rows == 5 })
	_ = p.stop()
	for range 20 {
		produce(ctx, t, cl, topic, 0, 1)
	}
	deleteRecords(r, cl, topic, 20)
	p = r.start(config(src))
	in := r.incident(p, domain.IncidentSourceOutOfRange)
	wantFacts(t, in, "next offset: 5", "deleted: [5,12)", "offsets: 7")
	r.resolve(in, domain.ChoiceAcceptGap)
	r.finishes(p, 12)
	_ = p.stop()
	if a := r.books()[place{"a", 1, 0}]; a.gaps[domain.ReasonDeleted] != 7 || a.next != 12 {
		t.Errorf("gaps %v, next %d", a.gaps, a.next)
	}
}

// The old end means nothing in a topic that was made anew: the new generation ends where
// the new log ended when it began.
func TestBoundedTopicMadeAnew(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 5)
	r := newRig(ctx, t)
	src := bounded(c, topic, domain.StopSpecificOffsets, "partition:0,offset:12")
	p := r.start(config(src))
	p.status(ctx, "read", 0, func(s ingest.SourceStatus) bool { return s.Rows == 5 })
	_ = p.stop()
	remake(r, cl, topic)
	produce(ctx, t, dial(t, c), topic, 0, 30)
	p = r.start(config(src))
	in := r.incident(p, domain.IncidentSourceRecreated)
	r.resolve(in, domain.ChoiceNewGeneration)
	r.finishes(p, 30)
	_ = p.stop()
	a := r.books()[place{"a", 2, 0}]
	if len(a.rows) != 30 || a.start.Stop != 30 || a.start.StopHow != "log end of the new generation" || !slices.Contains(a.by, in.ID) {
		t.Errorf("%d rows, %+v by %v", len(a.rows), a.start, a.by)
	}
}

// bounded that is changed in hefu.yaml after the first opening has no effect, and says so:
// what ended stays ended, and what had no end is read on.
func TestBoundedIsFixed(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 5)
	for _, first := range []domain.StopAt{domain.StopLatest, domain.Unbounded} {
		r := newRig(ctx, t)
		src := bounded(c, topic, first, "")
		p := r.start(config(src))
		p.status(ctx, "read", 0, func(s ingest.SourceStatus) bool { return s.Rows == 5 })
		_ = p.stop()
		src.Stop = domain.StopSpec{}
		if first == domain.Unbounded {
			src.Stop.At = domain.StopLatest
		}
		p = r.start(config(src))
		if first == domain.Unbounded {
			produce(ctx, t, cl, topic, 0, 5)
			r.reaches(p, 0, cl, topic)
		} else {
			r.finishes(p, 5)
		}
		if !strings.Contains(p.said.String(), "bounded has no effect") {
			t.Error(p.said)
		}
		_ = p.stop()
		r.books()
	}
}

// matchesBelow compares the rows with those that the city has below an offset.
func (r *rig) matchesBelow(c kafkaconn.Config, topic string, p place, a *bookkeeping, below int64) {
	r.t.Helper()
	want := r.city(c, topic, p.partition, a.start.First).rows
	for offset := range want {
		if offset < below && want[offset] != a.rows[offset] {
			r.t.Errorf("%s: row %d is %q in the city and %q in the journal", p, offset, want[offset], a.rows[offset])
		}
	}
	for offset := range a.rows {
		if _, there := want[offset]; !there {
			r.t.Errorf("%s: row %d is not in the city", p, offset)
		}
	}
}
