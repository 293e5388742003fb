package services_test

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/goccy/go-yaml"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
	"github.com/hefu-io/hefu/services/pipeline"
)

// configOfChild names the configuration of a process of TestLineageRealKills.
const configOfChild = "HEFU_TEST_CHILD_CONFIG"

// TestChild is a process of a test, which kills it.
func TestChild(t *testing.T) {
	path := os.Getenv(configOfChild)
	if path == "" {
		t.Skip("is no child")
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	t.Fatal(services.Run(t.Context(), c, role, slog.New(slog.NewTextHandler(os.Stderr, nil))))
}

// lineageRows is how many rows there are before merges; 0 without a table.
func (w *world) lineageRows(l *config.Lineage, name string) uint64 {
	w.t.Helper()
	conn, err := clickhouseconn.Open(w.t.Context(), l.Conn())
	must(w.t, err)
	defer conn.Close()
	n := proto.ColUInt64{0}
	if conn.Ask(w.t.Context(), "SELECT count() AS n FROM "+name, proto.Results{{Name: "n", Data: &n}}, func() error { return nil }) != nil {
		return 0
	}
	return n[0]
}

// TestLineageRealKills (HEFU_TEST_CLICKHOUSE): the whole process is killed again and again, and
// ClickHouse with it where it is the test's own; read with FINAL each row has its lineage once.
func TestLineageRealKills(t *testing.T) {
	dir := t.TempDir()
	address, own, err := clickhouse.ForTests(t.Context(), dir)
	if clickhouse.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	must(t, err)
	if own != nil {
		defer func() { must(t, own.Stop()) }()
	}
	w := newWorld(t)
	l := w.withLineage(address)
	l.Database = "hefu_kills"
	l.Batch.Rows = 300
	written := filepath.Join(t.TempDir(), "hefu.yaml")
	text, err := yaml.Marshal(w.cfg)
	must(t, err)
	must(t, os.WriteFile(written, text, 0o600))
	rows, name := 0, clickhouseconn.Name(l.Database, l.Table)
	for round := range 6 {
		before := w.lineageRows(l, name)
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), configOfChild+"="+written)
		must(t, child.Start())
		for i := range 4 {
			w.feed("north", 1000*round+i*200, 200)
			w.feed("south", 1000*round+i*100, 100)
			rows += 600
		}
		for late := time.Now().Add(30 * time.Second); w.lineageRows(l, name) == before && time.Now().Before(late); {
			w.feed("north", 100_000, 10)
			rows += 20
		}
		pause := time.NewTimer(time.Duration(rand.IntN(200)) * time.Millisecond)
		<-pause.C // it is in the middle of something
		if round%2 == 1 && own != nil {
			must(t, own.Kill())
			again, err := clickhouse.Start(t.Context(), dir, own.Port())
			must(t, err)
			*own = *again
		}
		must(t, child.Process.Kill())
		_ = child.Wait() // killed
	}
	w.start()
	w.untilRows(rows)
	conn, err := clickhouseconn.Open(t.Context(), l.Conn())
	must(t, err)
	defer conn.Close()
	defer func() { _ = conn.Exec(t.Context(), "DROP DATABASE hefu_kills") }()
	table := lineage.Table{Database: l.Database, Table: l.Table, Journal: w.journalID()}
	w.untilLineageRows(conn, table, uint64(rows))
	w.end()
	var n, places, blocks, raw proto.ColUInt64
	must(t, conn.Ask(t.Context(), "SELECT count() AS n, uniqExact(source, city_partition, city_offset) AS places, uniqExact(shard, block) AS blocks FROM "+name+" FINAL",
		proto.Results{{Name: "n", Data: &n}, {Name: "places", Data: &places}, {Name: "blocks", Data: &blocks}}, func() error { return nil }))
	must(t, conn.Ask(t.Context(), "SELECT count() AS n FROM "+name, proto.Results{{Name: "n", Data: &raw}}, func() error { return nil }))
	t.Logf("%d rows in %d blocks, %d before merges", n[0], blocks[0], raw[0])
	if int(n[0]) != rows || places[0] != n[0] {
		t.Errorf("%d rows of %d places, want %d", n[0], places[0], rows)
	}
}
