package file_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a pipeline of one shard with two sources, whose hub transactions are in the journal,
// and a data directory.
type world struct {
	t       testing.TB
	ctx     context.Context
	store   *journal.Memory
	j       *journal.Journal
	control *journal.Control
	ingest  *journal.Writer
	hub     *journal.Writer
	cfg     file.Config
	lines   []string // of everything that was committed, in order
	offset  map[string]int64
}

func newWorld(t testing.TB, direct bool) *world {
	t.Helper()
	w := &world{t: t, store: journal.NewMemory(), offset: map[string]int64{}}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	var err error
	w.j, err = journal.Open(w.ctx, "p", journal.Options{Store: w.store})
	must(t, err)
	w.control, err = w.j.OpenControl(w.ctx)
	must(t, err)
	w.ingest = w.takeover(domain.LegIngest)
	if !direct {
		w.hub = w.takeover(domain.LegHub)
	}
	w.cfg = file.Config{
		DataDir: t.TempDir(),
		Pipeline: domain.PipelineConfig{
			Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), Direct: direct, HubTopic: "hub", HubPartitions: 4, Shards: 1,
			Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100", Base: 0}, {ID: "wuxi", City: "320200", Base: 2}},
		},
	}
	return w
}

func (w *world) takeover(leg domain.Leg) *journal.Writer {
	w.t.Helper()
	wr, err := w.j.Takeover(w.ctx, domain.Stream{Pipeline: "p", Leg: leg}, w.started(), 0)
	must(w.t, err)
	return wr
}

func (w *world) started() domain.Seq {
	w.t.Helper()
	ref, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil })
	must(w.t, err)
	return ref.Seq
}

// carried journals n rows of each source and the hub transaction that carries all of them but
// the second of each.
func (w *world) carried(n int) {
	w.t.Helper()
	extract := domain.Micros(1_753_970_400_123_456)
	at := domain.Micros(1_753_970_401_000_000) + domain.Micros(len(w.lines))*1000
	var runs []domain.Run
	var placed []domain.HubRun
	for i, s := range w.cfg.Pipeline.Sources {
		city, hub := w.offset[string(s.ID)], w.offset["hub "+string(s.ID)]
		var values []string
		for k := range n {
			values = append(values, fmt.Sprintf(`{"行":%d,"of":"%s"}`, city+int64(k), s.ID))
		}
		runs = append(runs, domain.Run{Source: s.ID, Generation: 1, First: city, Next: city + int64(n), Rows: int64(n), Batches: [][]byte{recordBatch(city, values...)}})
		for k := range n {
			if k == 1 {
				hub++ // a marker
				continue
			}
			if k == 0 || k == 2 {
				placed = append(placed, domain.HubRun{Run: i, First: int64(k), Partition: s.Base, Offset: hub})
			}
			placed[len(placed)-1].N++
			w.lines = append(w.lines, line(s, values[k], extract, city+int64(k), at, hub))
			hub++
		}
		w.offset[string(s.ID)], w.offset["hub "+string(s.ID)] = city+int64(n), hub
	}
	ref, err := w.ingest.Append(w.ctx, &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: extract, Runs: runs})
	must(w.t, err)
	c := &domain.HubCommitted{Owned: w.hub.Owned(), Cursor: ref, Time: at, Runs: placed}
	for i := range placed {
		placed[i].Ingest = ref.Seq
		c.Rows += placed[i].N
	}
	c.Bytes = c.Rows * 100
	c.Trail = w.hub.Trail()
	c.Begun, err = w.hub.Append(w.ctx, &domain.HubBegun{Owned: w.hub.Owned(), Trail: w.hub.Trail(), First: ref, Last: ref, Time: at})
	must(w.t, err)
	c.Trail = w.hub.Trail()
	_, err = w.hub.Append(w.ctx, c)
	must(w.t, err)
}

// line is a row as a load of the table has it, written by somebody else than the code under
// test. city_ts is that of recordBatch.
func line(s domain.SourceConfig, value string, extract domain.Micros, city int64, at domain.Micros, hub int64) string {
	zone := time.FixedZone("", 8*3600)
	text, _ := json.Marshal(value)
	ms := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05.999") }
	return fmt.Sprintf(`{"sscsdm":"%s","extract_time":"%s","record":%s,"city_partition_id":0,"city_offset_id":%d,"city_ts":"%s","hw_partition_id":%d,"hw_offset_id":%d,"hw_ts":"%s"}`,
		s.City, time.UnixMicro(int64(extract)).In(zone).Format("2006-01-02 15:04:05.999999"), text, city,
		ms(time.UnixMilli(1_700_000_000_000+city)), s.Base, hub, ms(time.UnixMicro(int64(at))))
}

