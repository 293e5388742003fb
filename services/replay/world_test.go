package replay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a pipeline with a table, whose journal is in memory: sources "a" and "b" of one
// partition each, and as many shards as it was made with. Each event is a second after the last.
type world struct {
	t       testing.TB
	ctx     context.Context
	store   *journal.Memory
	mu      sync.Mutex
	clock   time.Time
	o       *pipeline.Open
	prover  *prover
	s       *Service
	writers map[domain.Stream]*journal.Writer
	next    map[string]int64 // offsets of sources, and of hub partitions
	data    string
	fault   journal.Fault
	faults  int // how many puts to control it is still to befall
	deaf    int // how often control is still not to be read
}

// faulty is the store of a world, which may give no answers.
type faulty struct {
	*journal.Memory
	w *world
}

// Segments implements journal.Store.
func (f faulty) Segments(ctx context.Context, s domain.Stream) ([]journal.Segment, error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if s.Leg == domain.LegControl && f.w.deaf > 0 {
		f.w.deaf--
		return nil, journal.ErrInjected
	}
	return f.Memory.Segments(ctx, s)
}

// Last implements journal.Store.
func (f faulty) Last(ctx context.Context, s domain.Stream, first domain.Seq) ([]byte, error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if s.Leg == domain.LegControl && f.w.deaf > 0 {
		f.w.deaf--
		return nil, journal.ErrInjected
	}
	return f.Memory.Last(ctx, s, first)
}

func newWorld(t testing.TB, shards int) *world {
	t.Helper()
	w := &world{
		t: t, store: journal.NewMemory(), clock: time.Unix(1_785_000_000, 0), writers: map[domain.Stream]*journal.Writer{}, next: map[string]int64{}, data: t.TempDir(),
	}
	w.store.OnPut = w.onPut
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(t.Context(), 1000*time.Hour) // as the clock of the test goes; go test has a limit of its own
	t.Cleanup(cancel)
	j, control := w.open()
	conf := domain.PipelineConfig{
		Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), HubTopic: "hub", HubPartitions: 4, Shards: shards, Table: "ods.t",
		Sources: []domain.SourceConfig{{ID: "a", City: "320100"}, {ID: "b", City: "320200", Base: 1}},
	}
	_, err := control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.PipelineConfigured{Config: conf}, nil })
	must(t, err)
	w.s, w.o = w.process(j, control, allShards(shards)...)
	return w
}

func allShards(n int) (out []int) {
	for shard := range n {
		out = append(out, shard)
	}
	return out
}

// open opens the journal once more, as another process does.
func (w *world) open() (*journal.Journal, *journal.Control) {
	w.t.Helper()
	j, err := journal.Open(w.ctx, "p", journal.Options{Store: faulty{w.store, w}, Now: w.now})
	must(w.t, err)
	control, err := j.OpenControl(w.ctx)
	must(w.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan error, 1)
	go func() { done <- control.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.t.Errorf("follow control: %v", err)
		}
	})
	return j, control
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(time.Second)
	return w.clock
}

