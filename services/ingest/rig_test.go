package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kafka is where the main tests run: the real broker that HEFU_TEST_KAFKA names
// (host:port, tools/kafka starts one), or a stand-in in memory.
func kafka(t *testing.T) kafkaconn.Config {
	t.Helper()
	if addr := os.Getenv("HEFU_TEST_KAFKA"); addr != "" {
		return kafkaconn.Config{Brokers: []string{addr}}
	}
	_, c := standin(t)
	return c
}

// standin is a kfake cluster, for what no real broker can be asked to do.
func standin(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, kafkaconn.Config) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, kafkaconn.Config{Brokers: c.ListenAddrs()}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, c kafkaconn.Config, extra ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kafkaconn.Dial(c, append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner())}, extra...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// unique is a name that no earlier run on a lasting broker has used.
func unique(what string) string { return fmt.Sprintf("%s-%d", what, time.Now().UnixNano()) }

// newTopic makes a topic and removes it at the end.
func newTopic(ctx context.Context, t *testing.T, cl *kgo.Client, partitions int32, config map[string]string) string {
	t.Helper()
	name := unique("rows")
	if err := kafkaconn.EnsureTopic(ctx, cl, name, partitions, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = kadm.NewClient(cl).DeleteTopic(context.WithoutCancel(ctx), name) })
	return name
}

// produce writes n rows to a partition, each with a value of its own.
func produce(ctx context.Context, t *testing.T, cl *kgo.Client, topic string, partition int32, n int) {
	t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{
			Topic: topic, Partition: partition, Key: fmt.Appendf(nil, "key %d", i%7),
			Value:   fmt.Appendf(nil, `{"topic":%q,"partition":%d,"row":%d,"at":%d}`, topic, partition, i, time.Now().UnixNano()),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{byte(i)}}},
		})
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// rig is a journal with a control stream that is followed, in which processes may
// begin and die.
type rig struct {
	t         *testing.T
	ctx       context.Context
	store     *journal.Memory // nil with another store
	j         *journal.Journal
	incidents projections.Incidents
}

func newRig(ctx context.Context, t *testing.T) *rig {
	t.Helper()
	store := journal.NewMemory()
	r := newRigOn(ctx, t, journal.Options{Store: store, RegressedAfter: 50 * time.Millisecond})
	r.store = store
	return r
}

// withoutRoom has rows wait for the journal until what it returns is closed.
func (r *rig) withoutRoom(ctx context.Context) (room chan struct{}) {
	room = make(chan struct{})
	r.store.OnPut = func(s domain.Stream, _ domain.Seq, parts [][]byte) journal.Fault {
		if s.Leg == domain.LegIngest && len(parts) > 1 { // rows
			select {
			case <-room:
			case <-ctx.Done():
			}
		}
		return journal.FaultNone
	}
	return room
}

