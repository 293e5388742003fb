package origin

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sent is one record as a test wants it.
type sent struct {
	delta  int32 // offset minus base offset
	ms     int64
	value  []byte
	key    []byte
	header []kmsg.Header
}

// batchOf makes a batch with kmsg, an encoder of somebody else's, and kgo's compressors.
func batchOf(t testing.TB, base int64, attributes int16, rows ...sent) []byte {
	t.Helper()
	var payload []byte
	rb := kmsg.RecordBatch{FirstOffset: base, Magic: 2, Attributes: attributes, ProducerID: -1, NumRecords: int32(len(rows)), FirstTimestamp: rows[0].ms}
	for _, r := range rows {
		rec := kmsg.Record{TimestampDelta64: r.ms - rb.FirstTimestamp, OffsetDelta: r.delta, Key: r.key, Value: r.value, Headers: r.header}
		body := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		payload = append(binary.AppendVarint(payload, int64(len(body))), body...)
		rb.LastOffsetDelta, rb.MaxTimestamp = r.delta, max(rb.MaxTimestamp, r.ms)
	}
	rb.Records = pack(t, attributes&7, payload)
	return seal(&rb)
}

func seal(rb *kmsg.RecordBatch) []byte {
	rb.Length = int32(49 + len(rb.Records))
	return reseal(rb.AppendTo(nil))
}

func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func pack(t testing.TB, codec int16, raw []byte) []byte {
	t.Helper()
	of := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}[codec]
	c, err := kgo.DefaultCompressor(of)
	must(t, err)
	if c == nil {
		return raw
	}
	var buf bytes.Buffer
	out, used := c.Compress(&buf, raw)
	if int16(used) != codec {
		t.Fatalf("compressed with %d, want %d", used, codec)
	}
	return bytes.Clone(out)
}

// valueOf is what a city sends at an offset; it says itself where it belongs.
func valueOf(source domain.SourceID, partition int32, offset int64) string {
	return fmt.Sprintf(`{"of":"%s/%d/%d","名":"行"}`, source, partition, offset)
}

const timeOf = 1_764_000_000_000 // of offset 0, in ms; each offset is a millisecond later

// dense is n rows from an offset on, in one batch.
func dense(t testing.TB, source domain.SourceID, partition int32, first int64, n int) []byte {
	rows := make([]sent, n)
	for i := range rows {
		rows[i] = sent{delta: int32(i), ms: timeOf + first + int64(i), value: []byte(valueOf(source, partition, first+int64(i)))}
	}
	return batchOf(t, first, 0, rows...)
}

// world is a pipeline's journal in memory, written by hand.
type world struct {
	t                  testing.TB
	ctx                context.Context
	store              *journal.Memory
	j                  *journal.Journal
	control            *journal.Control
	ingest, hub, doris *journal.Writer
	config             domain.PipelineConfig
	positions          []domain.Position
	now                domain.Micros
	hubNext            map[int32]int64
	lastCommit         domain.Ref // of the ingest stream, the last event that is carried
	lastLoad           domain.Seq // of the hub stream
}

const hubPartitions = 4

func usual() domain.PipelineConfig {
	return domain.PipelineConfig{
		Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), HubTopic: "hub", HubPartitions: hubPartitions, Shards: 1, Table: "ods.t",
		Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100", Topic: "nj", Base: 0}, {ID: "wuxi", City: "320200", Topic: "wx", Base: 2}},
	}
}

func newWorld(t testing.TB, config domain.PipelineConfig) *world {
	t.Helper()
	w := &world{t: t, store: journal.NewMemory(), config: config, now: 1_764_000_000_000_000, hubNext: map[int32]int64{}}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	var err error
	w.j, err = journal.Open(w.ctx, "p", journal.Options{Store: w.store})
	must(t, err)
	w.control, err = w.j.OpenControl(w.ctx)
	must(t, err)
	w.say(&domain.PipelineConfigured{Config: config})
	w.takeover()
	return w
}

func (w *world) say(e domain.Event) domain.Ref {
	w.t.Helper()
	ref, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return e, nil })
	must(w.t, err)
	return ref
}