// process is one more process that takes some shards, and its Service.
func (w *world) process(j *journal.Journal, control *journal.Control, shards ...int) (*Service, *pipeline.Open) {
	w.t.Helper()
	started, err := control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	must(w.t, err)
	table := config.DefaultDoris()
	table.Database, table.Table = "ods", "t"
	o := &pipeline.Open{
		Config:  config.Pipeline{Name: "p", Doris: &table, Replay: config.DefaultReplay()},
		Journal: j, Control: control, Incidents: projections.Incidents{Control: control}, Incarnation: started.Seq, Shards: shards, MaxPayload: 8 << 20,
	}
	o.Configured, o.ConfigSeq = o.InForce()
	c := config.Default()
	c.DataDir = w.data
	role := pipeline.Role{Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	w.prover = &prover{world: w}
	return New(pipeline.NewSet(&c, role, slog.New(slog.DiscardHandler)), w.prover, nil, slog.New(slog.DiscardHandler)), o
}

// writer is the one of a stream.
func (w *world) writer(shard int, leg domain.Leg) *journal.Writer {
	w.t.Helper()
	s := domain.Stream{Pipeline: "p", Shard: shard, Leg: leg}
	if w.writers[s] == nil {
		of, err := w.o.Journal.Takeover(w.ctx, s, w.o.Incarnation, w.o.ConfigSeq)
		must(w.t, err)
		w.writers[s] = of
	}
	return w.writers[s]
}

func (w *world) append(shard int, leg domain.Leg, ev domain.ShardEvent) domain.Ref {
	w.t.Helper()
	ref, err := w.writer(shard, leg).Append(w.ctx, ev)
	must(w.t, err)
	return ref
}

// brought journals n rows of a source.
func (w *world) brought(shard int, source domain.SourceID, n int, gaps ...domain.Gap) (domain.Ref, *domain.Ingested) {
	w.t.Helper()
	first := w.next[string(source)]
	run := domain.Run{Source: source, Generation: 1, First: first, Next: first + int64(n), Rows: int64(n), Gaps: gaps}
	for _, g := range gaps { // before the rows
		run.Rows -= g.Span.Len()
	}
	if run.Rows > 0 {
		run.Batches = [][]byte{records(run.Next-run.Rows, int(run.Rows))}
	}
	w.next[string(source)] = run.Next
	of := w.writer(shard, domain.LegIngest)
	ev := &domain.Ingested{
		Owned: of.Owned(), ExtractTime: domain.Micros(w.now().UnixMicro()), Runs: []domain.Run{run},
		Positions: []domain.Position{{Source: source, Generation: 1, Next: run.Next}},
	}
	for _, p := range of.Positions() {
		if p.Source != source {
			ev.Positions = append(ev.Positions, p)
		}
	}
	return w.append(shard, domain.LegIngest, ev), ev
}

// records encodes n rows as one record batch.
func records(base int64, n int) []byte {
	var body []byte
	for i := range n {
		rec := kmsg.Record{OffsetDelta: int32(i), Value: fmt.Appendf(nil, "%d", base+int64(i))}
		b := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		body = append(binary.AppendVarint(body, int64(len(b))), b...)
	}
	return (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(body)), Magic: 2, LastOffsetDelta: int32(n - 1), NumRecords: int32(n), Records: body,
	}).AppendTo(nil)
}

// began is the intent of a hub transaction for an ingest event.
func (w *world) began(shard int, of domain.Ref) domain.Ref {
	wr := w.writer(shard, domain.LegHub)
	return w.append(shard, domain.LegHub, &domain.HubBegun{Owned: wr.Owned(), Trail: wr.Trail(), First: of, Last: of})
}

// committed is the outcome of one: all rows of the event, in the hub partition of the shard.
func (w *world) committed(shard int, begun, of domain.Ref, ev *domain.Ingested) domain.Ref {
	wr := w.writer(shard, domain.LegHub)
	c := &domain.HubCommitted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Cursor: of, Time: domain.Micros(w.now().UnixMicro())}
	at := fmt.Sprint("hub ", shard)
	for i, r := range ev.Runs {
		c.Runs = append(c.Runs, domain.HubRun{Ingest: of.Seq, Run: i, N: r.Rows, Partition: int32(shard), Offset: w.next[at]})
		c.Rows += r.Rows
		w.next[at] += r.Rows
	}
	c.Bytes = 100 * c.Rows
	w.next[at]++ // a marker
	return w.append(shard, domain.LegHub, c)
}

// loading is the intent of a load of a hub transaction.
func (w *world) loading(shard int, of domain.Ref, left ...domain.Exclusion) domain.Ref {
	wr := w.writer(shard, domain.LegDoris)
	return w.append(shard, domain.LegDoris, &domain.DorisBegun{Owned: wr.Owned(), Trail: wr.Trail(), First: of, Last: of, Excluded: left})
}

