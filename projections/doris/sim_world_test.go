package doris_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// sim is one schedule under way, in a bubble of its own. Everything but the network,
// the clock and the journal's store is what runs in production, or the stand-in.
type sim struct {
	t        *testing.T
	ctx      context.Context
	plan     *simPlan
	dir      string
	password string // the path of its file
	began    time.Time
	net      *simNet
	store    *journal.Memory

	j       *journal.Journal // the feeder's
	control *journal.Control
	ingest  *journal.Writer
	hub     *journal.Writer
	next    map[string]int64 // of each source partition
	ends    map[int32]int64  // of each hub partition
	last    domain.Ref       // of the hub stream
	want    map[string]int   // rows that the table must hold
	exclude map[string]int   // rows that intents must list

	using  chan struct{} // whoever holds its one token may use or change the server
	server *standin.Server

	starting sync.Mutex
	mu       sync.Mutex
	ahead    time.Duration // of Doris's clock
	puts     map[domain.Kind]int
	stored   map[domain.Kind]int
	deaf     time.Time
	healing  bool
	acting   sync.WaitGroup
	process  []*simProcess
	trace    []string
	failures []string
	failed   chan struct{} // closed by the first failure
	did      map[string]int
}

func newSim(t *testing.T, p *simPlan, dir, password string) *sim {
	s := &sim{
		t: t, ctx: t.Context(), plan: p, dir: dir, password: password, began: time.Now(), net: newSimNet(p.seed, p.latency),
		store: journal.NewMemory(), next: map[string]int64{}, ends: map[int32]int64{}, want: map[string]int{}, exclude: map[string]int{},
		using: make(chan struct{}, 1), puts: map[domain.Kind]int{}, stored: map[domain.Kind]int{}, failed: make(chan struct{}),
		did: map[string]int{},
	}
	s.store.OnPut = s.onPut
	var err error
	s.j, err = journal.Open(s.ctx, pipeline, journal.Options{Store: s.store})
	must(t, err)
	s.control, err = s.j.OpenControl(s.ctx)
	must(t, err)
	started, err := s.control.Append(s.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	must(t, err)
	s.ingest, err = s.j.Takeover(s.ctx, s.streamOf(domain.LegIngest), started.Seq, 0)
	must(t, err)
	s.hub, err = s.j.Takeover(s.ctx, s.streamOf(domain.LegHub), started.Seq, 0)
	must(t, err)
	s.openSources()
	s.openServer()
	s.using <- struct{}{}
	return s
}

func (s *sim) streamOf(leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: pipeline, Shard: 1, Leg: leg}
}

func (s *sim) config(host *simHost) doris.Config {
	c := doris.Config{
		Pipeline: domain.PipelineConfig{
			Timezone: zoneName, HubPartitions: 4, Shards: shards, Table: database + "." + tableName,
			Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100"}, {ID: "wuxi", City: "320200", Base: 2}},
		},
		Shard: 1, Database: database, Table: tableName, Semantic: s.plan.semantic, Batch: s.plan.limits,
		Cadence: doris.NewCadence(s.plan.cadence), MaxRecordBytes: s.plan.recordMax(),
		Conn: dorisconn.Config{
			User: user, PasswordFile: s.password, Timeouts: s.plan.timeouts, Dial: host.Dial, BEMap: map[string]string{},
		},
	}
	if s.plan.direct {
		c.Pipeline.Direct, c.Pipeline.Sources = true, []domain.SourceConfig{{ID: "hub"}}
	}
	for i := range s.plan.fes {
		c.Conn.FE = append(c.Conn.FE, fmt.Sprintf("http://fe.sim:%d", 8030+i))
		c.Conn.MySQL = append(c.Conn.MySQL, fmt.Sprintf("fe.sim:%d", 9030+i))
	}
	for i := 0; s.plan.mapped && i < s.plan.bes; i++ {
		c.Conn.BEMap[fmt.Sprintf("10.0.0.1:%d", 8040+i)] = fmt.Sprintf("be.sim:%d", 8040+i)
	}
	return c
}

// openServer starts the stand-in on its folder, at first and after it was killed.
func (s *sim) openServer() {
	c := standin.Config{
		Dir: s.dir, FEAddr: "fe.sim:8030", BEAddr: "be.sim:8040", MySQLAddr: simSQL, User: user, Password: password,
		FrontEnds: s.plan.fes, BackEnds: s.plan.bes, PublishDelay: s.plan.publish, Now: s.clock, Listen: s.net.Listen,
	}
	if s.plan.mapped {
		c.BEAnnounce = "10.0.0.1:8040"
	}
	server, err := standin.Open(s.ctx, c)
	if err != nil {
		s.fail("open the stand-in: %v", err)
		return
	}
	server.Faults().Seed(s.plan.seed)
	s.server = server
}

// simSQL is the first front end's port for questions.
const simSQL = "fe.sim:9030"

// clock is Doris's.
func (s *sim) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// say adds a line to what a person reads when the schedule goes wrong.
func (s *sim) say(format string, args ...any) {
	line := fmt.Sprintf("%12s  %s", time.Since(s.began).Truncate(time.Microsecond), fmt.Sprintf(format, args...))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, line)
}

// Write takes the lines that processes log.
func (s *sim) Write(line []byte) (int, error) {
	s.say("%s", strings.TrimRight(string(line), "\n"))
	if bytes.Contains(line, []byte("orphaned load aborted")) {
		s.count("orphans", 1)
	}
	return len(line), nil
}

