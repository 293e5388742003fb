package doris_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestTableLike: CREATE TABLE … LIKE copies all but the rows, the comment of a table is shown,
// changed, kept over a restart, and goes with the table when names are exchanged.
func TestTableLike(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.a (k INT NOT NULL, v STRING) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2")
	s.exec("INSERT INTO ods.a VALUES (1, 'x')")
	s.exec("CREATE TABLE ods.b LIKE ods.a")
	s.exec(`ALTER TABLE ods.b MODIFY COMMENT "it's b"`)
	comments := func() string {
		return fmt.Sprint(s.rows("SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.tables WHERE TABLE_SCHEMA = 'ods' ORDER BY TABLE_NAME"),
			s.rows("SELECT k FROM ods.a"), s.rows("SELECT k FROM ods.b"))
	}
	if got, want := comments(), "[[a OLAP] [b it's b]] [[1]] []"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := "CREATE TABLE `b` (\n  `k` int NOT NULL,\n  `v` text NULL\n) ENGINE=OLAP\nUNIQUE KEY(`k`)\nCOMMENT 'it\\'s b'\nDISTRIBUTED BY HASH(k) BUCKETS 2;"
	if got := s.rows("SHOW CREATE TABLE ods.b")[0][1]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.exec("ALTER TABLE ods.a REPLACE WITH TABLE b PROPERTIES('swap' = 'true')")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if got, want := comments(), "[[a it's b] [b OLAP]] [] [[1]]"; got != want {
		t.Errorf("exchanged: got %s, want %s", got, want)
	}
}

// TestRename: a table keeps its rows and its comment under another name, over a restart, too; a name
// that is taken is refused.
func TestRename(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.a (k INT NOT NULL) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2")
	s.exec("CREATE TABLE ods.b LIKE ods.a")
	s.exec(`ALTER TABLE ods.b MODIFY COMMENT "b"`)
	s.exec("INSERT INTO ods.b VALUES (1)")
	db := connect(t, s.Server, "root", "", "")
	for _, c := range []struct{ statement, says string }{
		{"ALTER TABLE ods.b RENAME a", "Table name[a] is already used"},
		{"ALTER TABLE ods.c RENAME d", "Table [c] does not exist"},
	} {
		if _, err := db.ExecContext(t.Context(), c.statement); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.statement, err, c.says)
		}
	}
	s.exec("ALTER TABLE ods.b RENAME c")
	for _, how := range []string{"renamed", "restarted"} {
		got := fmt.Sprint(s.rows("SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.tables WHERE TABLE_SCHEMA = 'ods' ORDER BY TABLE_NAME"), s.rows("SELECT k FROM ods.c"))
		if want := "[[a OLAP] [c b]] [[1]]"; got != want {
			t.Errorf("%s: got %s, want %s", how, got, want)
		}
		if how == "renamed" {
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			s = open(t, cfg)
		}
	}
	s.exec("ALTER TABLE ods.a REPLACE WITH TABLE c PROPERTIES('swap' = 'true')")
	if got := fmt.Sprint(s.rows("SELECT k FROM ods.a")); got != "[[1]]" {
		t.Errorf("exchanged under its new name: %s", got)
	}
}

// TestMayChange: who may not change a table is told what MySQL tells it.
func TestMayChange(t *testing.T) {
	s := withUsers(t, doris.Config{})
	s.exec("CREATE TABLE ods.a (k INT NOT NULL) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2")
	s.exec("CREATE USER maker IDENTIFIED BY 'm'")
	s.exec("GRANT SELECT_PRIV ON ods.ODS_QL_JC_SSJC TO maker")
	db := connect(t, s.Server, "maker", "m", "")
	for _, c := range []struct{ privilege, statement, command string }{
		{"SELECT_PRIV", "", ""},
		{"CREATE_PRIV", "CREATE TABLE ods.b LIKE ods.a", "CREATE"},
		{"ALTER_PRIV", `ALTER TABLE ods.a MODIFY COMMENT "x"`, "ALTER"},
		{"LOAD_PRIV", "DELETE FROM ods.a WHERE k = 1", "LOAD"},
		{"DROP_PRIV", "DROP TABLE ods.a", "DROP"},
	} {
		if c.statement != "" {
			_, err := db.ExecContext(t.Context(), c.statement)
			var refused *mysql.MySQLError
			if !errors.As(err, &refused) || refused.Number != 1142 || !strings.Contains(refused.Message, c.command+" command denied to user 'maker'") {
				t.Errorf("%s: %v", c.statement, err)
			}
		}
		s.exec("GRANT " + c.privilege + " ON ods.* TO maker")
		if c.statement != "" {
			if _, err := db.ExecContext(t.Context(), c.statement); err != nil {
				t.Errorf("%s: %v", c.statement, err)
			}
		}
	}
}
