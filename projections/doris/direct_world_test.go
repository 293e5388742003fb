package doris_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// newDirectWorld is a world whose source is the hub topic itself, and whose table takes
// rows without a city, as the original job's does.
func newDirectWorld(t testing.TB, model string) *world {
	return newDirectWorldOf(t, model, domain.Start{Partition: 1}, domain.Start{Partition: 3})
}

func newDirectWorldOf(t testing.TB, model string, starts ...domain.Start) *world {
	t.Helper()
	w := newWorld(t, "")
	w.exec(nullable(model))
	w.cfg.Pipeline.Direct = true
	w.cfg.Pipeline.Sources = []domain.SourceConfig{{ID: "hub"}}
	for _, s := range starts {
		w.next[fmt.Sprint("hub", s.Partition)] = s.First
		w.positions = append(w.positions, domain.Position{
			Source: "hub", Generation: 1, Partition: s.Partition, Next: s.First, LeaderEpoch: -1, LastBase: -1, Bounded: s.Bounded, Stop: s.Stop,
		})
	}
	_, err := w.ingest.Append(w.ctx, &domain.SourceOpened{
		Owned: w.ingest.Owned(), Source: "hub", Generation: 1, Topic: "t", Starts: starts, Positions: w.positions,
	})
	must(t, err)
	return w
}

func nullable(model string) string {
	ddl := ddl(model)
	for _, column := range []string{"sscsdm VARCHAR(16)", "extract_time DATETIME(6)", "city_partition_id BIGINT", "city_offset_id BIGINT", "city_ts DATETIME(3)"} {
		ddl = strings.Replace(ddl, column+" NOT NULL", column+" NULL", 1)
	}
	return ddl
}

// hubRecord is a record of the hub topic, and its row in the table: the six columns of
// the city, in the words of table; empty for a record that is no row.
type hubRecord struct {
	record
	row string
}

// hubPart is a run of the hub topic. A gap of one offset lies before each record of
// which skip says so, and one behind all, as a marker would.
type hubPart struct {
	partition int32
	records   []hubRecord
	skip      map[int]bool
	batches   [][]byte // nil: one for each record
}

// hubRecords are n rows, the second of which has no city, as the original job writes them.
func hubRecords(w *world, partition int32, n int) hubPart {
	p := hubPart{partition: partition, skip: map[int]bool{1: true}}
	for i := range n {
		o := w.next[fmt.Sprint("hub", partition)] + int64(i)
		r := hubRecord{
			record{fmt.Appendf(nil, `{"sscsdm":"320100","extract_time":"2024-05-01 12:00:01.5","record":"{\"id\":%d}","city_partition_id":2,"city_offset_id":%d,"city_ts":"2024-05-01 12:00:00"}`, o, 1000+o), cityTime + o},
			fmt.Sprintf(`320100 2024-05-01 12:00:01.500000 "{\"id\":%d}" 2/%d 2024-05-01 12:00:00.000`, o, 1000+o),
		}
		if i == 1 {
			r = hubRecord{
				record{[]byte(`{"sscsdm":null,"extract_time":null,"record":"x","city_partition_id":null,"city_offset_id":null,"city_ts":null}`), cityTime + o},
				`NULL NULL - "x" NULL/NULL NULL -`,
			}
		}
		p.records = append(p.records, r)
	}
	return p
}

// feedHub journals runs of the hub topic, and lists their rows.
func (w *world) feedHub(parts ...hubPart) domain.Cursor {
	w.t.Helper()
	ev := &domain.Ingested{Owned: w.ingest.Owned(), ExtractTime: 1_714_536_001_123_456, Positions: w.positions}
	zone, err := time.LoadLocation(zoneName)
	must(w.t, err)
	for _, p := range parts {
		key := fmt.Sprint("hub", p.partition)
		r := domain.Run{Source: "hub", Generation: 1, Partition: p.partition, First: w.next[key], Next: w.next[key], Rows: int64(len(p.records))}
		gap := func() {
			r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: r.Next, Next: r.Next + 1}, Reason: domain.ReasonCommitMarker})
			r.Next++
		}
		for i, rec := range p.records {
			if p.skip[i] {
				gap()
			}
			if p.batches == nil {
				r.Batches = append(r.Batches, recordBatch(r.Next, rec.record))
			}
			if rec.row != "" {
				w.want = append(w.want, fmt.Sprintf("%d/%07d %s %s", p.partition, r.Next, rec.row, time.UnixMilli(rec.ts).In(zone).Format("2006-01-02 15:04:05.000")))
			}
			r.Next++
		}
		w.ends[p.partition] = r.Next
		gap()
		r.Batches = append(r.Batches, p.batches...)
		w.next[key] = r.Next
		ev.Runs = append(ev.Runs, r)
	}
	ref, err := w.ingest.Append(w.ctx, ev)
	must(w.t, err)
	return ref
}
