package reconcile_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/config"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	hubPartitions = 4
	sentAt        = 1_764_000_000_000 // of city offset 0, in ms; each offset is a millisecond later
	tableOf       = `(hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL, sscsdm VARCHAR(16) NULL, extract_time DATETIME(6) NULL,
		record STRING NULL, city_partition_id BIGINT NULL, city_offset_id BIGINT NULL, city_ts DATETIME(3) NULL, hw_ts DATETIME(3) NOT NULL)
		%s KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id) BUCKETS 1`
)

// moved is a row with its way: where the journal has it, and where the hub.
type moved struct {
	source  domain.SourceID
	city    domain.City
	part    int32
	offset  int64
	extract domain.Micros
	h       int32
	at      int64 // of the hub
	hubTime int64
	ingest  domain.Seq
	run     int
	ordinal int64
}

// shard is the streams of one shard, and what of them is not carried on.
type shard struct {
	ingest, hub, doris *journal.Writer
	positions          []domain.Position
	fresh              []*moved // ingested and not in the hub
	inHub              []*moved // and not in the table
	lastCommit         domain.Seq
	lastLoad           domain.Seq
}

// world is a pipeline whose legs are played by hand: its journal in memory, a hub and a table
// that are stand-ins. Whatever a test wants to be wrong it does itself.
type world struct {
	t       *testing.T
	dir     string
	j       *journal.Journal
	control *journal.Control
	config  domain.PipelineConfig
	p       config.Pipeline
	shards  []*shard
	kafka   *kfake.Cluster
	cl      *kgo.Client
	db      *sql.DB // nil: the pipeline ends at the hub
	encoder *flink.HubEncoder
	zone    *time.Location
	now     domain.Micros

	keepsFromHub bool // rows that are journaled of a hub that is the source are not in it
}

// usual is two cities of two partitions each, whose rows share the hub's four.
func usual() domain.PipelineConfig {
	return domain.PipelineConfig{
		Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), HubTopic: "hub", HubPartitions: hubPartitions, Shards: 1, Table: "ods.t",
		Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100", Topic: "nj"}, {ID: "wuxi", City: "320200", Topic: "wx", Base: 2}},
	}
}

func newWorld(t *testing.T, change ...func(*domain.PipelineConfig)) *world {
	t.Helper()
	return newModel(t, "UNIQUE", change...)
}

func newModel(t *testing.T, model string, change ...func(*domain.PipelineConfig)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), config: usual(), now: sentAt * 1000}
	for _, f := range change {
		f(&w.config)
	}
	var err error
	w.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(w.config.HubPartitions, "hub"))
	must(t, err)
	t.Cleanup(w.kafka.Close)
	w.cl, err = kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic("hub"))
	must(t, err)
	t.Cleanup(w.cl.Close)
	w.p = config.DefaultPipeline()
	w.p.Name, w.p.Timezone, w.p.Reconcile = "p", w.config.Timezone, config.Reconcile{}
	w.p.Hub.Brokers, w.p.Hub.Topic = w.kafka.ListenAddrs(), "hub"
	if w.config.Table != "" {
		w.table(model)
	}
	w.j, err = journal.Open(t.Context(), "p", journal.Options{Store: journal.NewMemory()})
	must(t, err)
	w.control, err = w.j.OpenControl(t.Context())
	must(t, err)
	w.say(&domain.PipelineConfigured{Config: w.config})
	incarnation := w.say(&domain.Started{}).Seq
	for i := range w.config.Shards {
		s := &shard{}
		for leg, into := range map[domain.Leg]**journal.Writer{domain.LegIngest: &s.ingest, domain.LegHub: &s.hub, domain.LegDoris: &s.doris} {
			if leg == domain.LegHub && w.config.Direct || leg == domain.LegDoris && w.config.Table == "" {
				continue
			}
			*into, err = w.j.Takeover(t.Context(), domain.Stream{Pipeline: "p", Shard: i, Leg: leg}, incarnation, 2)
			must(t, err)
		}
		w.shards = append(w.shards, s)
	}
	w.zone, err = time.LoadLocation(w.config.Timezone)
	must(t, err)
	w.encoder, err = flink.NewHubEncoder(domain.FlinkFormat(), domain.SourceFormat{}, w.zone)
	must(t, err)
	return w
}

