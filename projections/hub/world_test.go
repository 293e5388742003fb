package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one pipeline of one shard with two sources: a journal in memory, and the
// hub on a stand-in or on the broker that HEFU_TEST_KAFKA names.
type world struct {
	t       testing.TB
	ctx     context.Context
	fake    *kfake.Cluster // nil on a real broker
	store   *journal.Memory
	j       *journal.Journal
	control *journal.Control
	ingest  *journal.Writer
	cfg     hub.Config
	cl      *kgo.Client
	next    map[place]int64 // of each source partition
	want    []row           // everything that was journaled and can be carried
	slow    atomic.Int64    // by how many hours the clock is behind
	log     *slog.Logger
}

type place struct {
	source    domain.SourceID
	partition int32
}

// row is a row as journaled, and where its batch must have put it.
type row struct {
	place
	offset  int64
	ingest  domain.Seq
	run     int
	ordinal int64
}

const shards, hubPartitions = 1, 4

// realKafka is the broker's address, empty for stand-ins.
func realKafka() string { return os.Getenv("HEFU_TEST_KAFKA") }

func newWorld(t testing.TB, like ...kfake.Opt) *world {
	t.Helper()
	return newWorldAt(t, realKafka(), like...)
}

// newWorldAt is a world on a real broker, or on a stand-in when its address is empty.
func newWorldAt(t testing.TB, broker string, like ...kfake.Opt) *world {
	t.Helper()
	w := &world{t: t, next: map[place]int64{}, log: slog.New(slog.DiscardHandler)}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	kafka := kafkaconn.Config{Brokers: []string{broker}}
	if broker == "" {
		fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, like...)...)
		must(t, err)
		t.Cleanup(fake.Close)
		w.fake, kafka.Brokers = fake, fake.ListenAddrs()
	}
	name := fmt.Sprintf("p%d", time.Now().UnixNano())
	w.cfg = hub.Config{
		Kafka: kafka, ProgressTopic: name + "-progress",
		Pipeline: domain.PipelineConfig{
			Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), HubTopic: name + "-hub", HubPartitions: hubPartitions, Shards: shards,
			Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100", Base: 0}, {ID: "wuxi", City: "320200", Base: 2}},
		},
	}
	var err error
	w.cl, err = kafkaconn.Dial(kafka)
	must(t, err)
	t.Cleanup(w.cl.Close)
	w.makeHubTopic(nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _ = kadm.NewClient(w.cl).DeleteTopics(ctx, w.cfg.Pipeline.HubTopic, w.cfg.ProgressTopic)
	})
	w.newJournal(name)
	return w
}

func (w *world) makeHubTopic(config map[string]string) {
	w.t.Helper()
	must(w.t, kafkaconn.EnsureTopic(w.ctx, w.cl, w.cfg.Pipeline.HubTopic, hubPartitions, config))
}

// newJournal begins a journal, also in place of another one.
func (w *world) newJournal(pipeline string) {
	w.t.Helper()
	w.store = journal.NewMemory()
	w.reopen(pipeline)
	clear(w.next)
	w.want = nil
}

// reopen opens the journal that the store has, as another process does: what the one before
// knew of it is forgotten.
func (w *world) reopen(pipeline string) {
	w.t.Helper()
	var err error
	w.j, err = journal.Open(w.ctx, pipeline, journal.Options{
		Store: w.store,
		Now:   func() time.Time { return time.Now().Add(-time.Duration(w.slow.Load()) * time.Hour) },
	})
	must(w.t, err)
	w.control, err = w.j.OpenControl(w.ctx)
	must(w.t, err)
	w.ingest, err = w.j.Takeover(w.ctx, domain.Stream{Pipeline: pipeline, Leg: domain.LegIngest}, w.started(), 0)
	must(w.t, err)
}

// clockBack sets the journal's clock back.
func (w *world) clockBack() { w.slow.Add(1) }

// started is the incarnation of one more process.
func (w *world) started() domain.Seq {
	w.t.Helper()
	ref, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	must(w.t, err)
	return ref.Seq
}

func (w *world) stream() domain.Stream {
	return domain.Stream{Pipeline: w.j.Pipeline(), Leg: domain.LegHub}
}

// process is the hub leg of one more process.
func (w *world) process() *hub.Hub { return w.hub(w.started()) }

