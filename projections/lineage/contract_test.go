package lineage_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/projections/projectiontest"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// TestContract: what every projection keeps, at a server that knows blocks again and at one
// that does not, behind a Doris leg and behind a hub leg.
func TestContract(t *testing.T) {
	for name, k := range map[string]kind{"new server": {}, "old server": {old: true}, "without Doris": {hubOnly: true}} {
		t.Run(name, func(t *testing.T) {
			projectiontest.Run(t, func(t *testing.T) projectiontest.World { return newWorld(t, k) })
		})
	}
}

// Process implements projectiontest.World.
func (w *world) Process() projections.Opener {
	l, _ := w.leg()
	return l
}

// Stream implements projectiontest.World.
func (w *world) Stream() domain.Stream { return w.streamOf(domain.LegLineage) }

// Incidents implements projectiontest.World.
func (w *world) Incidents() projections.Incidents { return projections.Incidents{Control: w.control} }

// Sites implements projectiontest.World.
func (w *world) Sites() []string { return []string{"insert"} }

// Fail implements projectiontest.World.
func (w *world) Fail(site string, fault journal.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[site] = map[journal.Fault]clickhouse.Cut{journal.FaultBefore: clickhouse.CutBefore, journal.FaultAfter: clickhouse.CutAfter}[fault]
}

// Pause implements projectiontest.World.
func (w *world) Pause(site string) (<-chan struct{}, func()) {
	arrived, wake := make(chan struct{}), make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pause[site] = func() { close(arrived); <-wake }
	return arrived, func() { close(wake) }
}

// Carried implements projectiontest.World.
func (w *world) Carried(ctx context.Context, at domain.Cursor) error {
	r, err := w.j.ReadFrom(ctx, w.Stream(), 1)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if c, ok := e.Event.(*domain.LineageCommitted); ok && c.Cursor.Seq >= at.Seq {
			return nil
		}
	}
}

// Tally implements projectiontest.World: read with FINAL the table holds every row exactly
// once and as the other streams have it, and the journal says in which block.
func (w *world) Tally() {
	w.t.Helper()
	got := w.table()
	slices.SortStableFunc(w.want, func(a, b lineage.Row) int {
		return cmp.Or(cmp.Compare(a.City, b.City), cmp.Compare(a.Place.City.Offset, b.Place.City.Offset), cmp.Compare(a.Place.Hub.Offset, b.Place.Hub.Offset))
	})
	if diff := gocmp.Diff(shown(w.want), shown(got)); diff != "" {
		w.t.Errorf("rows of the table, want -, got +:\n%s", diff)
	}
	blocks, sums := map[domain.Seq]int64{}, map[domain.Seq]domain.Sum{}
	for _, r := range got {
		blocks[r.Block]++
		sums[r.Block] = sums[r.Block].Add(int64(r.Digest))
	}
	var open *domain.LineageBegun
	var at, cursor domain.Ref
	for _, e := range w.history() {
		switch ev := e.Event.(type) {
		case *domain.LineageBegun:
			if open != nil || ev.First.Seq <= cursor.Seq || ev.Last.Seq < ev.First.Seq {
				w.t.Errorf("%s: begins with %s, the last block ended at %s", e.Ref(), ev.First, cursor)
			}
			open, at = ev, e.Ref()
		case *domain.LineageCommitted:
			if open == nil || ev.Begun != at || ev.Cursor != open.Last || ev.Rows != open.Rows {
				w.t.Errorf("%s: is no outcome of %s", e.Ref(), at)
				continue
			}
			if blocks[at.Seq] != open.Rows || sums[at.Seq] != open.Digest {
				w.t.Errorf("%s: block of %d rows with %s, the table has %d with %s", at, open.Rows, open.Digest, blocks[at.Seq], sums[at.Seq])
			}
			delete(blocks, at.Seq)
			open, cursor = nil, ev.Cursor
		}
	}
	if open != nil || len(blocks) > 0 {
		w.t.Errorf("block %s is open: %t; rows of blocks that were never committed: %v", at, open != nil, blocks)
	}
}

// table is every row, read with FINAL.
func (w *world) table() []lineage.Row {
	w.t.Helper()
	c, err := clickhouseconn.Open(w.ctx, w.cfg.Conn)
	must(w.t, err)
	defer c.Close()
	rows, err := lineage.Final(w.ctx, c, w.at())
	must(w.t, err)
	return rows
}

// raw is how many rows of this journal the table holds, those that came twice twice.
func (w *world) raw() int {
	w.t.Helper()
	if w.model != nil {
		w.model.mu.Lock()
		defer w.model.mu.Unlock()
		return len(w.model.rows)
	}
	c, err := clickhouseconn.Open(w.ctx, w.cfg.Conn)
	must(w.t, err)
	defer c.Close()
	var n proto.ColUInt64
	must(w.t, c.Ask(w.ctx, fmt.Sprintf("SELECT count() AS n FROM %s WHERE journal = %s", clickhouseconn.Name(w.cfg.Database, w.cfg.Table),
		clickhouseconn.Text(w.j.ID().String())), proto.Results{{Name: "n", Data: &n}}, func() error { return nil }))
	return int(n[0])
}

func (w *world) at() lineage.Table {
	return lineage.Table{Database: w.cfg.Database, Table: w.cfg.Table, Journal: w.j.ID()}
}

// history is what the lineage stream holds.
func (w *world) history() (out []*journal.Entry) {
	w.t.Helper()
	tail, err := w.j.Tail(w.ctx, w.Stream())
	must(w.t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := w.j.Get(w.ctx, w.Stream(), seq)
		must(w.t, err)
		out = append(out, e)
	}
	return out
}
