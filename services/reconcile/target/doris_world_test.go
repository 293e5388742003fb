package target_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// columns of a table, in the order in which rows are put; %s is a text's type.
const columns = `hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL, sscsdm VARCHAR(16) NULL, extract_time DATETIME(%d) NULL,
	record %s NULL, city_partition_id BIGINT NULL, city_offset_id BIGINT NULL, city_ts DATETIME(%d) NULL, hw_ts DATETIME(%d) NOT NULL`

// table is a table of a stand-in, or of another server.
type table struct {
	t    testing.TB
	db   *sql.DB
	conf config.Doris
}

func newTable(t testing.TB, city, hub, extract int) *table {
	t.Helper()
	s, err := doris.Open(t.Context(), doris.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := connect(t, s.MySQLAddr())
	w.exec("CREATE DATABASE ods")
	w.exec("CREATE TABLE ods.T (" + fmt.Sprintf(columns, extract, "STRING", city, hub) +
		") DUPLICATE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id) BUCKETS 1")
	return w
}

func connect(t testing.TB, addr string) *table {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams = "root", "tcp", addr, true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return &table{t, db, config.Doris{Database: "ods", Table: "T", Config: dorisconn.Config{FE: []string{"http://127.0.0.1:1"}, MySQL: []string{addr}, User: "root"}}}
}

func (w *table) exec(q string, args ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(context.Background(), q, args...); err != nil {
		w.t.Fatalf("%.200s: %v", q, err)
	}
}

// put inserts a row: hub partition and offset, city, extract_time, record, city partition and offset, city_ts, hw_ts.
func (w *table) put(cells ...any) {
	w.t.Helper()
	w.exec("INSERT INTO ods.T VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", cells...)
}

// open opens the table for a hub of the original's format, or of another type of extract_time.
func (w *table) open(extract string, told func(report.Query)) (*target.Doris, *target.DorisWitness) {
	w.t.Helper()
	d, err := target.OpenDoris(w.t.Context(), &w.conf, 0, told)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(d.Close)
	f := domain.FlinkFormat()
	if extract != "" {
		f.Columns[1].Type = extract
	}
	return d, d.Witness(target.NewFormat(&f, time.UTC, d.Digits(), false))
}

// hubRange is a range of hub offsets.
func hubRange(partition int32, first, next int64) proof.Range {
	return proof.Range{Window: domain.Window{Proof: domain.ProofHubDoris, Partition: partition, Index: first / domain.WindowSize}, Span: domain.Span{First: first, Next: next}}
}

// tallied are the vectors of rows, counted one by one.
func tallied(rows []proof.Row, step int64, mask proof.Mask) map[int64]domain.Vector {
	all := map[int64]*proof.Tally{}
	for i := range rows {
		at := rows[i].Offset / step * step
		if all[at] == nil {
			all[at] = &proof.Tally{Mask: mask}
		}
		all[at].Add(&rows[i])
	}
	out := map[int64]domain.Vector{}
	for at, tally := range all {
		out[at] = tally.Vector()
	}
	return out
}

// rowsOf are the rows that a witness has in a range.
func rowsOf(t testing.TB, w proof.Witness, in proof.Range) (all []proof.Row) {
	t.Helper()
	if err := w.Rows(t.Context(), in, func(r proof.Row) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}
