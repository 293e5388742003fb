package reconcile_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// direct is a pipeline whose source is the hub topic itself.
func direct(c *domain.PipelineConfig) {
	c.Direct = true
	c.Sources = []domain.SourceConfig{{ID: "hub", Topic: "hub"}}
}

// writes puts n rows of nanjing into a partition of the hub, as somebody else writes them, and
// journals them.
func (w *world) writes(s *shard, h int32, n int64) []*moved {
	w.t.Helper()
	w.now += 1_000_001
	var rows []*moved
	var records []*kgo.Record
	for i := range n {
		m := &moved{source: "nanjing", city: "320100", part: h, offset: 1000 + i, extract: w.now, h: h, hubTime: sentAt}
		rows, records = append(rows, m), append(records, w.record(m, sentAt))
	}
	run := w.run(s, "hub", h, n, 0)
	for i := range rows {
		rows[i].at = run.First + int64(i)
	}
	if !w.keepsFromHub {
		w.puts(records...)
	}
	run.Batches = nil
	for _, m := range rows {
		run.Batches = append(run.Batches, batchOf(m.at, sentAt, w.value(m)))
	}
	w.append(s.ingest, &domain.Ingested{Owned: s.ingest.Owned(), ExtractTime: w.now, Runs: []domain.Run{run}, Positions: s.positions})
	return rows
}

// takes loads what was journaled of a hub that is the source.
func (w *world) takes(s *shard, h int32, rows []*moved) {
	w.t.Helper()
	first, err := w.j.Get(w.t.Context(), s.ingest.Stream(), s.lastLoad+1)
	must(w.t, err)
	b := &domain.DorisBegun{Owned: s.doris.Owned(), Trail: s.doris.Trail(), First: first.Ref(), Last: s.ingest.Tail(), Time: w.now}
	b.Ends = []domain.HubEnd{{Partition: h, Next: rows[len(rows)-1].at + 1}}
	begun := w.append(s.doris, b)
	w.inserts(rows...)
	w.loaded(s, begun, b)
}

// A pipeline that reads the hub topic is verified from there to the table, as a whole and for a
// while of it; what was not read is not its own.
func TestDirect(t *testing.T) {
	w := newWorld(t, direct)
	s := w.shards[0]
	w.opens(s, "hub", 1, 0, 0, 1)
	w.takes(s, 0, w.writes(s, 0, 30))
	from := time.UnixMicro(int64(w.now)).Add(time.Microsecond)
	rows := w.writes(s, 0, 10)
	w.takes(s, 0, rows)
	p := w.prover(reconcile.Scope{})
	verified(t, w.proves(p), 40)
	verified(t, w.proved(reconcile.Scope{From: &from}), 10)
	verified(t, w.proved(reconcile.Scope{To: &from}), 30)
	verified(t, w.proved(reconcile.Scope{Sources: []domain.SourceID{"hub"}}), 40)
	w.takes(s, 1, w.writes(s, 1, 5))
	w.writes(s, 0, 5)
	if r := w.proves(p); r.Verdict != domain.Verified || r.Coverage[0].Verified != 45 || r.Coverage[0].Pending != 5 {
		t.Errorf("verdict %s: %s: %+v", r.Verdict, r.Why, r.Coverage)
	}
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 0 AND hw_offset_id = ?", rows[3].at)
	finds(t, w.proved(reconcile.Scope{From: &from}), domain.Lost, "doris", rows[3].offset)
}

// Gaps of a hub that is the source are listed once, in a while too.
func TestDirectGaps(t *testing.T) {
	w := newWorld(t, direct)
	s := w.shards[0]
	w.opens(s, "hub", 1, 0, 0)
	w.takes(s, 0, w.writes(s, 0, 10))
	from := time.UnixMicro(int64(w.now)).Add(time.Microsecond)
	w.puts(&kgo.Record{Value: []byte("{}")}) // stands for a marker
	run := w.run(s, "hub", 0, 0, 1)
	w.now += 1_000_001
	w.append(s.ingest, &domain.Ingested{Owned: s.ingest.Owned(), ExtractTime: w.now, Runs: []domain.Run{run}, Positions: s.positions})
	w.takes(s, 0, w.writes(s, 0, 10))
	for _, scope := range []reconcile.Scope{{}, {From: &from}} {
		r := w.proved(scope)
		if r.Verdict != domain.Verified || len(r.Gaps) != 1 || len(r.Findings) > 0 {
			t.Errorf("verdict %s: %s: gaps %+v, %+v", r.Verdict, r.Why, r.Gaps, some(r))
		}
	}
}
