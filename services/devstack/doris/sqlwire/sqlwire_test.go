package sqlwire_test

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/devstack/doris/sqlwire"
)

// A statement fails before it is done or once it is, as often as it was armed for; others pass, and
// nothing is left running.
func TestWire(t *testing.T) {
	defer goleak.VerifyNone(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := doris.Open(t.Context(), doris.Config{Dir: t.TempDir()})
	must(err)
	defer func() { must(s.Close()) }()
	w, err := sqlwire.Open(t.Context(), s.MySQLAddr())
	must(err)
	defer func() { must(w.Close()) }()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr = "root", "tcp", w.Addr()
	connector, err := mysql.NewConnector(c)
	must(err)
	db := sql.OpenDB(connector)
	defer func() { must(db.Close()) }()

	there := func(name string) (n int) {
		t.Helper()
		must(db.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.schemata WHERE schema_name = '"+name+"'").Scan(&n))
		return n
	}
	for name, fault := range map[string]journal.Fault{"lost": journal.FaultBefore, "unheard": journal.FaultAfter} {
		w.Arm("DATABASE", 1, fault)
		if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err == nil || w.Met() != 1 {
			t.Errorf("%s: %v, met %d times", name, err, w.Met())
		}
		if got, want := there(name), map[journal.Fault]int{journal.FaultAfter: 1}[fault]; got != want {
			t.Errorf("%s: there %d times, want %d", name, got, want)
		}
		if _, err := db.ExecContext(t.Context(), "CREATE DATABASE IF NOT EXISTS "+name); err != nil || w.Met() != 2 || there(name) != 1 {
			t.Errorf("%s again: %v, met %d times", name, err, w.Met())
		}
	}
	if got := len(w.Changes()); got != 4 {
		t.Errorf("changes %q", w.Changes())
	}
	// What is to be done before a statement is done once, and may make it fail.
	did := 0
	w.Before("count", func() { did++; w.Arm("count", 1, journal.FaultBefore) })
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.schemata").Scan(&n); err == nil || did != 1 {
		t.Errorf("%v, and it was done %d times", err, did)
	}
	if there("lost") != 1 || did != 1 {
		t.Errorf("it was done %d times", did)
	}
}