// recordBatch encodes values as one record batch, with kmsg.
func recordBatch(base int64, values ...string) []byte {
	var records []byte
	for i, v := range values {
		rec := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: int64(i), Value: []byte(v)}
		body := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(records)), Magic: 2, LastOffsetDelta: int32(len(values)) - 1,
		FirstTimestamp: 1_700_000_000_000 + base, MaxTimestamp: 1_700_000_000_000 + base + int64(len(values)) - 1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(values)), Records: records,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// plan plans a replay of everything into a target.
func (w *world) plan(kind domain.TargetKind, of domain.Leg, rows domain.Selection) {
	w.t.Helper()
	tail, err := w.j.Tail(w.ctx, domain.Stream{Pipeline: "p", Leg: of})
	must(w.t, err)
	plan := &domain.Plan{
		ID: domain.PlanID{1, 2, 3, 4}, Pipeline: "p", Target: domain.PlanTarget{Kind: kind}, Rows: rows,
		Lanes: []domain.PlanLane{{First: 1, Last: tail.Ref()}},
	}
	w.cfg.Replay = &projections.Replay{Plan: plan, Lane: plan.Lanes[0], Pace: projections.NewPace(plan.Limits)}
}

// process is the leg of one more process, which keeps a cursor after each commit.
func (w *world) process() *file.File {
	w.t.Helper()
	f, err := file.New(w.cfg, w.j, w.started(), 1, projections.NewReporter(w.cfg.Replay.Stream()), slog.New(slog.DiscardHandler))
	must(w.t, err)
	f.SaveEvery(1)
	return f
}

// run opens and runs a leg once.
func (w *world) run(ctx context.Context, f *file.File) error {
	w.t.Helper()
	leg, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer leg.Close()
	return leg.Run(ctx)
}

func (w *world) path() string {
	return filepath.Join(w.cfg.DataDir, filepath.FromSlash(file.Name(w.cfg.Replay.Plan.ID, 0)))
}

// done demands a file of these lines, which the one outcome names, and nothing beside it.
func (w *world) done(lines []string) {
	w.t.Helper()
	want := strings.Join(append(lines, ""), "\n")
	got, err := os.ReadFile(w.path())
	must(w.t, err)
	if diff := cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(string(got), "\n")); diff != "" {
		w.t.Errorf("the file, - as it should be:\n%s", diff)
	}
	w.outcome(len(lines), want)
	beside, err := os.ReadDir(filepath.Dir(w.path()))
	must(w.t, err)
	if len(beside) != 1 {
		w.t.Errorf("beside the file: %v", beside)
	}
}

// outcome demands one intent and one outcome, of so many rows and these bytes.
func (w *world) outcome(rows int, text string) *domain.DorisCommitted {
	w.t.Helper()
	var begun []domain.Ref
	var c *domain.DorisCommitted
	tail, err := w.j.Tail(w.ctx, w.cfg.Replay.Stream())
	must(w.t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := w.j.Get(w.ctx, w.cfg.Replay.Stream(), seq)
		must(w.t, err)
		switch ev := e.Event.(type) {
		case *domain.DorisBegun:
			begun = append(begun, e.Ref())
		case *domain.DorisCommitted:
			if c != nil {
				w.t.Errorf("%s is a second outcome", e.Ref())
			}
			c = ev
		}
	}
	if c == nil || len(begun) != 1 || c.Begun != begun[0] {
		w.t.Fatalf("intents %v, outcome %+v", begun, c)
	}
	sum, bytes, err := file.Digest(c)
	must(w.t, err)
	if c.Rows != int64(rows) || bytes != int64(len(text)) || sum != sha256.Sum256([]byte(text)) || c.Cursor != w.cfg.Replay.Lane.Last {
		w.t.Errorf("outcome %+v, want %d rows of %d bytes", c, rows, len(text))
	}
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
