package doris_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	pipeline  = "p"
	shards    = 2
	database  = "ods"
	tableName = "ODS_QL_JC_SSJC"
	zoneName  = "Asia/Shanghai"
	user      = "loader"
	password  = "s3cret/of:doris@1" //nolint:gosec // of a stand-in
)

// world is shard 1 of a pipeline: a journal in memory whose ingest and hub streams are
// made by hand, and a Doris stand-in behind a wire.
type world struct {
	t       testing.TB
	ctx     context.Context
	store   *journal.Memory
	j       *journal.Journal
	control *journal.Control
	ingest  *journal.Writer
	hub     *journal.Writer
	s       *standin.Server
	wire    *wire
	cfg     doris.Config
	db      *sql.DB
	log     *bytes.Buffer

	next map[string]int64 // of each source partition
	ends map[int32]int64  // of each hub partition
	want []string         // rows that the table must hold
	lose map[int64]bool   // ordinals of the next part that it cannot hold

	positions []domain.Position // of a direct pipeline
	made      int               // plans

	mu   sync.Mutex
	puts map[domain.Kind]func() journal.Fault // of the next put of a kind to the doris stream

	watched    domain.Stream // of the leg
	nth, count int           // of the puts to it since atAppend
	atNth      func() journal.Fault
}

// The two models that deploy/doris.sql offers.
const (
	unique    = "UNIQUE"
	duplicate = "DUPLICATE"
)

func newWorld(t testing.TB, model string) *world { return newWorldOf(t, model, 0) }

func newWorldOf(t testing.TB, model string, segmentBytes int64) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{
		t: t, ctx: ctx, store: journal.NewMemory(), log: &bytes.Buffer{},
		next: map[string]int64{}, ends: map[int32]int64{}, puts: map[domain.Kind]func() journal.Fault{},
	}
	w.store.OnPut = w.onPut
	w.watched = w.Stream()
	var err error
	w.j, err = journal.Open(ctx, pipeline, journal.Options{Store: w.store, SegmentBytes: segmentBytes})
	must(t, err)
	w.control, err = w.j.OpenControl(ctx)
	must(t, err)
	w.follow()
	w.ingest, err = w.j.Takeover(ctx, w.streamOf(domain.LegIngest), w.started(), 0)
	must(t, err)
	w.hub, err = w.j.Takeover(ctx, w.streamOf(domain.LegHub), w.started(), 0)
	must(t, err)
	w.startDoris(model)
	return w
}

// follow keeps the view of control up to date, as a process does.
func (w *world) follow() {
	ctx, stop := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- w.control.Run(ctx) }()
	w.t.Cleanup(func() { stop(); <-done })
}

func (w *world) startDoris(model string) {
	w.t.Helper()
	var err error
	w.s, err = standin.Open(w.ctx, standin.Config{Dir: w.t.TempDir(), User: user, Password: password})
	must(w.t, err)
	w.t.Cleanup(func() { _ = w.s.Kill() })
	w.wire = newWire(w.t, w.s)
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams = "root", "tcp", w.s.MySQLAddr(), true
	connector, err := mysql.NewConnector(c)
	must(w.t, err)
	w.db = sql.OpenDB(connector)
	w.t.Cleanup(func() { _ = w.db.Close() })
	w.exec("CREATE DATABASE " + database)
	if model != "" {
		w.exec(ddl(model))
	}
	w.cfg = doris.Config{
		Pipeline: domain.PipelineConfig{
			Timezone: zoneName, HubPartitions: 4, Shards: shards, Table: database + "." + tableName,
			Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100"}, {ID: "wuxi", City: "320200", Base: 2}},
		},
		Shard: 1, Database: database, Table: tableName,
		Conn: dorisconn.Config{
			FE: []string{w.wire.fe.URL}, MySQL: []string{w.s.MySQLAddr()}, User: user, PasswordFile: passwordFile(w.t, password),
		},
		Batch: doris.Limits{Age: 5 * time.Millisecond},
	}
}

func ddl(model string) string {
	return "CREATE TABLE " + database + "." + tableName + ` (hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL,
	sscsdm VARCHAR(16) NOT NULL, extract_time DATETIME(6) NOT NULL, record STRING NULL, city_partition_id BIGINT NOT NULL,
	city_offset_id BIGINT NOT NULL, city_ts DATETIME(3) NOT NULL, hw_ts DATETIME(3) NOT NULL)
	` + model + ` KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id, hw_offset_id) BUCKETS 8
	PROPERTIES ("replication_num"="1")`
}