// fail notes that the schedule went wrong, and ends it.
func (s *sim) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.say("WRONG: %s", text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures = append(s.failures, text); len(s.failures) == 1 {
		close(s.failed)
	}
}

func (s *sim) happen(what string)         { s.count("! "+what, 1) }
func (s *sim) hit(f standin.Fault, n int) { s.count("? "+string(f), n) }

func (s *sim) count(what string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did[what] += n
}

// openSources journals where the source partitions begin, which the books want to know.
func (s *sim) openSources() {
	if s.plan.direct {
		_, err := s.ingest.Append(s.ctx, &domain.SourceOpened{Owned: s.ingest.Owned(), Source: "hub", Generation: 1, Starts: []domain.Start{{Partition: 1}, {Partition: 3}}})
		must(s.t, err)
		return
	}
	for _, id := range []domain.SourceID{"nanjing", "wuxi"} {
		ev := &domain.SourceOpened{Owned: s.ingest.Owned(), Source: id, Generation: 1, Topic: "t", StartPolicy: "earliest"}
		for p := range int32(4) {
			ev.Starts = append(ev.Starts, domain.Start{Partition: p, How: "log start"})
		}
		_, err := s.ingest.Append(s.ctx, ev)
		must(s.t, err)
	}
}

// feed journals rows and commits them to the hub, as the hub leg would: the shard's
// hub partitions are 1 and 3, and a marker follows each transaction.
func (s *sim) feed(f simFeed) {
	if s.plan.direct {
		s.feedHub(f)
		return
	}
	ev := &domain.Ingested{Owned: s.ingest.Owned(), ExtractTime: domain.Micros(time.Now().UnixMicro())}
	for _, p := range f.parts {
		key := fmt.Sprint(p.source, p.partition)
		first, n := s.next[key], int64(len(p.records))
		s.next[key] += n
		ev.Runs = append(ev.Runs, domain.Run{
			Source: p.source, Generation: 1, Partition: p.partition, First: first, Next: first + n, Rows: n,
			Batches: [][]byte{recordBatch(first, p.records...)},
		})
	}
	ref, err := s.ingest.Append(s.ctx, ev)
	must(s.t, err)
	at := domain.Micros(time.Now().UnixMicro())
	begun, err := s.hub.Append(s.ctx, &domain.HubBegun{Owned: s.hub.Owned(), Trail: s.hub.Trail(), First: ref, Last: ref, Time: at})
	must(s.t, err)
	if len(f.parts) == 0 {
		s.last, err = s.hub.Append(s.ctx, &domain.HubAborted{Owned: s.hub.Owned(), Trail: s.hub.Trail(), Begun: begun, Why: "simulated"})
		must(s.t, err)
		return
	}
	c := &domain.HubCommitted{Owned: s.hub.Owned(), Trail: s.hub.Trail(), Begun: begun, Cursor: ref, Time: at, FoundBy: domain.FoundBySelf}
	touched := map[int32]bool{}
	for i, p := range f.parts {
		h := 1 + 2*(p.partition%2)
		touched[h] = true
		for k := range int64(len(p.records)) {
			if k == p.hole {
				continue
			}
			if n := len(c.Runs); n > 0 && c.Runs[n-1].Run == i && c.Runs[n-1].First+c.Runs[n-1].N == k {
				c.Runs[n-1].N++
			} else {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: ref.Seq, Run: i, First: k, N: 1, Partition: h, Offset: s.ends[h]})
			}
			s.expect(ev, i, &f.parts[i], k, domain.Coord{Partition: h, Offset: s.ends[h], Timestamp: at.Millis()}, ref.Seq)
			s.ends[h]++
			c.Rows, c.Bytes = c.Rows+1, c.Bytes+200
		}
	}
	for h := range touched {
		s.ends[h]++ // the marker
	}
	s.last, err = s.hub.Append(s.ctx, c)
	must(s.t, err)
	s.count("rows", int(c.Rows))
}

// expect puts a row on the list of what the table must hold, by all nine columns, or
// on that of what is left out.
func (s *sim) expect(ev *domain.Ingested, run int, p *simPart, ordinal int64, hub domain.Coord, seq domain.Seq) {
	r, offset := p.records[ordinal], ev.Runs[run].First+ordinal
	if why := p.bad[ordinal]; why != "" {
		s.exclude[fmt.Sprintf("%d/%d/%d at %d: %s %x", seq, run, ordinal, offset, why, sha256.Sum256(r.value))]++
		return
	}
	zone, err := time.LoadLocation(zoneName)
	must(s.t, err)
	shown := func(micros int64, layout string) string { return time.UnixMicro(micros).In(zone).Format(layout) }
	text := "NULL"
	if r.value != nil {
		text = fmt.Sprintf("%q", string(flink.JavaText(nil, bytes.Clone(r.value))))
	}
	s.want[fmt.Sprintf("%d/%07d %s %s %s %d/%d %s %s", hub.Partition, hub.Offset,
		map[domain.SourceID]string{"nanjing": "320100", "wuxi": "320200"}[p.source], shown(int64(ev.ExtractTime), "2006-01-02 15:04:05.000000"),
		text, p.partition, offset, shown(r.ts*1000, "2006-01-02 15:04:05.000"), shown(hub.Timestamp*1000, "2006-01-02 15:04:05.000"))]++
}