// takeover is another process that takes all streams.
func (w *world) takeover() {
	w.t.Helper()
	incarnation := w.say(&domain.Started{}).Seq
	for leg, into := range map[domain.Leg]**journal.Writer{domain.LegIngest: &w.ingest, domain.LegHub: &w.hub, domain.LegDoris: &w.doris} {
		if leg == domain.LegHub && w.config.Direct {
			continue
		}
		var err error
		*into, err = w.j.Takeover(w.ctx, domain.Stream{Pipeline: "p", Leg: leg}, incarnation, 2)
		must(w.t, err)
	}
}

func (w *world) append(on *journal.Writer, e domain.ShardEvent) domain.Ref {
	w.t.Helper()
	ref, err := on.Append(w.ctx, e)
	must(w.t, err)
	return ref
}

// opened begins a generation of some partitions at offset first each.
func (w *world) opened(source domain.SourceID, g domain.Generation, logStart, first int64, partitions ...int32) {
	w.t.Helper()
	e := &domain.SourceOpened{Owned: w.ingest.Owned(), Source: source, Generation: g, ClusterID: "c", Topic: string(source), TopicID: topicID(g)}
	for _, p := range partitions {
		e.Starts = append(e.Starts, domain.Start{Partition: p, LogStart: logStart, First: first, How: "log start"})
		w.positions = slices.DeleteFunc(slices.Clone(w.positions), func(at domain.Position) bool { return at.Source == source && at.Partition == p })
		w.positions = append(w.positions, domain.Position{Source: source, Generation: g, Partition: p, Next: first, TopicID: topicID(g)})
	}
	e.Positions = w.positions
	w.append(w.ingest, e)
}

func topicID(g domain.Generation) [16]byte { return [16]byte{15: byte(g)} }

// run is a run of dense batches of at most five rows.
func (w *world) run(source domain.SourceID, g domain.Generation, partition int32, first int64, n int) domain.Run {
	r := domain.Run{Source: source, Generation: g, Partition: partition, First: first, Next: first + int64(n), Rows: int64(n)}
	for at := 0; at < n; at += 5 {
		r.Batches = append(r.Batches, dense(w.t, source, partition, first+int64(at), min(5, n-at)))
	}
	return r
}

// ingested journals runs, a second after what came before.
func (w *world) ingested(runs ...domain.Run) domain.Ref {
	w.t.Helper()
	w.now += 1_000_001
	w.positions = slices.Clone(w.positions)
	for i := range runs {
		for k := range w.positions {
			if p := &w.positions[k]; p.Source == runs[i].Source && p.Partition == runs[i].Partition && p.Generation == runs[i].Generation {
				p.Next = runs[i].Next
			}
		}
	}
	return w.append(w.ingest, &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: w.now, Runs: runs, Positions: w.positions})
}

// begin is the intent for all ingest events that are not carried.
func (w *world) begin(excluded ...domain.Exclusion) (domain.Ref, *domain.HubBegun) {
	w.t.Helper()
	first, err := w.j.Get(w.ctx, w.ingest.Stream(), w.lastCommit.Seq+1)
	must(w.t, err)
	w.now += 7_000
	b := &domain.HubBegun{
		Owned: w.hub.Owned(), Trail: w.hub.Trail(), Config: 2, First: first.Ref(), Last: w.ingest.Tail(),
		Time: w.now / 1000 * 1000, Excluded: excluded,
	}
	return w.append(w.hub, b), b
}

func (w *world) abort(begun domain.Ref) {
	w.t.Helper()
	for h := range w.hubNext {
		w.hubNext[h] += 3 // aborted rows and their marker
	}
	w.append(w.hub, &domain.HubAborted{Owned: w.hub.Owned(), Trail: w.hub.Trail(), Begun: begun, Why: "test"})
}

// commit is what the hub leg says of its intent when all is well.
func (w *world) commit(begun domain.Ref, b *domain.HubBegun, change ...func(*domain.HubCommitted)) domain.Ref {
	w.t.Helper()
	c := &domain.HubCommitted{Owned: w.hub.Owned(), Trail: w.hub.Trail(), Begun: begun, Cursor: b.Last, Time: b.Time, Excluded: b.Excluded}
	for seq := b.First.Seq; seq <= b.Last.Seq; seq++ {
		e, err := w.j.Get(w.ctx, w.ingest.Stream(), seq)
		must(w.t, err)
		in, is := e.Event.(*domain.Ingested)
		for i := 0; is && i < len(in.Runs); i++ {
			c.Runs = append(c.Runs, w.hubRuns(seq, i, &in.Runs[i], b.Excluded)...)
		}
	}
	for _, r := range c.Runs {
		c.Rows += r.N
	}
	for _, f := range change {
		f(c)
	}
	for h := range w.hubNext {
		w.hubNext[h]++ // the marker
	}
	w.lastCommit = b.Last
	return w.append(w.hub, c)
}