func newRigOn(ctx context.Context, t *testing.T, o journal.Options) *rig {
	t.Helper()
	j, err := journal.Open(ctx, "p", o)
	if err != nil {
		t.Fatal(err)
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := control.Run(following); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return &rig{t: t, ctx: ctx, j: j, incidents: projections.Incidents{Control: control}}
}

// incarnation begins a process.
func (r *rig) incarnation() domain.Seq {
	r.t.Helper()
	ref, err := r.incidents.Control.Append(r.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Started{Instance: "test", Claims: []domain.Claim{{Leg: domain.LegIngest}}}, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return ref.Seq
}

// config is one shard of one pipeline with these sources.
func config(sources ...ingest.Source) ingest.Config {
	return ingest.Config{
		Pipeline: "p", Shards: 1, HubPartitions: 8, ConfigSeq: 1, Sources: sources,
		MaxWait: 50 * time.Millisecond,
	}
}

// process is a running ingest.
type process struct {
	t        *testing.T
	shard    *ingest.Shard
	reporter *projections.Reporter
	said     *logged
	ended    chan struct{} // closed when the runner has returned
	cancel   func()        // tells it to end
	stop     func() error  // ends it and gives what the runner gave
}

// logged keeps what was logged.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a shard as a process does, with the runner that opens it again.
func (r *rig) start(c ingest.Config) *process {
	r.t.Helper()
	p := &process{t: r.t, said: &logged{}, ended: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(p.said, nil))
	stream := domain.Stream{Pipeline: "p", Shard: c.Shard, Leg: domain.LegIngest}
	p.reporter = projections.NewReporter(stream)
	var err error
	if p.shard, err = ingest.New(c, r.j, r.incarnation(), r.incidents, p.reporter, log); err != nil {
		r.t.Fatal(err)
	}
	runner := &projections.Runner{
		Stream: stream, Opener: p.shard, Incidents: r.incidents, Reporter: p.reporter, Log: log,
		Backoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond,
	}
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() {
		defer close(p.ended)
		done <- runner.Run(ctx)
	}()
	p.cancel = cancel
	p.stop = sync.OnceValue(func() error { cancel(); return <-done })
	r.t.Cleanup(func() { _ = p.stop() })
	return p
}

// wait polls until ok, and ends the test with what it last said when the time is up.
func wait(ctx context.Context, t *testing.T, what string, ok func() (bool, string)) {
	t.Helper()
	for {
		done, last := ok()
		if done {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not seen; last: %s", what, last)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// shown is what the shard says of its nth source, nothing while it has not taken that one.
func (p *process) shown(n int) (s ingest.SourceStatus) {
	if all := p.shard.Sources(); n < len(all) {
		s = all[n]
	}
	return s
}

// status waits until a source's status is as wanted.
func (p *process) status(ctx context.Context, what string, n int, ok func(ingest.SourceStatus) bool) ingest.SourceStatus {
	p.t.Helper()
	var s ingest.SourceStatus
	wait(ctx, p.t, what, func() (bool, string) {
		s = p.shown(n)
		return ok(s), fmt.Sprintf("%+v\n%s", s, p.said)
	})
	return s
}

// reaches waits until a source is journaled up to the end of its topic.
func (r *rig) reaches(p *process, n int, cl *kgo.Client, topic string) {
	r.t.Helper()
	wait(r.ctx, r.t, "journaled up to the log end", func() (bool, string) {
		bounds, err := kafkaconn.Offsets(r.ctx, cl, topic)
		if err != nil {
			return false, err.Error()
		}
		s := p.shown(n)
		next := map[int32]int64{}
		for _, at := range s.Partitions {
			next[at.Partition] = at.Next
		}
		for id, b := range bounds {
			if b.LSO != b.HighWatermark || next[id] != b.HighWatermark {
				return false, fmt.Sprintf("%+v, %+v\n%s", s, bounds, p.said)
			}
		}
		return true, ""
	})
}

// incident waits for the open incident of a source, and gives it.
func (r *rig) incident(p *process, kind domain.IncidentKind) *domain.Incident {
	r.t.Helper()
	var in *domain.Incident
	wait(r.ctx, r.t, "incident "+string(kind), func() (bool, string) {
		r.incidents.Control.State(func(s *domain.ControlState) {
			for _, open := range s.Open() {
				if open.What == kind {
					in = open
				}
			}
		})
		return in != nil, p.said.String()
	})
	return in
}

// resolve decides an incident as an operator does.
func (r *rig) resolve(in *domain.Incident, choice domain.Choice) {
	r.t.Helper()
	if !in.Allows(choice) {
		r.t.Fatalf("%s does not offer %s", in, choice)
	}
	_, err := r.incidents.Control.Append(r.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Resolved{ID: in.ID, Choice: choice, Who: "test", Why: "test"}, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// events reads the whole ingest stream of shard 0.
func (r *rig) events() []*journal.Entry {
	r.t.Helper()
	s := domain.Stream{Pipeline: "p", Leg: domain.LegIngest}
	tail, err := r.j.Tail(r.ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	reader, err := r.j.Read(r.ctx, s, domain.Cursor{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	var out []*journal.Entry
	for seq := domain.Seq(0); seq < tail.Seq; {
		e, err := reader.Next(r.ctx)
		if err != nil {
			r.t.Fatal(err)
		}
		out, seq = append(out, e), e.Seq
	}
	return out
}
