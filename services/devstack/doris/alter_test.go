package doris_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestAlterAgain: the process died after the rows were changed and before the catalog knew; the statement is given again.
func TestAlterAgain(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.d (id INT NOT NULL) UNIQUE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	s.exec("INSERT INTO ods.d VALUES (7)")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	rows, err := sql.Open("sqlite", filepath.Join(cfg.Dir, "rows.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.ExecContext(t.Context(), "ALTER TABLE t2 ADD COLUMN v TEXT DEFAULT 'other'; CREATE TABLE t2_1 (id INTEGER); INSERT INTO t2_1 VALUES (8)"); err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if got := fmt.Sprint(s.rows("SELECT * FROM ods.d")); got != "[[7]]" {
		t.Errorf("before the statement is given again: %s", got)
	}
	s.exec("ALTER TABLE ods.d ADD COLUMN v VARCHAR(9) DEFAULT 'mine'")
	if got := fmt.Sprint(s.rows("SELECT * FROM ods.d")); got != "[[7 mine]]" {
		t.Errorf("after ADD COLUMN: %s", got)
	}
	s.exec("TRUNCATE TABLE ods.d")
	if got := fmt.Sprint(s.rows("SELECT * FROM ods.d")); got != "[]" {
		t.Errorf("after TRUNCATE: %s", got)
	}
	s.exec("INSERT INTO ods.d (id) VALUES (9), (9)") // the key still holds
	if got := fmt.Sprint(s.rows("SELECT * FROM ods.d")); got != "[[9 mine]]" {
		t.Errorf("after INSERT: %s", got)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if got := fmt.Sprint(s.rows("SELECT id, v FROM ods.d")); got != "[[9 mine]]" {
		t.Errorf("after a restart: %s", got)
	}
}
