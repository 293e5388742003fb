package services_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
	"github.com/hefu-io/hefu/services/status"
)

// withLineage makes the pipeline keep the lineage of its rows.
func (w *world) withLineage(address string) *config.Lineage {
	l := config.DefaultLineage()
	l.Addresses, l.Database = []string{address}, "hefu_services"
	l.Batch.Age = 20 * time.Millisecond
	w.cfg.Pipelines[0].Lineage = &l
	return &l
}

// lineageLeg is what the leg says of itself.
func (w *world) lineageLeg() (found status.LegReport) {
	r, _ := w.report()
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			if l.Leg == string(domain.LegLineage) {
				found = l
			}
		}
	}
	return found
}

// A ClickHouse that is not there holds back neither the hub nor Doris, nor an end, and the
// status says what is wrong.
func TestLineageHoldsBackNobody(t *testing.T) {
	w := newWorld(t)
	w.withLineage("127.0.0.1:1")
	w.start()
	w.feed("north", 0, 100)
	w.untilRows(200)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for l := w.lineageLeg(); l.State != "retrying" || !strings.Contains(l.Error, "127.0.0.1:1"); l = w.lineageLeg() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("the leg is %+v", l)
		}
	}
	w.end()
	w.cfg.Pipelines[0].Lineage = nil // as if nobody had ever asked for it
	w.start()
	w.feed("north", 100, 10)
	w.untilRows(220)
	w.end()
}

// TestLineageRealServer (HEFU_TEST_CLICKHOUSE): whatever arrived in the table has its lineage, over a restart, and a
// row is found by each of its places.
func TestLineageRealServer(t *testing.T) {
	address, own, err := clickhouse.ForTests(t.Context(), t.TempDir())
	if clickhouse.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if own != nil {
		defer func() {
			if err := own.Stop(); err != nil {
				t.Error(err)
			}
		}()
	}
	w := newWorld(t)
	l := w.withLineage(address)
	w.start()
	w.feed("north", 0, 500)
	w.untilRows(1000)
	w.end()
	w.start()
	w.feed("south", 0, 300)
	w.untilRows(1600)
	conn, err := clickhouseconn.Open(t.Context(), l.Conn())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer func() { _ = conn.Exec(t.Context(), "DROP DATABASE hefu_services") }()
	table := lineage.Table{Database: l.Database, Table: l.Table, Journal: w.journalID()}
	w.untilLineageRows(conn, table, 1600)
	w.end()
	rows, err := lineage.Lookup(t.Context(), conn, table, lineage.AtCity("320200", 1, 7), 10)
	if err != nil || len(rows) != 1 || rows[0].Source != "south" || rows[0].State != lineage.InTable {
		t.Fatalf("by its place in the city: %+v, %v", rows, err)
	}
	r := rows[0]
	for name, q := range map[string]lineage.Query{
		"hub": lineage.AtHub(r.Place.Hub.Partition, r.Place.Hub.Offset), "source": lineage.AtSource("south", 1, 7),
		"load": lineage.OfLoad(r.Shard, r.Doris), "label": lineage.OfLabel(r.Label), "txn": lineage.OfTxn(r.Txn),
	} {
		found, err := lineage.Lookup(t.Context(), conn, table, q, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		there := false
		for _, f := range found {
			there = there || f == r
		}
		if !there {
			t.Errorf("by %s: not among %d rows", name, len(found))
		}
	}
}

// journalID is the running journal's, as its manifest remembers it.
func (w *world) journalID() domain.JournalID {
	w.t.Helper()
	m, err := journal.OpenManifest(filepath.Join(w.cfg.DataDir, "journal", "manifest.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	id, _ := m.Journal("bridge")
	return id
}

// untilLineageRows waits until n rows are there, each once.
func (w *world) untilLineageRows(conn *clickhouseconn.Conn, table lineage.Table, n uint64) {
	w.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var have proto.ColUInt64
		err := conn.Ask(w.t.Context(), "SELECT count() AS n FROM "+clickhouseconn.Name(table.Database, table.Table)+" FINAL WHERE journal = "+
			clickhouseconn.Text(table.Journal.String()), proto.Results{{Name: "n", Data: &have}}, func() error { return nil })
		if err != nil {
			w.t.Fatal(err)
		}
		if have[0] == n {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d rows of %d; the leg is %+v", have[0], n, w.lineageLeg())
		}
	}
}
