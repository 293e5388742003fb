package doris_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/services/devstack/realmariadb"
)

// mariaDB is a database in the MariaDB that HEFU_TEST_MARIADB asks for, with a table that has the types of Doris's own
// as far as MariaDB knows them.
func mariaDB(t *testing.T) *sql.DB {
	t.Helper()
	ctx := context.Background()
	addr, stop, err := realmariadb.ForTests(t.Context(), t.TempDir())
	if realmariadb.Skips(err) {
		t.Skipf("SKIPPED: reads from MariaDB: %v", err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, stop()) })
	db := mysqlAt(t, addr)
	for _, q := range []string{
		"DROP DATABASE IF EXISTS " + database, "CREATE DATABASE " + database + " CHARACTER SET utf8mb4",
		"CREATE TABLE " + database + "." + tableName + ` (hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL, sscsdm VARCHAR(16) NOT NULL,
			extract_time DATETIME(6) NOT NULL, record LONGTEXT NULL, city_partition_id BIGINT NOT NULL, city_offset_id BIGINT NOT NULL,
			city_ts DATETIME(3) NOT NULL, hw_ts DATETIME(3) NOT NULL, PRIMARY KEY (hw_partition_id, hw_offset_id))`,
	} {
		_, err := db.ExecContext(ctx, q)
		must(t, err)
	}
	return db
}

func mysqlAt(t *testing.T, addr string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams = "root", "tcp", addr, true
	connector, err := mysql.NewConnector(c)
	must(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestReadsFromMariaDB lets a leg ask the stand-in all that it asks: does the table fit, where does it end, which rows of a
// forgotten load are there. Each of these statements must say the same of the same rows in MariaDB.
func TestReadsFromMariaDB(t *testing.T) {
	other := mariaDB(t)
	w := newWorld(t, unique)
	recorder, err := realmariadb.Record(w.ctx, w.s.MySQLAddr())
	must(t, err)
	w.cfg.Conn.MySQL = []string{recorder.Addr()}
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.prepares()
	h.does("commit")
	h.forgets()
	p := w.start()
	p.until(at)
	p.until(w.Feed())
	p.stop()
	must(t, recorder.Close())

	mirror(t, w.db, other)
	kinds := map[string]int{}
	for _, q := range recorder.Queries() {
		if !strings.HasPrefix(q, "SELECT") || !strings.Contains(q, tableName) {
			continue
		}
		// The one type that MariaDB has under another name: integers of 128 bits.
		want, got := answers(t, w.db, q), answers(t, other, strings.ReplaceAll(q, "AS LARGEINT", "AS DECIMAL(38)"))
		if len(want) == 0 || !slices.Equal(want, got) {
			t.Errorf("%s\nstand-in %q\nMariaDB  %q", q, want, got)
		}
		for _, kind := range []string{"information_schema.columns", "max(hw_offset_id)", "count(DISTINCT"} {
			if strings.Contains(q, kind) {
				kinds[kind]++
			}
		}
	}
	if len(kinds) != 3 {
		t.Errorf("not every question was asked: %v of\n%s", kinds, strings.Join(recorder.Queries(), "\n"))
	}
}

// mirror copies the table's rows.
func mirror(t *testing.T, from, to *sql.DB) {
	t.Helper()
	rows, err := from.QueryContext(t.Context(), "SELECT * FROM "+database+"."+tableName)
	must(t, err)
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var cells [9]sql.NullString
		args := make([]any, len(cells))
		for i := range cells {
			args[i] = &cells[i]
		}
		must(t, rows.Scan(args...))
		for i := range cells {
			args[i] = cells[i]
		}
		_, err := to.ExecContext(t.Context(), "INSERT INTO "+database+"."+tableName+" VALUES (?,?,?,?,?,?,?,?,?)", args...)
		must(t, err)
	}
	must(t, rows.Err())
	if n == 0 {
		t.Fatal("the table has no row")
	}
}

// answers are the names of a result and its rows as text; the order of rows is nobody's promise. What MariaDB calls a
// LONGTEXT is Doris's STRING.
func answers(t *testing.T, db *sql.DB, q string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), q)
	if err != nil {
		t.Errorf("%s: %v", q, err)
		return nil
	}
	defer rows.Close()
	names, err := rows.Columns()
	must(t, err)
	out := []string{fmt.Sprint(len(names), " columns")}
	for rows.Next() {
		cells, at := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range cells {
			at[i] = &cells[i]
		}
		must(t, rows.Scan(at...))
		line := make([]string, len(cells))
		for i, c := range cells {
			line[i] = fmt.Sprintf("%v:%s", c.Valid, strings.Replace(c.String, "longtext", "string", 1))
		}
		out = append(out, strings.Join(line, "|"))
	}
	must(t, rows.Err())
	slices.Sort(out)
	return out
}
