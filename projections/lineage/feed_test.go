package lineage_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/lineage"
)

// record is one record of a city, and what becomes of it.
type record struct {
	value []byte // nil: null
	ts    int64
	state lineage.State
}

// part is a run of a source's partition 1.
type part struct {
	source  domain.SourceID
	records []record
	broken  bool // its one batch does not decode: the hub left it out
}

// plain are n records of a source that are carried.
func plain(source domain.SourceID, n int) part {
	p := part{source: source}
	for i := range n {
		p.records = append(p.records, record{fmt.Appendf(nil, `{"id":"%s/%d"}`, source, i), 1_714_536_000_120 + int64(i), lineage.InTable})
	}
	return p
}

// odd are records of every fate, with the timestamps that real cities have.
func odd(source domain.SourceID) part {
	return part{source: source, records: []record{
		{[]byte("a"), -1, lineage.InTable},
		{[]byte("too large for the hub"), 7, lineage.ExcludedHub},
		{[]byte("too large for the hub, too"), 8, lineage.ExcludedHub},
		{nil, 253_402_300_800_000, lineage.ExcludedDoris}, // the year 10000
		{[]byte{}, 9, lineage.InTable},
		{nil, 10, lineage.InTable},
		{[]byte("too large for the hub at the end"), 11, lineage.ExcludedHub},
	}}
}

// broken are n records in a batch that does not decode.
func broken(source domain.SourceID, n int) part {
	p := part{source: source, broken: true}
	for range n {
		p.records = append(p.records, record{nil, -1, lineage.ExcludedHub})
	}
	return p
}

// recordBatch encodes records as one batch from the offset base on, with kmsg, an encoder of
// somebody else's.
func recordBatch(base int64, p part) []byte {
	var body []byte
	for i, r := range p.records {
		rec := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: r.ts - p.records[0].ts, Value: r.value}
		b := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		body = append(binary.AppendVarint(body, int64(len(b))), b...)
	}
	if p.broken {
		body = []byte("nothing that is a record")
	}
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(body)), PartitionLeaderEpoch: 3, Magic: 2,
		LastOffsetDelta: int32(len(p.records) - 1), FirstTimestamp: p.records[0].ts, MaxTimestamp: p.records[0].ts,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(p.records)), Records: body,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// hub journals parts as one ingest event, and commits it to the hub.
func (w *world) hub(parts ...part) domain.Ref {
	w.t.Helper()
	ev := &domain.Ingested{Owned: w.writers[domain.LegIngest].Owned(), ExtractTime: w.clock}
	for _, p := range parts {
		first, n := w.next[p.source], int64(len(p.records))
		ev.Runs = append(ev.Runs, domain.Run{
			Source: p.source, Generation: 2, Partition: 1, First: first, Next: first + n, Rows: n, Batches: [][]byte{recordBatch(first, p)},
		})
		w.next[p.source] += n
	}
	ref, err := w.writers[domain.LegIngest].Append(w.ctx, ev)
	must(w.t, err)
	hub := w.writers[domain.LegHub]
	begun, err := hub.Append(w.ctx, &domain.HubBegun{Owned: hub.Owned(), Trail: hub.Trail(), First: ref, Last: ref, Time: w.clock + 1_000_000})
	must(w.t, err)
	c := &domain.HubCommitted{Owned: hub.Owned(), Trail: hub.Trail(), Begun: begun, Cursor: ref, Time: w.clock + 1_000_000, FoundBy: domain.FoundBySelf}
	from := len(w.want)
	for i := range parts {
		w.carried(c, ref, ev, i, &parts[i])
	}
	at, err := hub.Append(w.ctx, c)
	must(w.t, err)
	for i := range w.want[from:] {
		w.want[from+i].Hub = at.Seq
	}
	if w.span.first.IsZero() {
		w.span.first = begun
	}
	w.span.last = at
	return at
}

