package main

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
)

const (
	dorisPipeline = "bench"
	dorisZone     = "Asia/Shanghai"
	// Rows of one run of an ingest event, and of one record batch: some 16 KiB, as Java
	// producers make them.
	runRows   = 1_000
	batchRows = 80
)

// dorisPipelineConfig is the pipeline of the journal: two cities with two partitions.
func dorisPipelineConfig() domain.PipelineConfig {
	return domain.PipelineConfig{
		Timezone: dorisZone, HubPartitions: 2 * partitions, Shards: 1, Table: dorisDatabase + "." + dorisTable,
		Sources: []domain.SourceConfig{{ID: "c320100", City: "320100"}, {ID: "c320200", City: "320200", Base: partitions}},
	}
}

// preparing is a journal whose ingest and hub streams are written by hand.
type preparing struct {
	ingest, hub *journal.Writer
	size        int
	next        []int64 // of each hub partition, which is that of each source partition too
	number      int64
}

// prepareJournal writes a journal of rows that the hub has and Doris has not.
func prepareJournal(ctx context.Context, dir string, rows int64, size int) (err error) {
	s, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	j, control, err := openJournal(ctx, s)
	if err != nil {
		return err
	}
	incarnation, err := started(ctx, control)
	if err != nil {
		return err
	}
	p := preparing{size: size, next: make([]int64, 2*partitions)}
	for leg, w := range map[domain.Leg]**journal.Writer{domain.LegIngest: &p.ingest, domain.LegHub: &p.hub} {
		if *w, err = j.Takeover(ctx, domain.Stream{Pipeline: dorisPipeline, Leg: leg}, incarnation, 0); err != nil {
			return err
		}
	}
	for left := rows; left > 0; {
		n, err := p.write(ctx, left)
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

func openJournal(ctx context.Context, s *embedded.Server) (*journal.Journal, *journal.Control, error) {
	j, err := journal.Open(ctx, dorisPipeline, journal.Options{Store: s.Store(), Manifest: s.Manifest()})
	if err != nil {
		return nil, nil, err
	}
	control, err := j.OpenControl(ctx)
	return j, control, err
}

func started(ctx context.Context, control *journal.Control) (domain.Seq, error) {
	ref, err := control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{Instance: "bench"}, nil })
	return ref.Seq, err
}

// write journals one event with a run of each source partition, of at most so many rows
// together, and the hub transaction that carried them.
func (p *preparing) write(ctx context.Context, most int64) (rows int64, err error) {
	now := time.Now()
	ev := &domain.Ingested{Owned: p.ingest.Owned(), ExtractTime: domain.Micros(now.UnixMicro())}
	c := &domain.HubCommitted{Time: domain.Micros(now.UnixMicro()), FoundBy: domain.FoundBySelf}
	format := flink.NewRowFormat(time.UTC)
	sources := dorisPipelineConfig().Sources
	for h := range int32(len(p.next)) {
		n := min(runRows, most-rows)
		if n == 0 {
			break
		}
		first := p.next[h]
		r := domain.Run{Source: sources[h/partitions].ID, Generation: 1, Partition: h % partitions, First: first, Next: first + n, Rows: n}
		for at := first; at < first+n; at += batchRows {
			r.Batches = append(r.Batches, p.batch(at, min(batchRows, first+n-at), now))
		}
		c.Runs = append(c.Runs, domain.HubRun{Run: len(ev.Runs), N: n, Partition: h, Offset: first})
		hub := format.AppendHubJSON(nil, &flink.Row{City: "320100", Record: appendRow(nil, now, p.number, p.size), CityOffset: first})
		c.Bytes += n * int64(len(hub))
		ev.Runs = append(ev.Runs, r)
		p.next[h] += n
		rows += n
	}
	c.Rows = rows
	at, err := p.ingest.Append(ctx, ev)
	if err != nil {
		return 0, err
	}
	for i := range c.Runs {
		c.Runs[i].Ingest = at.Seq
	}
	begun, err := p.hub.Append(ctx, &domain.HubBegun{Owned: p.hub.Owned(), Trail: p.hub.Trail(), First: at, Last: at, Time: c.Time})
	if err != nil {
		return 0, err
	}
	c.Owned, c.Trail, c.Begun, c.Cursor = p.hub.Owned(), p.hub.Trail(), begun, at
	_, err = p.hub.Append(ctx, c)
	return rows, err
}

// batch is a record batch as a producer without compression makes it.
func (p *preparing) batch(base, n int64, now time.Time) []byte {
	var records, value []byte
	for i := range n {
		value = appendRow(value[:0], now, p.number, p.size)
		p.number++
		r := kmsg.Record{OffsetDelta: int32(i), Value: value}
		b := r.AppendTo(nil)[1:] // its length is written as zero, one byte
		records = append(binary.AppendVarint(records, int64(len(b))), b...)
	}
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(records)), Magic: 2, LastOffsetDelta: int32(n - 1),
		FirstTimestamp: now.UnixMilli(), MaxTimestamp: now.UnixMilli(), ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(n), Records: records,
	}).AppendTo(nil)
	const crcAt, attributesAt = 17, 21
	binary.BigEndian.PutUint32(b[crcAt:], crc32.Checksum(b[attributesAt:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}
