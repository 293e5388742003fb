package doris_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
)

const cityTime = 1_714_536_000_120 // 2024-05-01 12:00:00.120 in China

func (w *world) rewrite(path, password string) {
	w.t.Helper()
	must(w.t, os.WriteFile(path, []byte(password+"\n"), 0o600))
}

func passwordFile(t testing.TB, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(path, []byte(password+"\n"), 0o600))
	return path
}

// part is a run to be journaled, and what of it the hub takes: runs of ordinals.
type part struct {
	source    domain.SourceID
	partition int32
	records   []record
	hubParts  [][2]int64 // first ordinal, n; nil: all
	batches   [][]byte   // nil: one of records
	texts     []string   // what the source's format makes of the records; nil: UTF-8, as they are
}

// at is where the source partition's next run begins.
func (w *world) at(p part) int64 { return w.next[fmt.Sprint(p.source, p.partition)] }

// plain are n records of a source partition.
func (w *world) plain(source domain.SourceID, partition int32, n int) part {
	p := part{source: source, partition: partition}
	for i := range n {
		o := w.at(p) + int64(i)
		p.records = append(p.records, record{fmt.Appendf(nil, `{"id":"%s/%d/%d"}`, source, partition, o), cityTime + o})
	}
	return p
}

// journaled appends an ingest event of some parts.
func (w *world) journaled(parts ...part) (*domain.Ingested, domain.Ref) {
	w.t.Helper()
	ev := &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: 1_714_536_001_123_456}
	for _, p := range parts {
		first, n := w.at(p), int64(len(p.records))
		if p.batches == nil {
			p.batches = [][]byte{recordBatch(first, p.records...)}
		}
		ev.Runs = append(ev.Runs, domain.Run{
			Source: p.source, Generation: 1, Partition: p.partition, First: first, Next: first + n, Rows: n, Batches: p.batches,
		})
		w.next[fmt.Sprint(p.source, p.partition)] += n
	}
	ref, err := w.ingest.Append(w.ctx, ev)
	must(w.t, err)
	return ev, ref
}

// feed journals parts as one ingest event and commits them to the hub, as the hub leg
// would: the shard's hub partitions are 1 and 3, and a marker follows each transaction.
func (w *world) feed(parts ...part) domain.Cursor {
	w.t.Helper()
	ev, ref := w.journaled(parts...)
	began := domain.Micros(1_714_536_002_500_000)
	begun, err := w.hub.Append(w.ctx, &domain.HubBegun{Owned: w.hub.Owned(), Trail: w.hub.Trail(), First: ref, Last: ref, Time: began})
	must(w.t, err)
	c := &domain.HubCommitted{Owned: w.hub.Owned(), Trail: w.hub.Trail(), Begun: begun, Cursor: ref, Time: began, FoundBy: domain.FoundBySelf}
	touched := map[int32]bool{}
	for i, p := range parts {
		h := 1 + 2*(p.partition%2)
		touched[h] = true
		taken := p.hubParts
		if taken == nil {
			taken = [][2]int64{{0, int64(len(p.records))}}
		}
		for _, t := range taken {
			r := domain.HubRun{Ingest: ref.Seq, Run: i, First: t[0], N: t[1], Partition: h, Offset: w.ends[h]}
			w.ends[h] += t[1]
			c.Rows += t[1]
			c.Bytes += 200 * t[1]
			c.Runs = append(c.Runs, r)
			for k := range t[1] {
				w.expect(ev, p, t[0]+k, domain.Coord{Partition: h, Offset: r.Offset + k, Timestamp: began.Millis()})
			}
		}
	}
	for h := range touched {
		w.ends[h]++ // the marker
	}
	at, err := w.hub.Append(w.ctx, c)
	must(w.t, err)
	return at
}

// expect puts a row on the list of what the table must hold.
func (w *world) expect(ev *domain.Ingested, p part, ordinal int64, hub domain.Coord) {
	zone, err := time.LoadLocation(zoneName)
	must(w.t, err)
	shown := func(micros int64, layout string) string { return time.UnixMicro(micros).In(zone).Format(layout) }
	city := map[domain.SourceID]string{"nanjing": "320100", "wuxi": "320200", "suzhou": "320500"}[p.source]
	r := p.records[ordinal]
	if w.lose[ordinal] || r.ts > 1<<50 || r.ts < -1<<50 {
		return
	}
	text := "NULL"
	if r.value != nil {
		text = fmt.Sprintf("%q", string(flink.JavaText(nil, r.value)))
	}
	if p.texts != nil {
		text = p.texts[ordinal]
	}
	var first int64
	for i := range ev.Runs {
		if ev.Runs[i].Source == p.source && ev.Runs[i].Partition == p.partition {
			first = ev.Runs[i].First
		}
	}
	row := fmt.Sprintf("%d/%07d %s %s %s %d/%d %s %s", hub.Partition, hub.Offset, city, shown(int64(ev.ExtractTime), "2006-01-02 15:04:05.000000"),
		text, p.partition, first+ordinal, shown(r.ts*1000, "2006-01-02 15:04:05.000"), shown(hub.Timestamp*1000, "2006-01-02 15:04:05.000"))
	w.want = append(w.want, row)
}

// opened journals where the source partitions begin, which the books want to know.
func (w *world) opened() {
	w.t.Helper()
	for _, s := range w.cfg.Pipeline.Sources {
		ev := &domain.SourceOpened{Owned: w.ingest.Owned(), Source: s.ID, Generation: 1, Topic: "t", StartPolicy: "earliest"}
		for p := range int32(4) {
			ev.Starts = append(ev.Starts, domain.Start{Partition: p, How: "log start"})
		}
		_, err := w.ingest.Append(w.ctx, ev)
		must(w.t, err)
	}
}

// history is what a stream holds.
func (w *world) history(leg domain.Leg) (out []*journal.Entry) {
	w.t.Helper()
	tail, err := w.j.Tail(w.ctx, w.streamOf(leg))
	must(w.t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := w.j.Get(w.ctx, w.streamOf(leg), seq)
		must(w.t, err)
		out = append(out, e)
	}
	return out
}
