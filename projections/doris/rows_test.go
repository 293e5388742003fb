package doris_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// patchy feeds a load as ragged as they come: three hub transactions with markers between
// them, a row that the hub left out, a batch that does not decode, and one row that the
// intent excludes.
func (w *world) patchy() *byHand {
	w.t.Helper()
	first := w.feed(w.plain("nanjing", 0, 5), w.plain("wuxi", 1, 2))
	split := w.plain("nanjing", 1, 6)
	split.hubParts = [][2]int64{{0, 2}, {3, 3}}
	w.lose = map[int64]bool{4: true}
	w.feed(split, w.plain("wuxi", 0, 3))
	w.lose = nil
	excluded := w.history(domain.LegIngest)
	hole := w.plain("wuxi", 3, 9)
	at := w.at(hole)
	hole.batches = [][]byte{recordBatch(at, hole.records[:2]...), undecodable(at+2, 4), recordBatch(at+6, hole.records[6:]...)}
	hole.hubParts = [][2]int64{{0, 2}, {6, 3}}
	last := w.feed(hole)
	return w.beginsAs(first, last, func(ev *domain.DorisBegun) {
		ev.Excluded = []domain.Exclusion{{Ingest: excluded[len(excluded)-1].Seq, Ordinal: 4, Count: 1, Reason: domain.ExcludedByDoris}}
	})
}

// TestRowsDecide: what became of a prepared load that Doris has forgotten is in the table.
func TestRowsDecide(t *testing.T) {
	for _, model := range []string{unique, duplicate} {
		for name, c := range map[string]struct {
			operation string
			want      []domain.Kind
		}{
			"all there":  {"commit", []domain.Kind{begun, prepared, committed}},
			"none there": {"abort", []domain.Kind{begun, prepared, aborted, begun, prepared, committed}},
		} {
			t.Run(model+" "+name, func(t *testing.T) {
				w := newWorld(t, model)
				w.opened()
				h := w.patchy()
				h.loads(strings.NewReader(h.lines()))
				h.prepares()
				h.does(c.operation)
				h.forgets()
				if c.operation == "abort" {
					w.wantAgain(h)
				}
				p := w.start()
				p.until(h.ev.Last)
				p.until(w.Feed())
				p.stop()
				w.Tally()
				if got := w.kinds()[:len(c.want)]; !slices.Equal(got, c.want) {
					t.Errorf("stream holds %v, want %v", got, c.want)
				}
				if a := events[*domain.DorisAborted](w); c.operation == "abort" && (len(a) != 1 || !strings.Contains(a[0].Why, "holds none of its rows") || a[0].FoundBy != domain.FoundByNextOwner) {
					t.Errorf("aborted: %+v", a)
				}
				ev := events[*domain.DorisCommitted](w)[0]
				if c.operation == "commit" && (ev.How != "rows of the table" || ev.Begun != h.begun || ev.Txn != h.txn || ev.Rows != 19 || ev.FoundBy != domain.FoundByNextOwner) {
					t.Errorf("committed: %+v", ev)
				}
			})
		}
	}
}

// wantAgain makes the rows that a load by hand excluded wanted: the next load has them.
func (w *world) wantAgain(h *byHand) {
	w.t.Helper()
	x := h.ev.Excluded[0]
	e, err := w.j.Get(w.ctx, w.streamOf(domain.LegIngest), x.Ingest)
	must(w.t, err)
	ev := e.Event.(*domain.Ingested)
	split := w.plain("nanjing", 1, 0)
	for o := range ev.Runs[0].Rows {
		at := ev.Runs[0].First + o
		split.records = append(split.records, record{fmt.Appendf(nil, `{"id":"nanjing/1/%d"}`, at), cityTime + at})
	}
	for _, c := range w.history(domain.LegHub) {
		hub, ok := c.Event.(*domain.HubCommitted)
		if !ok {
			continue
		}
		for _, r := range hub.Runs {
			if r.Ingest == x.Ingest && r.Run == x.Run && r.First <= x.Ordinal && x.Ordinal < r.First+r.N {
				w.expect(ev, split, x.Ordinal, domain.Coord{Partition: r.Partition, Offset: r.Offset + x.Ordinal - r.First, Timestamp: hub.Time.Millis()})
			}
		}
	}
}

// insert puts a row of somebody else's into the table.
func (w *world) insert(hubPartition, hubOffset int64, city any, cityPartition, cityOffset any) {
	w.t.Helper()
	_, err := w.db.ExecContext(w.ctx, "INSERT INTO "+database+"."+w.cfg.Table+" (hw_partition_id, hw_offset_id, sscsdm, extract_time, record,"+
		" city_partition_id, city_offset_id, city_ts, hw_ts) VALUES (?, ?, ?, '2024-05-01 12:00:00', 'x', ?, ?, '2024-05-01 12:00:00', '2024-05-01 12:00:00')",
		hubPartition, hubOffset, city, cityPartition, cityOffset)
	must(w.t, err)
}

