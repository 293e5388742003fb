package doris_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestShowTable: a table as it is now, after a column was added, and after a restart.
func TestShowTable(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.t (a INT NOT NULL COMMENT 'it''s', b VARCHAR(8) DEFAULT 'x', c STRING) ENGINE=OLAP DUPLICATE KEY(a, b) " +
		`DISTRIBUTED BY HASH(a) BUCKETS 3 PROPERTIES ("replication_num" = "1")`)
	s.exec("ALTER TABLE ods.t ADD COLUMN d DATETIME(3) NULL")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	want := "CREATE TABLE `t` (\n  `a` int NOT NULL COMMENT 'it\\'s',\n  `b` varchar(8) NULL DEFAULT \"x\",\n  `c` text NULL,\n  `d` datetime(3) NULL\n" +
		") ENGINE=OLAP\nDUPLICATE KEY(`a`, `b`)\nCOMMENT 'OLAP'\nDISTRIBUTED BY HASH(a) BUCKETS 3 PROPERTIES (\"replication_num\" = \"1\");"
	if got := s.rows("SHOW CREATE TABLE ods.t")[0][1]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.exec("DROP TABLE ods.t")
	s.exec(want[:len("CREATE TABLE ")] + "ods." + want[len("CREATE TABLE "):]) // it makes the same table again
	for q, want := range map[string]string{
		"SHOW CREATE TABLE ods.t": "[[t " + want + "]]",
		"SHOW COLUMNS FROM ods.t": "[[a int NO YES NULL ] [b varchar(8) YES YES x ] [c text YES NO NULL NONE] [d datetime(3) YES NO NULL NONE]]",
		"SHOW FULL COLUMNS FROM `t` FROM `ods`": "[[a int  NO YES NULL   it's] [b varchar(8)  YES YES x   ] [c text  YES NO NULL NONE  ] " +
			"[d datetime(3)  YES NO NULL NONE  ]]",
		"DESC ods.t": "[[a int No true NULL ] [b varchar(8) Yes true x ] [c text Yes false NULL NONE] [d datetime(3) Yes false NULL NONE]]",
	} {
		if got := fmt.Sprint(s.rows(q)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", q, got, want)
		}
	}
}

func TestShowGrants(t *testing.T) {
	s := withUsers(t, doris.Config{})
	for q, want := range map[string]string{
		"SHOW GRANTS":            "'root'@'%' No Admin_priv NULL NULL",
		"SHOW GRANTS FOR owner":  "'owner'@'%' Yes NULL internal.ods: Load_priv,Select_priv NULL",
		"SHOW GRANTS FOR loader": "'loader'@'%' Yes NULL NULL internal.ods.ODS_QL_JC_SSJC: Load_priv",
		"SHOW GRANTS FOR nobody": "'nobody'@'%' Yes NULL NULL NULL",
	} {
		row := s.rows(q)[0]
		if got := strings.Join([]string{row[0], row[2], row[4], row[6], row[7]}, " "); len(row) != 14 || got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	if got := len(s.rows("SHOW ALL GRANTS")); got != 6 {
		t.Errorf("%d users", got)
	}
	_, err := s.tryRows("SHOW GRANTS FOR someone")
	s.wantError(err, 1105, "HY000", e2+"User: 'someone'@'%' does not exist")
	_, err = connect(t, s.Server, "reader", "r", "").ExecContext(t.Context(), "SHOW ALL GRANTS")
	s.wantError(err, 1227, "42000", e2+"Access denied; you need (at least one of) the (GRANT) privilege(s) for this operation")
}
