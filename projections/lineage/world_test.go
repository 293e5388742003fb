package lineage_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "s3cret" //nolint:gosec // of a stand-in

// world is shard 1 of a pipeline: a journal in memory whose other streams are made by hand,
// and a ClickHouse.
type world struct {
	t       testing.TB
	ctx     context.Context
	store   *journal.Memory
	j       *journal.Journal
	control *journal.Control
	writers map[domain.Leg]*journal.Writer
	cfg     lineage.Config
	log     *lockedBuffer

	model *model // nil: a server of somebody else's
	front *clickhouse.Front

	clock domain.Micros                    // extract time of the next event
	next  map[domain.SourceID]int64        // of each source's one partition
	ends  map[int32]int64                  // of each hub partition
	want  []lineage.Row                    // but for their blocks
	span  struct{ first, last domain.Ref } // hub events since the last load

	mu    sync.Mutex
	cut   map[string]clickhouse.Cut // of the next request at a site
	pause map[string]func()
	puts  map[domain.Kind]journal.Fault // of the next put of a kind to the lineage stream
}

// kind is a way of a pipeline, and a kind of ClickHouse.
type kind struct {
	hubOnly, direct bool
	old             bool // a server of 2018
}

func newWorld(t testing.TB, k kind) *world {
	t.Helper()
	w := newWorldAt(t, k, "")
	w.model = &model{tokens: !k.old, taken: map[string]bool{}, refuse: map[string]error{}}
	c := clickhouse.FrontConfig{Engine: w.model, User: "hefu", Password: password, Major: 24, Minor: 8, Revision: 54460, OnRequest: w.onRequest}
	if k.old {
		c.Major, c.Minor, c.Revision = 18, 16, 54412
	}
	var err error
	w.front, err = clickhouse.OpenFront(w.ctx, c)
	must(t, err)
	t.Cleanup(func() { must(t, w.front.Close()) })
	w.cfg.Conn = clickhouseconn.Config{Addresses: []string{w.front.Addr()}, User: "hefu", PasswordFile: filepath.Join(t.TempDir(), "password")}
	must(t, os.WriteFile(w.cfg.Conn.PasswordFile, []byte(password+"\n"), 0o600))
	return w
}

// newWorldAt is a world at the server of an address.
func newWorldAt(t testing.TB, k kind, address string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{
		t: t, ctx: ctx, store: journal.NewMemory(), log: &lockedBuffer{}, clock: 1_714_536_001_123_456, writers: map[domain.Leg]*journal.Writer{},
		next: map[domain.SourceID]int64{}, ends: map[int32]int64{}, cut: map[string]clickhouse.Cut{}, pause: map[string]func(){}, puts: map[domain.Kind]journal.Fault{},
	}
	w.store.OnPut = w.onPut
	var err error
	w.j, err = journal.Open(ctx, "p", journal.Options{Store: w.store})
	must(t, err)
	w.control, err = w.j.OpenControl(ctx)
	must(t, err)
	following, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.control.Run(following) }()
	t.Cleanup(func() { stop(); <-done })
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		w.writers[leg], err = w.j.Takeover(ctx, w.streamOf(leg), w.started(), 0)
		must(t, err)
	}
	w.cfg = lineage.Config{
		Pipeline: domain.PipelineConfig{
			Timezone: "Asia/Shanghai", HubPartitions: 4, Shards: 2, Direct: k.direct,
			Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100"}, {ID: "wuxi", City: "320200", Base: 2}},
		},
		Shard: 1, Doris: !k.hubOnly, Database: "db", Table: "lineage", Conn: clickhouseconn.Config{Addresses: []string{address}},
		Batch: lineage.Limits{Rows: 1000, Age: 5 * time.Millisecond},
	}
	if k.direct {
		w.cfg.Pipeline.Sources = []domain.SourceConfig{{ID: "hub"}}
	}
	return w
}

func (w *world) streamOf(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: "p", Shard: 1, Leg: leg}
}

// started is the incarnation of one more process.
func (w *world) started() domain.Seq {
	w.t.Helper()
	ref, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	must(w.t, err)
	return ref.Seq
}

// leg is the opener of one more process, with what it says of itself.
func (w *world) leg() (*lineage.Lineage, *projections.Reporter) {
	w.t.Helper()
	reporter := projections.NewReporter(w.Stream())
	l, err := lineage.New(w.cfg, w.j, w.started(), 1, reporter, slog.New(slog.NewTextHandler(w.log, nil)))
	must(w.t, err)
	return l, reporter
}

// onPut decides the fate of what is appended to the lineage stream.
func (w *world) onPut(s domain.Stream, _ domain.Seq, parts [][]byte) journal.Fault {
	if s.Leg != domain.LegLineage {
		return journal.FaultNone
	}
	e, err := journal.Decode(bytes.Join(parts, nil))
	must(w.t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	fault := w.puts[e.Event.Kind()]
	delete(w.puts, e.Event.Kind())
	return fault
}

// onRequest decides the fate of what reaches the front.
func (w *world) onRequest(r clickhouse.Request) clickhouse.Cut {
	site := siteOf(r)
	w.mu.Lock()
	cut, pause := w.cut[site], w.pause[site]
	delete(w.cut, site)
	delete(w.pause, site)
	w.mu.Unlock()
	if pause != nil {
		pause()
	}
	return cut
}

func siteOf(r clickhouse.Request) string {
	if r.Insert() {
		return "insert"
	}
	verb, _, _ := strings.Cut(r.Query, " (")
	return verb
}

// process is a leg under its runner.
type process struct {
	w        *world
	cancel   context.CancelFunc
	done     chan error
	reporter *projections.Reporter
}

func (w *world) start() *process {
	w.t.Helper()
	l, reporter := w.leg()
	ctx, cancel := context.WithCancel(w.ctx)
	w.t.Cleanup(cancel)
	p := &process{w: w, cancel: cancel, done: make(chan error, 1), reporter: reporter}
	r := &projections.Runner{
		Stream: w.Stream(), Opener: l, Incidents: w.Incidents(), Reporter: reporter, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
	}
	go func() { p.done <- r.Run(ctx) }()
	return p
}

func (p *process) stop() {
	p.w.t.Helper()
	p.cancel()
	if err := <-p.done; err != nil {
		p.w.t.Errorf("process was told to stop and ended with %v", err)
	}
}

// until waits for a cursor to be carried.
func (p *process) until(at domain.Cursor) {
	p.w.t.Helper()
	ctx, cancel := context.WithTimeout(p.w.ctx, 30*time.Second)
	defer cancel()
	if err := p.w.Carried(ctx, at); err != nil {
		s := p.reporter.Status()
		p.w.t.Fatalf("carry up to %s: %v; leg is %s: %s", at, err, s.State, s.Error)
	}
}

// reaches waits for something that the leg says of itself.
func (p *process) reaches(what string, is func(projections.Status) bool) projections.Status {
	p.w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for {
		s := p.reporter.Status()
		if is(s) {
			return s
		}
		select {
		case <-tick.C:
		case <-late.C:
			p.w.t.Fatalf("waited for %s, it is %+v", what, s)
		}
	}
}

// lockedBuffer is the log of all processes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