// TestRowsDoNotDecide: whatever is neither all rows exactly once nor none is for an
// operator, with the groups that differ.
func TestRowsDoNotDecide(t *testing.T) {
	drop := func(w *world, where string) { w.exec("DELETE FROM " + database + "." + tableName + " WHERE " + where) }
	for name, c := range map[string]struct {
		model  string
		change func(*world)
		says   []string
	}{
		"one is missing": {duplicate, func(w *world) { drop(w, "hw_partition_id = 1 AND hw_offset_id = 2") }, []string{
			"rows of the load: 5; rows in the table: 4; distinct rows: 4; hub partition 1, city 320100/0: 2 rows instead of 3; label:",
		}},
		"one is twice": {duplicate, func(w *world) { w.insert(3, 1, "320200", 1, 1) }, []string{
			"rows in the table: 6; distinct rows: 5; hub partition 3, city 320200/1: 3 rows instead of 2, of which 2 are different ones; label:",
		}},
		"one twice, another missing": {duplicate, func(w *world) { drop(w, "hw_partition_id = 1 AND hw_offset_id = 0"); w.insert(1, 2, "320100", 0, 2) }, []string{
			"rows in the table: 5; distinct rows: 4; hub partition 1, city 320100/0: 3 rows instead of 3, of which 2 are different ones, hub offsets add up to 5 instead of 3",
		}},
		"another city's": {unique, func(w *world) { w.insert(1, 1, "320200", 0, 1) }, []string{
			"hub partition 1, city 320100/0: 2 rows instead of 3; hub partition 1, city 320200/0: 1 rows instead of 0",
		}},
		"another city offset": {unique, func(w *world) { w.insert(1, 1, "320100", 0, 7) }, []string{
			"hub partition 1, city 320100/0: 3 rows instead of 3, hub offsets add up to 3 instead of 3, city offsets to 9 instead of 3",
		}},
		"no city": {unique, func(w *world) { w.insert(1, 1, nil, nil, nil) }, []string{
			"hub partition 1, city NULL/-1: 1 rows instead of 0; hub partition 1, city 320100/0: 2 rows instead of 3",
		}},
		"no city offset": {unique, func(w *world) {
			drop(w, "hw_partition_id = 3")
			w.insert(3, 0, "320200", 1, nil)
			w.insert(3, 1, "320200", 1, nil)
		}, []string{"hub partition 3, city 320200/1: 2 rows instead of 2, hub offsets add up to 1 instead of 1, city offsets to -2 instead of 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.exec(strings.ReplaceAll(strings.NewReplacer("sscsdm VARCHAR(16) NOT NULL", "sscsdm VARCHAR(16) NULL", "city_partition_id BIGINT NOT NULL", "city_partition_id BIGINT NULL",
				"city_offset_id BIGINT NOT NULL", "city_offset_id BIGINT NULL").Replace(ddl(c.model)), "\t", " "))
			w.opened()
			at := w.Feed()
			h := w.begins(at, at)
			h.loads(strings.NewReader(h.lines()))
			h.prepares()
			h.does("commit")
			h.forgets()
			c.change(w)
			p := w.start()
			defer p.stop()
			s := p.reaches(projections.StateIncident)
			if !contains(s.Error, append(c.says, string(domain.IncidentDorisForgotten))...) {
				t.Errorf("incident: %s", s.Error)
			}
			if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, prepared}) {
				t.Errorf("stream holds %v", got)
			}
		})
	}
}

// TestForgottenEvidence: evidence is bounded, and says how much there is.
func TestForgottenEvidence(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.prepares()
	h.does("commit")
	h.forgets()
	for i := range int64(15) {
		w.insert(3, 0, fmt.Sprint(100+i), 0, 0)
	}
	p := w.start()
	defer p.stop()
	s := p.reaches(projections.StateIncident)
	if n := strings.Count(s.Error, "hub partition 3, city"); n != 10 || !contains(s.Error, "city 100/0: 1 rows instead of 0", "differences not listed: 5") {
		t.Errorf("%d groups in incident: %s", n, s.Error)
	}
}

// TestRowsOfAKnownLabel: what the table says counts for nothing when the label is known
// again afterwards.
func TestRowsOfAKnownLabel(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.prepares()
	h.does("abort")
	h.forgets()
	var asked atomic.Int32
	w.wire.onAsk(func(label string) {
		if label == h.label && asked.Add(1) == 2 { // after the rows were asked for
			h.loads(strings.NewReader(h.lines()))
		}
	})
	p := w.start()
	eventually(w, "an error", func() (string, bool) {
		log := w.logged()
		return log, strings.Contains(log, h.label+" is PRECOMMITTED now and was forgotten before")
	})
	if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, prepared}) {
		t.Errorf("stream holds %v", got)
	}
	h.does("abort")
	p.until(at)
	p.stop()
	w.Tally()
}

// TestRowsDecideAgain: the outcome that the rows decided is not written, or is and nobody
// knows; the rows still say the same.
func TestRowsDecideAgain(t *testing.T) {
	for _, operation := range []string{"commit", "abort"} {
		for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
			w := newWorld(t, duplicate)
			w.opened()
			at := w.Feed()
			h := w.begins(at, at)
			h.loads(strings.NewReader(h.lines()))
			h.prepares()
			h.does(operation)
			h.forgets()
			w.atPut(map[string]domain.Kind{"commit": committed, "abort": aborted}[operation], func() journal.Fault { return fault })
			p := w.start()
			p.until(at)
			p.until(w.Feed())
			p.stop()
			w.Tally()
		}
	}
}