func (w *world) table(model string) {
	s, err := standin.Open(w.t.Context(), standin.Config{Dir: w.t.TempDir()})
	must(w.t, err)
	w.t.Cleanup(func() { _ = s.Close() })
	w.db, err = sql.Open("mysql", "root@tcp("+s.MySQLAddr()+")/?interpolateParams=true")
	must(w.t, err)
	w.t.Cleanup(func() { _ = w.db.Close() })
	d := config.DefaultDoris()
	d.FE, d.MySQL, d.Database, d.Table, d.User = []string{s.FEURL()}, []string{s.MySQLAddr()}, "ods", "t", "root"
	w.p.Doris = &d
	w.exec("CREATE DATABASE ods")
	w.exec("CREATE TABLE ods.t " + fmt.Sprintf(tableOf, model))
}

func (w *world) exec(q string, args ...any) {
	w.t.Helper()
	_, err := w.db.ExecContext(w.t.Context(), q, args...)
	must(w.t, err)
}

func (w *world) say(e domain.Event) domain.Ref {
	w.t.Helper()
	ref, err := w.control.Append(w.t.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil })
	must(w.t, err)
	return ref
}

func (w *world) append(on *journal.Writer, e domain.ShardEvent) domain.Ref {
	w.t.Helper()
	ref, err := on.Append(w.t.Context(), e)
	must(w.t, err)
	return ref
}

// opens begins a generation of some partitions of a source, at an offset.
func (w *world) opens(s *shard, source domain.SourceID, g domain.Generation, first int64, partitions ...int32) {
	w.t.Helper()
	e := &domain.SourceOpened{Owned: s.ingest.Owned(), Source: source, Generation: g, ClusterID: "c", Topic: string(source), TopicID: [16]byte{15: byte(g)}}
	if source == "hub" {
		e.TopicID = w.topicID()
	}
	for _, p := range partitions {
		e.Starts = append(e.Starts, domain.Start{Partition: p, LogStart: first, First: first, How: "log start"})
		s.positions = slices.DeleteFunc(slices.Clone(s.positions), func(at domain.Position) bool { return at.Source == source && at.Partition == p })
		s.positions = append(s.positions, domain.Position{Source: source, Generation: g, Partition: p, Next: first, TopicID: e.TopicID})
	}
	e.Positions = s.positions
	w.append(s.ingest, e)
}

// run is n rows of a partition where it stands, and then some offsets without a row.
func (w *world) run(s *shard, source domain.SourceID, partition int32, n, gap int64) domain.Run {
	w.t.Helper()
	s.positions = slices.Clone(s.positions)
	i := slices.IndexFunc(s.positions, func(p domain.Position) bool { return p.Source == source && p.Partition == partition })
	at := &s.positions[i]
	r := domain.Run{Source: source, Generation: at.Generation, Partition: partition, First: at.Next, Next: at.Next + n + gap, Rows: n}
	for o := at.Next; o < at.Next+n; o += 500 {
		r.Batches = append(r.Batches, batch(source, partition, o, min(500, at.Next+n-o)))
	}
	if gap > 0 {
		r.Gaps = []domain.Gap{{Span: domain.Span{First: at.Next + n, Next: r.Next}, Reason: domain.ReasonCommitMarker}}
	}
	at.Next = r.Next
	return r
}

// valueOf is what a city sends at an offset.
func valueOf(source domain.SourceID, partition int32, offset int64) string {
	return fmt.Sprintf(`{"of":"%s/%d/%d"}`, source, partition, offset)
}

// batch is a record batch of n rows as a broker stores it.
func batch(source domain.SourceID, partition int32, first, n int64) []byte {
	b := kmsg.RecordBatch{FirstOffset: first, Magic: 2, ProducerID: -1, NumRecords: int32(n), FirstTimestamp: sentAt + first, MaxTimestamp: sentAt + first + n - 1, LastOffsetDelta: int32(n - 1)}
	for i := range n {
		r := kmsg.Record{TimestampDelta64: i, OffsetDelta: int32(i), Value: []byte(valueOf(source, partition, first+i))}
		body := r.AppendTo(nil)[1:] // its length is written as zero, one byte
		b.Records = append(appendVarint(b.Records, len(body)), body...)
	}
	return sealed(&b)
}