func (w *world) hubRuns(seq domain.Seq, run int, r *domain.Run, excluded []domain.Exclusion) (out []domain.HubRun) {
	base := int32(0)
	for _, s := range w.config.Sources {
		if s.ID == r.Source {
			base = s.Base
		}
	}
	h := (base + r.Partition) % hubPartitions
	for o := range r.Rows {
		if slices.ContainsFunc(excluded, func(x domain.Exclusion) bool {
			return x.Ingest == seq && x.Run == run && o >= x.Ordinal && o < x.Ordinal+x.Count
		}) {
			continue
		}
		at := w.hubNext[h]
		w.hubNext[h]++
		if n := len(out); n > 0 && out[n-1].First+out[n-1].N == o && out[n-1].Offset+out[n-1].N == at {
			out[n-1].N++
			continue
		}
		out = append(out, domain.HubRun{Ingest: seq, Run: run, First: o, N: 1, Partition: h, Offset: at})
	}
	return out
}

// carry takes everything to the hub.
func (w *world) carry() domain.Ref {
	w.t.Helper()
	ref, b := w.begin()
	return w.commit(ref, b)
}

// load takes everything that is in the hub to Doris.
func (w *world) load(excluded ...domain.Exclusion) domain.Ref {
	w.t.Helper()
	from := w.hub
	if w.config.Direct {
		from = w.ingest
	}
	first, err := w.j.Get(w.ctx, from.Stream(), w.lastLoad+1)
	must(w.t, err)
	b := &domain.DorisBegun{Owned: w.doris.Owned(), Trail: w.doris.Trail(), First: first.Ref(), Last: from.Tail(), Time: w.now, Excluded: excluded}
	for _, h := range slices.Sorted(maps.Keys(w.hubNext)) {
		b.Ends = append(b.Ends, domain.HubEnd{Partition: h, Next: w.hubNext[h]})
	}
	ref := w.append(w.doris, b)
	w.append(w.doris, &domain.DorisPrepared{Owned: w.doris.Owned(), Trail: w.doris.Trail(), Begun: ref, Label: "l" + ref.String(), Txn: int64(ref.Seq)})
	w.lastLoad = b.Last.Seq
	return w.append(w.doris, &domain.DorisCommitted{Owned: w.doris.Owned(), Trail: w.doris.Trail(), Begun: ref, Cursor: b.Last, Txn: int64(ref.Seq)})
}

func (w *world) open() *Journal {
	w.t.Helper()
	o, err := Open(w.ctx, w.j, Digits{})
	must(w.t, err)
	return o
}

func (w *world) tails(o *Journal) Cursors {
	w.t.Helper()
	c, err := o.Tails(w.ctx, 0)
	must(w.t, err)
	return c
}

// scanned is everything that a scan says.
func (w *world) scanned() (rows []Expected, found []domain.Finding) {
	w.t.Helper()
	o := w.open()
	s := o.NewScan(0, Cursors{}, func(f domain.Finding) { found = append(found, f) })
	must(w.t, s.Next(w.ctx, w.tails(o), func(e *Expected) error { rows = append(rows, *e); return nil }))
	return rows, found
}

// books are read to the ends of now.
func (w *world) books() *Books {
	w.t.Helper()
	o := w.open()
	b := o.NewBooks(0)
	must(w.t, b.Read(w.ctx, w.tails(o)))
	return b
}

// fine demands that nothing is wrong with the journal.
func (w *world) fine() {
	w.t.Helper()
	if _, found := w.scanned(); len(found) > 0 {
		w.t.Errorf("scan: %+v", found)
	}
	if found, more := w.books().Findings(); len(found) > 0 || more > 0 {
		w.t.Errorf("books: %+v, %d more", found, more)
	}
}