func (w *world) streamOf(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: pipeline, Shard: 1, Leg: leg}
}

// started is the incarnation of one more process.
func (w *world) started() domain.Seq {
	w.t.Helper()
	ref, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	must(w.t, err)
	return ref.Seq
}

// leg is the opener of one more process, with what it says of itself.
func (w *world) leg() (*doris.Doris, *projections.Reporter) {
	w.t.Helper()
	reporter := projections.NewReporter(w.Stream())
	d, err := w.newLeg(reporter)
	must(w.t, err)
	d.Hurry()
	return d, reporter
}

func (w *world) newLeg(reporter *projections.Reporter) (*doris.Doris, error) {
	return doris.New(w.cfg, w.j, w.started(), 1, w.Incidents(), reporter, slog.New(slog.NewTextHandler(&locked{w: w}, nil)))
}

// locked is the log of all processes.
type locked struct{ w *world }

func (l *locked) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(b)
}

// onPut decides the fate of what is appended to the doris stream.
func (w *world) onPut(s domain.Stream, _ domain.Seq, parts [][]byte) journal.Fault {
	w.mu.Lock()
	watched := w.watched
	w.mu.Unlock()
	if s != watched {
		return journal.FaultNone
	}
	e, err := journal.Decode(bytes.Join(parts, nil))
	must(w.t, err)
	w.mu.Lock()
	do := w.puts[e.Event.Kind()]
	delete(w.puts, e.Event.Kind())
	if w.count++; w.count == w.nth {
		do = w.atNth
	}
	w.mu.Unlock()
	if do == nil {
		return journal.FaultNone
	}
	return do()
}

func (w *world) atPut(kind domain.Kind, do func() journal.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.puts[kind] = do
}

// runner keeps a leg running; its end and an error that it retries are to be asked for.
func (w *world) runner(o projections.Opener, reporter *projections.Reporter) *projections.Runner {
	return &projections.Runner{
		Stream: w.Stream(), Opener: o, Incidents: w.Incidents(), Reporter: reporter,
		Log: slog.New(slog.NewTextHandler(&locked{w: w}, nil)), Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
		Ends: w.cfg.Replay != nil,
	}
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
	return w.launch(w.leg())
}

// diesOn runs the leg until the context ends, in whichever step that is.
func (w *world) diesOn(ctx context.Context) {
	w.t.Helper()
	d, _ := w.leg()
	leg, err := d.Open(ctx)
	must(w.t, err)
	defer leg.Close()
	if err := leg.Run(ctx); err != nil {
		w.t.Errorf("a leg that was told to stop ended with %v", err)
	}
}

// recovers has another process settle, carry what there is, and what comes.
func (w *world) recovers(at domain.Cursor) {
	w.t.Helper()
	p := w.start()
	p.until(at)
	p.until(w.Feed())
	p.stop()
}

func (w *world) launch(d *doris.Doris, reporter *projections.Reporter) *process {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	w.t.Cleanup(cancel)
	p := &process{w: w, cancel: cancel, done: make(chan error, 1), reporter: reporter}
	runner := w.runner(d, reporter)
	go func() { p.done <- runner.Run(ctx) }()
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

// told is the status that counts what is carried, which the journal has a little earlier.
func (p *process) told(at domain.Cursor) projections.Status {
	p.w.t.Helper()
	return eventually(p.w, fmt.Sprintf("status at %s", at), func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, s.Cursor.Seq >= at.Seq
	})
}

// reaches waits for a state of the leg.
func (p *process) reaches(state projections.State) projections.Status {
	p.w.t.Helper()
	return eventually(p.w, fmt.Sprintf("state %s", state), func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, s.State == state
	})
}

// retries waits until the leg is to be opened again, or is: the pause itself is too short to be seen.
func (p *process) retries() projections.Status {
	p.w.t.Helper()
	return eventually(p.w, "an error", func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, s.Error != ""
	})
}

// eventually waits for a condition.
func eventually[T any](w *world, what string, look func() (T, bool)) T {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for {
		v, ok := look()
		if ok {
			return v
		}
		select {
		case <-tick.C:
		case <-late.C:
			w.t.Fatalf("waited for %s, it is %v", what, v)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
