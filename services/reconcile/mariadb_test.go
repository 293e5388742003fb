package reconcile_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/devstack/realmariadb"
	"github.com/hefu-io/hefu/services/reconcile"
)

// rows are two hub partitions, of texts that are easy to get wrong, a NULL, and an offset beyond the end.
func rows() []string {
	var all []string
	texts := []string{"'plain'", "''", "NULL", `'quote '' and back\\slash'`, "'合符 🀄'", `'line\nend'`}
	for i, text := range texts {
		for hub := range 2 {
			all = append(all, fmt.Sprintf("(%d, %d, '320100', '2024-05-01 12:00:0%d.123456', %s, 0, %d, '2024-05-01 12:00:00.120', '2024-02-29 23:59:59.999')",
				hub, 10*i, i, text, 7*i))
		}
	}
	return append(all, "(1, 50001, '320200', '1970-01-01 00:00:00', 'beyond', 3, 9223372036854775807, '2024-05-01 12:00:00', '2024-05-01 12:00:00')")
}

func connect(t *testing.T, addr string, prepare ...string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams = "root", "tcp", addr, true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	for _, row := range rows() {
		prepare = append(prepare, "INSERT INTO ods.T VALUES "+row)
	}
	for _, q := range prepare {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return db
}

const columns = `hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL, sscsdm VARCHAR(16) NOT NULL, extract_time DATETIME(6) NOT NULL,
	record %s NULL, city_partition_id BIGINT NOT NULL, city_offset_id BIGINT NOT NULL, city_ts DATETIME(3) NOT NULL, hw_ts DATETIME(3) NOT NULL`

// TestReadsFromMariaDB: the compare reads the same rows out of the MariaDB that HEFU_TEST_MARIADB asks for as out of the
// stand-in.
func TestReadsFromMariaDB(t *testing.T) {
	addr, stop, err := realmariadb.ForTests(t.Context(), t.TempDir())
	if realmariadb.Skips(err) {
		t.Skipf("SKIPPED: reads from MariaDB: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	s, err := doris.Open(t.Context(), doris.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	standIn := connect(t, s.MySQLAddr(), "CREATE DATABASE ods", "CREATE TABLE ods.T ("+fmt.Sprintf(columns, "STRING")+
		") UNIQUE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id) BUCKETS 1")
	other := connect(t, addr, "DROP DATABASE IF EXISTS ods", "CREATE DATABASE ods CHARACTER SET utf8mb4",
		"CREATE TABLE ods.T ("+fmt.Sprintf(columns, "LONGTEXT")+", PRIMARY KEY (hw_partition_id, hw_offset_id))")
	d := &config.Doris{Database: "ods", Table: "T"}
	want, err := reconcile.ReadTable(t.Context(), standIn, d, 100)
	if err != nil {
		t.Fatal(err)
	}
	got, err := reconcile.ReadTable(t.Context(), other, d, 100)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) != len(rows()) || !slices.Equal(want, got) {
		t.Errorf("stand-in:\n%q\nMariaDB:\n%q", want, got)
	}
}
