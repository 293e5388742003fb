package realmariadb_test

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/services/devstack/realmariadb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, addr string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams, c.Logger = "root", "tcp", addr, true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestMariaDB starts a server, where HEFU_TEST_MARIADB is "launch", asks it something through a recorder, and stops it.
func TestMariaDB(t *testing.T) {
	addr, stop, err := realmariadb.ForTests(t.Context(), t.TempDir())
	if realmariadb.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := realmariadb.Record(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, recorder.Addr())
	var got int
	if err := db.QueryRowContext(t.Context(), "SELECT ? + 1", 41).Scan(&got); err != nil || got != 42 {
		t.Errorf("%d, %v", got, err)
	}
	if q := recorder.Queries(); !slices.Contains(q, "SELECT 41 + 1") {
		t.Errorf("recorded %q", q)
	}
	if err := recorder.Close(); err != nil {
		t.Error(err)
	}
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a closed recorder still hands on")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNotAsked: without the variable nothing is started.
func TestNotAsked(t *testing.T) {
	t.Setenv("HEFU_TEST_MARIADB", "")
	if _, _, err := realmariadb.ForTests(t.Context(), t.TempDir()); !realmariadb.Skips(err) {
		t.Error(err)
	}
	t.Setenv("HEFU_TEST_MARIADB", "host:3306")
	if addr, stop, err := realmariadb.ForTests(t.Context(), t.TempDir()); addr != "host:3306" || err != nil || stop() != nil {
		t.Errorf("%s, %v", addr, err)
	}
}