// loaded is the outcome of one.
func (w *world) loaded(shard int, begun, of domain.Ref, rows int64) domain.Ref {
	wr := w.writer(shard, domain.LegDoris)
	return w.append(shard, domain.LegDoris, &domain.DorisCommitted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Cursor: of, Rows: rows})
}

// feed takes n rows of a source all the way, and gives the commit of the hub and that of the table.
func (w *world) feed(shard int, source domain.SourceID, n int, left ...domain.Exclusion) (hub, doris domain.Ref) {
	w.t.Helper()
	of, ev := w.brought(shard, source, n)
	hub = w.committed(shard, w.began(shard, of), of, ev)
	for i := range left {
		left[i].Ingest = of.Seq
	}
	return hub, w.loaded(shard, w.loading(shard, hub, left...), hub, int64(n))
}

// prover is the reconciler as these tests have it.
type prover struct {
	world *world

	mu      sync.Mutex
	differs func(lanes []domain.PlanLane, rows domain.Selection) (*domain.Difference, error)
	proves  func(ctx context.Context, plan *domain.Plan) (Verdict, error)
}

func (p *prover) Difference(_ context.Context, _ string, lanes []domain.PlanLane, rows domain.Selection, _ string, _ func(string)) (*domain.Difference, error) {
	if p.differs == nil {
		return nil, errors.New("nobody was to compare")
	}
	return p.differs(lanes, rows)
}

func (p *prover) ProvePlan(ctx context.Context, plan *domain.Plan, say func(string)) (Verdict, error) {
	p.mu.Lock()
	proves := p.proves
	p.mu.Unlock()
	say("looking")
	if proves == nil {
		return Verdict{Good: true, Text: "verified", Report: "r", Digest: domain.Hash{9}}, nil
	}
	return proves(ctx, plan)
}

// plans makes a plan.
func (w *world) plans(ask Ask) (*domain.Replay, *domain.Plan, error) {
	w.t.Helper()
	if ask.Who == "" {
		ask.Who, ask.Why = "li", "a test"
	}
	r, err := w.s.plan(w.ctx, w.o, &ask, func(string) {})
	if err != nil {
		return nil, nil, err
	}
	plan, err := domain.ParsePlan([]byte(r.Planned.Text))
	must(w.t, err)
	if plan.Digest() != r.Planned.Digest {
		w.t.Error("the plan on control has another digest than it says")
	}
	return r, plan, nil
}

// refused demands that something is refused, with a text.
func refused(t testing.TB, err error, text string) {
	t.Helper()
	var no *refusedError
	if !errors.As(err, &no) || !strings.Contains(no.why, text) {
		t.Errorf("got %v, want it refused: %s", err, text)
	}
}

// until waits for a state of a replay.
func (w *world) until(id domain.PlanID, state domain.PlanState) *domain.Replay {
	w.t.Helper()
	var now domain.Replay
	err := w.o.Control.Wait(w.ctx, func(c *domain.ControlState) bool {
		now = *c.Replays[id]
		return now.State == state
	})
	if err != nil {
		w.t.Fatalf("replay %s is %s, not %s: %v; %+v", id, now.State, state, err, now.Last())
	}
	return &now
}

func (w *world) decides(id domain.PlanID, action Action, d Decision) error {
	if d.Who == "" {
		d.Who, d.Why = "li", "a test"
	}
	return decide(w.ctx, w.o, id, action, &d)
}

// approves approves a plan.
func (w *world) approves(r *domain.Replay) {
	w.t.Helper()
	must(w.t, w.decides(r.Planned.ID, Approve, Decision{Digest: &r.Planned.Digest}))
}

// serves runs a Service for a pipeline until the test ends, or stop is called.
func (w *world) serves(s *Service, o *pipeline.Open) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, o) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	w.t.Cleanup(func() { _ = stop() })
	return stop
}