// carried is what a hub transaction did with one run.
func (w *world) carried(c *domain.HubCommitted, ref domain.Ref, ev *domain.Ingested, run int, p *part) {
	const h = 3
	var current *domain.HubRun
	for k, r := range p.records {
		row := lineage.Row{
			Shard: 1, Source: p.source, Generation: 2, City: map[domain.SourceID]domain.City{"nanjing": "320100", "wuxi": "320200"}[p.source],
			Extract: ev.ExtractTime, Ingest: ref.Seq, Run: run, Length: int64(len(r.value)), Digest: xxh3.Hash(r.value), State: r.state,
			Place: domain.Lineage{
				City: domain.Coord{Partition: 1, Offset: ev.Runs[run].First + int64(k), Timestamp: r.ts},
				Hub:  domain.Coord{Partition: h, Offset: w.ends[h], Timestamp: c.Time.Millis()},
			},
		}
		if r.value == nil {
			row.Length = -1
		}
		if r.state == lineage.ExcludedHub {
			row.Place.Hub = domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}
			current = nil
			c.Excluded = append(c.Excluded, domain.Exclusion{Ingest: ref.Seq, Run: run, Ordinal: int64(k), Count: 1, Offset: row.Place.City.Offset})
		} else {
			if current == nil {
				c.Runs = append(c.Runs, domain.HubRun{Ingest: ref.Seq, Run: run, First: int64(k), Partition: h, Offset: w.ends[h]})
				current = &c.Runs[len(c.Runs)-1]
			}
			current.N++
			c.Rows++
			w.ends[h]++
		}
		w.want = append(w.want, row)
	}
	if p.broken { // one exclusion for the batch
		c.Excluded = c.Excluded[:len(c.Excluded)-len(p.records)+1]
		c.Excluded[len(c.Excluded)-1].Count = int64(len(p.records))
	}
	w.ends[h]++ // the marker
}

// load commits all hub transactions since the last load to Doris.
func (w *world) load() domain.Cursor {
	w.t.Helper()
	d := w.writers[domain.LegDoris]
	ev := &domain.DorisBegun{Owned: d.Owned(), Trail: d.Trail(), First: w.span.first, Last: w.span.last, Time: w.clock, Table: "ods.T"}
	for i := range w.want {
		if r := &w.want[i]; r.Doris == 0 && r.State == lineage.ExcludedDoris {
			ordinal := r.Place.City.Offset - w.firstOf(r)
			ev.Excluded = append(ev.Excluded, domain.Exclusion{Ingest: r.Ingest, Run: r.Run, Ordinal: ordinal, Count: 1, Offset: r.Place.City.Offset})
		}
	}
	// An attempt that came to nothing is none of the lineage's business.
	lost, err := d.Append(w.ctx, ev)
	must(w.t, err)
	_, err = d.Append(w.ctx, &domain.DorisAborted{Owned: d.Owned(), Trail: d.Trail(), Begun: lost, Why: "test"})
	must(w.t, err)
	ev.Trail = d.Trail()
	begun, err := d.Append(w.ctx, ev)
	must(w.t, err)
	at, err := d.Append(w.ctx, &domain.DorisCommitted{Owned: d.Owned(), Trail: d.Trail(), Begun: begun, Cursor: ev.Last, Txn: 700 + int64(begun.Seq), How: "transaction state"})
	must(w.t, err)
	for i := range w.want {
		if r := &w.want[i]; r.Doris == 0 {
			r.Doris, r.Txn, r.Label = at.Seq, 700+int64(begun.Seq), domain.Label(begun)
		}
	}
	w.span.first, w.span.last = domain.Ref{}, domain.Ref{}
	return at
}

// firstOf is the first offset of a row's run.
func (w *world) firstOf(r *lineage.Row) int64 {
	e, err := w.j.Get(w.ctx, w.streamOf(domain.LegIngest), r.Ingest)
	must(w.t, err)
	return e.Event.(*domain.Ingested).Runs[r.Run].First
}

// Feed implements projectiontest.World.
func (w *world) Feed() domain.Cursor {
	w.t.Helper()
	w.clock += 1_000_000
	if w.cfg.Pipeline.Direct {
		return w.feedDirect()
	}
	w.hub(plain("nanjing", 3), odd("wuxi"))
	w.clock += 13 * 60 * 60 * 1_000_000 // a load may be of two days
	at := w.hub(broken("nanjing", 2), plain("wuxi", 2))
	if w.cfg.Doris {
		return w.load()
	}
	for i := range w.want {
		if r := &w.want[i]; r.State == lineage.ExcludedDoris {
			r.State = lineage.InTable // there is nobody to leave it out
		}
	}
	return at
}

// shown is rows as a test compares them: without their blocks, one line each.
func shown(rows []lineage.Row) string {
	var b strings.Builder
	for _, r := range rows {
		r.Block = 0
		fmt.Fprintf(&b, "%#v\n", r) // %+v would leave out the timestamps of coordinates
	}
	return b.String()
}