// ingests journals runs, some time after what came before.
func (w *world) ingests(s *shard, runs ...domain.Run) {
	w.t.Helper()
	w.now += 1_000_001
	ref := w.append(s.ingest, &domain.Ingested{Owned: s.ingest.Owned(), ExtractTime: w.now, Runs: runs, Positions: s.positions})
	for i := range runs {
		r := &runs[i]
		c, _ := w.config.Source(r.Source)
		for n := range r.Rows {
			m := &moved{
				source: r.Source, city: c.City, part: r.Partition, offset: r.First + n, extract: w.now,
				h: domain.HubPartition(c.Base, r.Partition, w.config.HubPartitions), ingest: ref.Seq, run: i, ordinal: n,
			}
			s.fresh = append(s.fresh, m)
		}
	}
}

// moves takes rows of both cities through all places.
func (w *world) moves(n int64) {
	w.t.Helper()
	s := w.shards[0]
	w.ingests(s, w.run(s, "nanjing", 0, n, 1), w.run(s, "nanjing", 1, n, 0), w.run(s, "wuxi", 0, n, 1))
	w.carries(s)
	w.loads(s)
}

// opened opens both cities.
func (w *world) opened() *shard {
	w.t.Helper()
	s := w.shards[0]
	w.opens(s, "nanjing", 1, 0, 0, 1)
	w.opens(s, "wuxi", 1, 0, 0)
	return s
}

// prover is a Prover of the world.
func (w *world) prover(scope reconcile.Scope) *reconcile.Prover {
	p := reconcile.New(&w.p, w.j, scope, nil)
	w.t.Cleanup(p.Close)
	return p
}

// proves gives the report of a Prover, signed, and demands that it verifies.
func (w *world) proves(p *reconcile.Prover) *report.Report {
	w.t.Helper()
	still, err := checkpoint.OpenStill(w.t.Context(), w.j, w.dir, filepath.Join(w.dir, "key"))
	must(w.t, err)
	defer still.Close()
	r, file, err := reconcile.Prove(w.t.Context(), p, still, reconcile.Maker{Version: "test", Sync: "always"})
	must(w.t, err)
	_, err = report.Verify(file, r.Journal.Key)
	must(w.t, err)
	return r
}

// proved is the report of a Prover that looks for the first time.
func (w *world) proved(scope ...reconcile.Scope) *report.Report {
	w.t.Helper()
	return w.proves(w.prover(append(scope, reconcile.Scope{})[0]))
}

// verified demands that so many rows are verified in a proof, and none is anything else.
func verified(t *testing.T, r *report.Report, rows int64) {
	t.Helper()
	for _, c := range r.Coverage {
		if c.Proof != report.CityJournal && (c.Verified != rows || c.Rows != rows) {
			t.Errorf("%+v, want %d rows", c, rows)
		}
	}
	if r.Verdict != domain.Verified || len(r.Findings) > 0 {
		t.Errorf("verdict %s: %s: %+v", r.Verdict, r.Why, some(r))
	}
}

func some(r *report.Report) []report.Finding { return r.Findings[:min(5, len(r.Findings))] }

// finds demands the findings of a class at a place, by city offset, and no others.
func finds(t *testing.T, r *report.Report, class domain.Class, where string, offsets ...int64) {
	t.Helper()
	var got []int64
	for i := range r.Findings {
		f := &r.Findings[i]
		got = append(got, f.CityOffset)
		if f.Class != class || f.Where != where {
			t.Errorf("%s in %s: %+v", f.Class, f.Where, f)
		}
	}
	if !slices.Equal(got, offsets) || r.Verdict != domain.Diverged {
		t.Errorf("verdict %s, findings at %v, want %v: %+v", r.Verdict, got, offsets, some(r))
	}
}

// truncates throws the beginning of a hub partition's log away.
func (w *world) truncates(h int32, to int64) {
	w.t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: "hub", Partition: h, At: to})
	_, err := kadm.NewClient(w.cl).DeleteRecords(w.t.Context(), offsets)
	must(w.t, err)
}

func (w *world) look(p *reconcile.Prover) {
	w.t.Helper()
	must(w.t, p.Look(context.WithoutCancel(w.t.Context())))
}
