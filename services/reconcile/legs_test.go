package reconcile_test

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
)

// value is the row as the hub has it.
func (w *world) value(m *moved) []byte {
	r := flink.Row{City: m.city, ExtractTime: int64(m.extract), Record: []byte(valueOf(m.source, m.part, m.offset)), CityPartition: m.part, CityOffset: m.offset, CityTimestamp: sentAt + m.offset}
	return w.encoder.Append(nil, &r)
}

// puts sends records to the hub and gives their offsets.
func (w *world) puts(records ...*kgo.Record) []int64 {
	w.t.Helper()
	var at []int64
	for len(records) > 0 {
		n := min(5000, len(records))
		must(w.t, w.cl.ProduceSync(w.t.Context(), records[:n]...).FirstErr())
		for _, r := range records[:n] {
			at = append(at, r.Offset)
		}
		records = records[n:]
	}
	return at
}

// record is a row as it is sent to the hub at a time.
func (w *world) record(m *moved, ms int64) *kgo.Record {
	return &kgo.Record{Partition: m.h, Value: w.value(m), Timestamp: time.UnixMilli(ms)}
}

// begins writes the intent to carry everything that is ingested, but for what is left out.
func (w *world) begins(s *shard, excluded ...domain.Exclusion) (domain.Ref, *domain.HubBegun) {
	w.t.Helper()
	w.now += 7_000
	first, err := w.j.Get(w.t.Context(), s.ingest.Stream(), s.lastCommit+1)
	must(w.t, err)
	b := &domain.HubBegun{Owned: s.hub.Owned(), Trail: s.hub.Trail(), Config: 2, First: first.Ref(), Last: s.ingest.Tail(), Time: w.now / 1000 * 1000, Excluded: excluded}
	return w.append(s.hub, b), b
}

// sends puts rows into the hub.
func (w *world) sends(rows []*moved, ms int64) {
	w.t.Helper()
	var records []*kgo.Record
	for _, m := range rows {
		m.hubTime = ms
		records = append(records, w.record(m, ms))
	}
	for i, at := range w.puts(records...) {
		rows[i].at = at
	}
}

// commits writes the outcome: all fresh rows are where sends put them.
func (w *world) commits(s *shard, begun domain.Ref, b *domain.HubBegun) {
	w.t.Helper()
	c := &domain.HubCommitted{Owned: s.hub.Owned(), Trail: s.hub.Trail(), Begun: begun, Cursor: b.Last, Time: b.Time, Excluded: b.Excluded}
	for _, m := range s.fresh {
		if leftOut(m, b.Excluded) {
			continue
		}
		c.Rows++
		s.inHub = append(s.inHub, m)
		if n := len(c.Runs); n > 0 {
			r := &c.Runs[n-1]
			if r.Ingest == m.ingest && r.Run == m.run && r.First+r.N == m.ordinal && r.Partition == m.h && r.Offset+r.N == m.at {
				r.N++
				continue
			}
		}
		c.Runs = append(c.Runs, domain.HubRun{Ingest: m.ingest, Run: m.run, First: m.ordinal, N: 1, Partition: m.h, Offset: m.at})
	}
	s.fresh, s.lastCommit = nil, b.Last.Seq
	w.append(s.hub, c)
}

func leftOut(m *moved, excluded []domain.Exclusion) bool {
	return slices.ContainsFunc(excluded, func(x domain.Exclusion) bool {
		return x.Ingest == m.ingest && x.Run == m.run && m.ordinal >= x.Ordinal && m.ordinal < x.Ordinal+x.Count
	})
}

// carries takes everything that is ingested to the hub.
func (w *world) carries(s *shard, excluded ...domain.Exclusion) {
	w.t.Helper()
	begun, b := w.begins(s, excluded...)
	w.sends(slices.DeleteFunc(slices.Clone(s.fresh), func(m *moved) bool { return leftOut(m, excluded) }), b.Time.Millis())
	w.commits(s, begun, b)
}

// wants writes the intent to load everything that is in the hub.
func (w *world) wants(s *shard, excluded ...domain.Exclusion) (domain.Ref, *domain.DorisBegun) {
	w.t.Helper()
	first, err := w.j.Get(w.t.Context(), s.hub.Stream(), s.lastLoad+1)
	must(w.t, err)
	b := &domain.DorisBegun{Owned: s.doris.Owned(), Trail: s.doris.Trail(), First: first.Ref(), Last: s.hub.Tail(), Time: w.now, Excluded: excluded}
	ends := map[int32]int64{}
	for _, m := range s.inHub {
		ends[m.h] = max(ends[m.h], m.at+1)
	}
	for h := range w.config.HubPartitions {
		if ends[h] > 0 {
			b.Ends = append(b.Ends, domain.HubEnd{Partition: h, Next: ends[h]})
		}
	}
	return w.append(s.doris, b), b
}

// loaded writes that a load is visible.
func (w *world) loaded(s *shard, begun domain.Ref, b *domain.DorisBegun) {
	w.t.Helper()
	s.inHub, s.lastLoad = nil, b.Last.Seq
	w.append(s.doris, &domain.DorisCommitted{Owned: s.doris.Owned(), Trail: s.doris.Trail(), Begun: begun, Cursor: b.Last, Txn: int64(begun.Seq)})
}

// loads takes everything that is in the hub to the table.
func (w *world) loads(s *shard, excluded ...domain.Exclusion) {
	w.t.Helper()
	begun, b := w.wants(s, excluded...)
	w.inserts(slices.DeleteFunc(slices.Clone(s.inHub), func(m *moved) bool { return leftOut(m, excluded) })...)
	w.loaded(s, begun, b)
}

// inserts puts rows into the table.
func (w *world) inserts(rows ...*moved) {
	w.t.Helper()
	for part := range slices.Chunk(rows, 500) {
		q, args := "INSERT INTO ods.t VALUES ", []any{}
		for i, m := range part {
			if i > 0 {
				q += ", "
			}
			q += "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
			args = append(args, m.h, m.at, string(m.city), w.text(int64(m.extract), 6), valueOf(m.source, m.part, m.offset), m.part, m.offset, w.text((sentAt+m.offset)*1000, 3), w.text(m.hubTime*1000, 3))
		}
		w.exec(q, args...)
	}
}

// text is a time as Doris renders it.
func (w *world) text(micros int64, digits int) string {
	return time.UnixMicro(micros).In(w.zone).Format("2006-01-02 15:04:05." + "000000"[:digits])
}
