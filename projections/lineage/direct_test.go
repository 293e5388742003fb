package lineage_test

import (
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/lineage"
)

// feedDirect journals records of the hub topic itself, and loads them: rows of a city, one of
// the original job without one, one that is no row, and a batch that does not decode.
func (w *world) feedDirect() domain.Cursor {
	w.t.Helper()
	const topic = domain.SourceID("hub")
	first := w.next[topic]
	row := func(i int64, city domain.City, place domain.Coord, state lineage.State, value []byte, ts int64) {
		r := lineage.Row{
			Shard: 1, Source: topic, Generation: 2, City: city, Extract: w.clock, Digest: xxh3.Hash(value), Length: int64(len(value)), State: state,
			Place: domain.Lineage{City: place, Hub: domain.Coord{Partition: 1, Offset: first + i, Timestamp: ts}},
		}
		if value == nil {
			r.Length = -1
		}
		w.want = append(w.want, r)
	}
	good := fmt.Appendf(nil, `{"sscsdm":"320100","extract_time":"2024-05-01 12:00:01.5","record":"x","city_partition_id":2,"city_offset_id":%d,"city_ts":"2024-05-01 12:00:00.12"}`, 100+first)
	foreign := []byte(`{"sscsdm":null,"record":"y"}`)
	none := domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}
	row(0, "320100", domain.Coord{Partition: 2, Offset: 100 + first, Timestamp: 1_714_536_000_120}, lineage.InTable, good, 5)
	row(1, "", none, lineage.InTable, foreign, 6)
	row(2, "", none, lineage.ExcludedDoris, []byte("no row"), 7)
	row(4, "", none, lineage.ExcludedDoris, nil, -1)
	row(5, "", none, lineage.ExcludedDoris, nil, -1)
	ingest := w.writers[domain.LegIngest]
	ref, err := ingest.Append(w.ctx, &domain.Ingested{
		Owned: ingest.Owned(), ExtractTime: w.clock,
		Runs: []domain.Run{{
			Source: topic, Generation: 2, Partition: 1, First: first, Next: first + 6, Rows: 5,
			Gaps: []domain.Gap{{Span: domain.Span{First: first + 3, Next: first + 4}, Reason: domain.ReasonCommitMarker}},
			Batches: [][]byte{
				recordBatch(first, part{records: []record{{value: good, ts: 5}, {value: foreign, ts: 6}, {value: []byte("no row"), ts: 7}}}),
				recordBatch(first+4, part{records: make([]record, 2), broken: true}),
			},
		}},
	})
	must(w.t, err)
	w.next[topic] += 6
	d := w.writers[domain.LegDoris]
	begun, err := d.Append(w.ctx, &domain.DorisBegun{
		Owned: d.Owned(), Trail: d.Trail(), First: ref, Last: ref,
		Excluded: []domain.Exclusion{{Ingest: ref.Seq, Ordinal: 2, Count: 1}, {Ingest: ref.Seq, Ordinal: 3, Count: 2}},
	})
	must(w.t, err)
	at, err := d.Append(w.ctx, &domain.DorisCommitted{Owned: d.Owned(), Trail: d.Trail(), Begun: begun, Cursor: ref, Txn: 9})
	must(w.t, err)
	for i := range w.want {
		if r := &w.want[i]; r.Doris == 0 {
			r.Ingest, r.Doris, r.Txn, r.Label = ref.Seq, at.Seq, 9, domain.Label(begun)
		}
	}
	return at
}

// TestDirect: where the hub topic is the source, a row's place in the hub is its own, and the
// one in the city is what it says.
func TestDirect(t *testing.T) {
	w := newWorld(t, kind{direct: true})
	p := w.start()
	w.Feed()
	p.until(w.Feed())
	p.stop()
	w.Tally()
}