func (w *world) hub(incarnation domain.Seq) *hub.Hub {
	w.t.Helper()
	h, err := hub.New(w.cfg, w.j, incarnation, 1, projections.Incidents{Control: w.control},
		projections.NewReporter(w.stream()), w.log)
	must(w.t, err)
	return h
}

// append journals runs as one event and remembers what of them the hub must get.
func (w *world) append(runs ...domain.Run) domain.Ref {
	w.t.Helper()
	ref, err := w.ingest.Append(w.ctx, &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: w.j.Now(), Runs: runs})
	must(w.t, err)
	return ref
}

// feed journals one event with n rows of each of some source partitions.
func (w *world) feed(n int, at ...place) domain.Ref {
	w.t.Helper()
	var runs []domain.Run
	for _, p := range at {
		first := w.next[p]
		runs = append(runs, run(p.source, p.partition, first, int64(n), recordBatch(first, values(p.source, p.partition, first, n)...)))
		w.next[p] += int64(n)
	}
	ref := w.append(runs...)
	for i, p := range at {
		for k := range n {
			w.want = append(w.want, row{place: p, offset: runs[i].First + int64(k), ingest: ref.Seq, run: i, ordinal: int64(k)})
		}
	}
	return ref
}

// mixed feeds events that are unlike each other; three of them.
func (w *world) mixed() domain.Ref {
	w.t.Helper()
	w.feed(3, place{"nanjing", 0}, place{"wuxi", 1})
	w.feed(1, place{"nanjing", 2})
	return w.feed(5, place{"wuxi", 0}, place{"nanjing", 0}, place{"nanjing", 1})
}

// moved runs a leg until the journal says that it came to a place, then closes it.
func (w *world) moved(leg projections.Leg, to domain.Ref) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	must(w.t, w.reaches(ctx, to, done))
	stop()
	must(w.t, <-done)
	leg.Close()
}

// reaches waits until a HubCommitted carries the cursor to, or the leg ends.
func (w *world) reaches(ctx context.Context, to domain.Ref, done chan error) error {
	r, err := w.j.ReadFrom(ctx, w.stream(), 1)
	if err != nil {
		return err
	}
	defer r.Close()
	found := make(chan error, 1)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			e, err := r.Next(inner)
			if err != nil {
				found <- err
				return
			}
			if c, ok := e.Event.(*domain.HubCommitted); ok && c.Cursor.Seq >= to.Seq {
				found <- nil
				return
			}
		}
	}()
	select {
	case err := <-found:
		return err
	case err := <-done:
		cancel()
		<-found
		done <- err
		return fmt.Errorf("leg ended: %w", err)
	}
}

// kept runs a hub under a Runner until it came to a place, and returns how often the
// leg was opened.
func (w *world) kept(h projections.Opener, to domain.Ref) (opens int64) {
	w.t.Helper()
	runner := &projections.Runner{
		Stream: w.stream(), Opener: h, Incidents: projections.Incidents{Control: w.control},
		Reporter: projections.NewReporter(w.stream()), Log: slog.New(slog.DiscardHandler),
		Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
	}
	ctx, stop := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	err := w.reaches(ctx, to, done)
	// Where the outcome is found by an Open, the stop must not come before its end, or it is not counted.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for err == nil && w.ctx.Err() == nil && runner.Reporter.Status().State != projections.StateRunning {
		<-tick.C
	}
	stop()
	if end := <-done; end != nil || err != nil {
		w.t.Fatalf("runner ended with %v, waited with %v, last said: %s", end, err, runner.Reporter.Status().Error)
	}
	return runner.Reporter.Status().Opens
}

// try opens until the cluster lets it fence: with a transactional id's first request a
// fresh one makes the topic of its coordinators, and a client that does not retry hears
// of that (before transaction.version 2).
func try(w *world, h *hub.Hub) (projections.Leg, error) {
	for {
		leg, err := h.Open(w.ctx)
		if err == nil || !strings.Contains(err.Error(), "fence transactional id") || w.ctx.Err() != nil {
			return leg, err
		}
	}
}

func open(w *world, h *hub.Hub) projections.Leg {
	w.t.Helper()
	leg, err := try(w, h)
	must(w.t, err)
	return leg
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
