package doris_test

import (
	"bytes"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/projectiontest"
)

func TestContract(t *testing.T) {
	projectiontest.Run(t, func(t *testing.T) projectiontest.World {
		w := newWorld(t, duplicate)
		w.opened()
		return w
	})
}

// TestCarries: all nine columns of every row arrive as they are, whatever the records
// are, over several batches, events and hub partitions.
func TestCarries(t *testing.T) {
	for _, model := range []string{unique, duplicate} {
		t.Run(model, func(t *testing.T) {
			w := newWorld(t, model)
			w.opened()
			p := w.start()
			p.until(w.feed(w.plain("nanjing", 0, 5), w.plain("wuxi", 0, 1), w.plain("wuxi", 1, 3)))
			p.until(w.feed(part{source: "wuxi", partition: 2, records: []record{
				{nil, cityTime},
				{[]byte{}, cityTime + 1},
				{[]byte("null"), cityTime},
				{[]byte("\"\\\b\f\n\r\t\x01\x7f</x>\u2028"), cityTime},
				{[]byte("南京市 𠮷 😀"), cityTime},
				{[]byte("bad \xff\xc0\xe4\xb8 \xed\xa0\x80 end\xf0\x9f"), cityTime},
				{bytes.Repeat([]byte("长"), 50_000), cityTime},
				{[]byte("before 1970"), -1},
			}}))
			// Several batches in a run, and a run that the hub split: it left out ordinal 2.
			split := w.plain("nanjing", 1, 6)
			at := w.at(split)
			split.batches = [][]byte{append(recordBatch(at, split.records[:1]...), recordBatch(at+1, split.records[1:3]...)...), recordBatch(at+3, split.records[3:]...)}
			split.hubParts = [][2]int64{{0, 2}, {3, 1}, {4, 2}}
			p.until(w.feed(split, w.plain("nanjing", 0, 2)))
			// A batch in the middle does not decode: the hub left all of it out.
			hole := w.plain("wuxi", 3, 9)
			at = w.at(hole)
			hole.batches = [][]byte{recordBatch(at, hole.records[:2]...), undecodable(at+2, 4), recordBatch(at+6, hole.records[6:]...)}
			hole.hubParts = [][2]int64{{0, 2}, {6, 3}}
			p.until(w.feed(hole))
			p.stop() // the status counts a moment after the journal
			w.Tally()
			s := p.reporter.Status()
			if s.Rows != int64(len(w.want)) || s.Open != 0 || s.Opens != 1 || s.Excluded != 0 || s.Bytes != 200*s.Rows {
				t.Errorf("status is %+v, want %d rows", s, len(w.want))
			}
		})
	}
}

// TestEvents: what the events of a load say.
func TestEvents(t *testing.T) {
	w := newWorld(t, unique)
	w.opened()
	p := w.start()
	at := w.Feed()
	p.until(at)
	p.stop()
	begun, prepared, committed := events[*domain.DorisBegun](w)[0], events[*domain.DorisPrepared](w)[0], events[*domain.DorisCommitted](w)[0]
	hub := w.history(domain.LegHub)
	if begun.First != hub[0].Ref() || begun.Last != at || begun.Table != database+"."+tableName || begun.Config != 1 {
		t.Errorf("begun: %+v", begun)
	}
	if e := begun.Ends; len(e) != 2 || e[0] != (domain.HubEnd{Partition: 1, Next: 3}) || e[1] != (domain.HubEnd{Partition: 3, Next: 2}) {
		t.Errorf("ends: %+v", e)
	}
	if prepared.Label != domain.Label(prepared.Begun) || prepared.Rows != 5 || prepared.Txn == 0 || prepared.Bytes == 0 || "http://"+prepared.Backend != w.wire.be.URL {
		t.Errorf("prepared: %+v", prepared)
	}
	if committed.Begun != prepared.Begun || committed.Cursor != at || committed.Txn != prepared.Txn || committed.Rows != 5 ||
		committed.How != "transaction state" || committed.FoundBy != domain.FoundBySelf {
		t.Errorf("committed: %+v", committed)
	}
}
