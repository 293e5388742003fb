package doris_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// filled has ten rows of hub partitions 0 and 1, offsets 0-4, and one with a NULL record.
func filled(t *testing.T) *standIn {
	s := withTable(t, doris.Config{})
	var b strings.Builder
	for i := range 10 {
		b.WriteString(line(i%2, i/2, fmt.Sprint("r", i)))
	}
	b.WriteString(strings.Replace(line(2, 9223372036854775807, "x"), `"x"`, "null", 1))
	reply := s.load(table, "L", strings.ReplaceAll(b.String(), `"city_offset_id":-9223372036854775802`, `"city_offset_id":9223372036854775807`))
	if reply.Status != "Success" {
		t.Fatalf("%+v", reply)
	}
	s.commit(reply.TxnID)
	s.until("L", "VISIBLE")
	return s
}

func TestSelect(t *testing.T) {
	s := filled(t)
	hash := uint64(0)
	for _, f := range []string{"320100", "1", "r1"} {
		hash = xxh3.HashStringSeed(f, hash)
	}
	for q, want := range map[string]string{
		"SELECT 1": "[[1]]",
		"SELECT count(*), min(hw_offset_id), max(hw_offset_id), sum(hw_offset_id), count(DISTINCT hw_offset_id) FROM T WHERE hw_partition_id < 2":        "[[10 0 4 20 5]]",
		"SELECT sum(cast(city_offset_id AS LARGEINT)) s FROM T WHERE hw_partition_id IN (2) OR hw_offset_id = 4":                                         "[[9223372036854775829]]",
		"SELECT hw_partition_id p, hw_offset_id DIV 2 AS b, count(*) AS n FROM T WHERE hw_partition_id <> 2 GROUP BY p, b ORDER BY p DESC, 2 LIMIT 1, 3": "[[1 1 2] [1 2 1] [0 0 2]]",
		"SELECT hw_offset_id FROM T WHERE hw_partition_id = 0 AND hw_offset_id BETWEEN 1 AND 3 ORDER BY hw_offset_id DESC LIMIT 2":                       "[[3] [2]]",
		"SELECT sum(cast(0 - hw_offset_id AS LARGEINT)), sum(cast(hw_offset_id AS LARGEINT)) FROM T WHERE hw_partition_id <> 1":                          "[[-9223372036854775817 9223372036854775817]]",
		"SELECT record FROM T WHERE record IN ('r1', 'r3') ORDER BY record":                                                                              "[[r1] [r3]]",
		"SELECT count(record), count(*) FROM T WHERE hw_partition_id = 2":                                                                                "[[0 1]]",
		"SELECT ifnull(record, 'none'), if(record IS NULL, '0', '1'), record FROM T WHERE record IS NULL":                                                "[[none 0 NULL]]",
		"SELECT xxhash_64('hello'), xxhash_64('hello', 'world'), xxhash_64(NULL), xxhash_64('')":                                                         "[[-7685981735718036227 7001965798170371843 NULL 3244421341483603138]]",
		"SELECT xxhash_64(sscsdm, cast(hw_partition_id AS string), record) FROM T WHERE record = 'r1'":                                                   fmt.Sprintf("[[%d]]", int64(hash)),
		"SELECT min(hw_ts), cast(max(extract_time) AS string) FROM T WHERE hw_ts = '2024-05-01 12:00:01.5'":                                              "[[2024-05-01 12:00:01.500 2024-05-01 12:00:00.123456]]",
		"SELECT count(*) FROM T WHERE hw_ts > '2024-05-01 12:00:01.500'":                                                                                 "[[0]]",
		"SELECT record, count(*) n FROM T GROUP BY record HAVING n > 1":                                                                                  "[]",
		"SELECT T.record FROM ods.ODS_QL_JC_SSJC AS T WHERE T.hw_offset_id = '4' AND NOT T.hw_partition_id = 0":                                          "[[r9]]",
		"SELECT group_bit_xor(hw_offset_id) FROM T WHERE hw_partition_id = 0":                                                                            "[[4]]",
		"SELECT length(concat(sscsdm, '合')), -5 DIV 2, 7 % 4, 1 DIV 0 FROM T LIMIT 1":                                                                    "[[9 -2 3 NULL]]",
		"SELECT @@version_comment": "[[" + doris.Banner + "]]",
		"SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY FROM information_schema.columns WHERE TABLE_SCHEMA = 'ods' AND TABLE_NAME = 'ODS_QL_JC_SSJC' AND ORDINAL_POSITION < 4 ORDER BY ORDINAL_POSITION": "[[hw_partition_id bigint UNI] [hw_offset_id bigint UNI] [sscsdm varchar ]]",
		"SELECT `SCHEMA_NAME` FROM `INFORMATION_SCHEMA`.`SCHEMATA`;":                     "[[information_schema] [ods]]",
		"SELECT TABLE_NAME FROM information_schema.`TABLES` WHERE TABLE_SCHEMA = 'ods'":  "[[ODS_QL_JC_SSJC]]",
		"SELECT TABLE_NAME FROM information_schema.`TABLES` WHERE TABLE_SCHEMA = 'none'": "[]",
		"SHOW TABLES FROM ods LIKE 'ods%'":                                               "[[ODS_QL_JC_SSJC]]",
		"SHOW DATABASES":                                                                 "[[information_schema] [ods]]",
		"SELECT Host, Alive FROM backends() WHERE Alive = 'true'":                        "[[127.0.0.1 1]]",
		"SELECT 'it''s', \"a\\\"b\", 'back\\\\slash'":                                    `[[it's a"b back\slash]]`,
	} {
		got, err := s.tryRows(strings.Replace(q, "FROM T ", "FROM ods.ODS_QL_JC_SSJC ", 1))
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s\ngot  %v %v\nwant %s", q, got, err, want)
		}
	}
}

// TestRefused: what the stand-in does not know is error 1105, not an answer.
func TestRefused(t *testing.T) {
	s := filled(t)
	for q, want := range map[string]string{
		"SELECT a FROM T":                                          "Unknown column 'a' in 'table list'",
		"SELECT record, count(*) FROM T":                           "record must appear in the GROUP BY clause or be used in an aggregate function",
		"SELECT hw_offset_id FROM T GROUP BY hw_partition_id":      "hw_offset_id must appear in the GROUP BY clause or be used in an aggregate function",
		"SELECT md5(record) FROM T":                                "stand-in does not support function md5 with 1 arguments",
		"SELECT xxhash_64(hw_offset_id) FROM T":                    "stand-in does not support xxhash_64 of BIGINT, cast it to string",
		"SELECT count(*) FROM T WHERE sscsdm = 320100":             "stand-in does not support comparing STRING with BIGINT",
		"SELECT count(*) FROM T WHERE hw_ts = 'yesterday'":         "stand-in does not support comparing DATETIME with STRING",
		"SELECT * FROM T a JOIN T b":                               "stand-in does not support this statement, near: JOIN T b",
		"SELECT DISTINCT sscsdm FROM T ORDER BY record":            "stand-in does not support ORDER BY of what SELECT DISTINCT does not select",
		"SELECT count(*) FROM T WHERE record":                      "stand-in does not support STRING as a condition of WHERE",
		"SELECT count(*) FROM T WHERE hw_ts OR 1 = 1":              "stand-in does not support DATETIME as a condition of OR",
		"SELECT count(*) FROM T HAVING max(record)":                "stand-in does not support STRING as a condition of HAVING",
		"SELECT cast(record IS NULL AS STRING) FROM T":             "stand-in does not support cast of BOOLEAN to STRING",
		"SELECT record FROM T WHERE hw_offset_id LIKE '1%'":        "stand-in does not support LIKE of BIGINT",
		"SELECT hw_offset_id * 4 FROM T WHERE hw_partition_id = 2": "stand-in does not support results beyond BIGINT",
		"SELECT @@nope":                             "Unknown system variable 'nope'",
		"SET nope = 1":                              "Unknown system variable 'nope'",
		"SET show_hidden_columns = true":            "stand-in does not support show_hidden_columns = 1",
		"SELECT count(*) FROM T WHERE count(*) > 1": "aggregate function can't contain aggregate expressions",
		// What an operator may do to a table, and what not.
		"ALTER TABLE ods.ODS_QL_JC_SSJC DROP COLUMN record":                                "stand-in does not support this statement, near: DROP COLUMN record",
		"ALTER TABLE ods.ODS_QL_JC_SSJC ADD COLUMN x INT NOT NULL":                         "stand-in does not support adding a NOT NULL column without a default: x",
		"ALTER TABLE ods.ODS_QL_JC_SSJC ADD COLUMN x INT AFTER record":                     "stand-in does not support ADD COLUMN but after the last one, hw_ts",
		"SHOW TRANSACTION FROM ods WHERE status = 'precommitted'":                          "Where clause should looks like one of them: id = 123 or label =/like 'label' or status = 'prepare/precommitted/committed/visible/aborted'",
		"SHOW TRANSACTION FROM ods WHERE id = '5'":                                         "Where clause should looks like one of them: id = 123 or label =/like 'label' or status = 'prepare/precommitted/committed/visible/aborted'",
		"SHOW TRANSACTION FROM ods WHERE id = 987":                                         "transaction with id 987 does not exist",
		"SHOW TRANSACTION FROM ods WHERE label = 'x'":                                      "transaction with label x does not exist",
		"SHOW TRANSACTION FROM ods":                                                        "Missing transaction id",
		"DROP TABLE ods.x":                                                                 "Unknown table 'x' in ods",
		lineageTable:                                                                       "Table 'ODS_QL_JC_SSJC' already exists",
		"CREATE TABLE ods.x (a STRING) UNIQUE KEY(a)":                                      "The olap table key column can not be type STRING: a",
		"CREATE TABLE ods.x (a INT, b INT) UNIQUE KEY(b)":                                  "Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema",
		"CREATE TABLE ods.x (a INT, b INT) UNIQUE KEY(a) DISTRIBUTED BY HASH(b) BUCKETS 1": "Distribution column[b] is not key column",
		"CREATE TABLE ods.x (a HLL) UNIQUE KEY(a)":                                         "stand-in does not support column type HLL",
		"UPDATE ods.ODS_QL_JC_SSJC SET hw_offset_id = 1 WHERE record = 'r1'":               "Only value columns of unique table could be updated: hw_offset_id",
		"UPDATE ods.ODS_QL_JC_SSJC SET hw_ts = 'x' WHERE record = 'r1'":                    "column_name[hw_ts], parse string to datetime(3) failed, value: [x]",
		"DELETE FROM ods.ODS_QL_JC_SSJC":                                                   "stand-in does not support this statement, near: end of statement",
	} {
		_, err := s.tryRows(strings.Replace(q, "FROM T ", "FROM ods.ODS_QL_JC_SSJC ", 1))
		if strings.HasSuffix(q, "FROM T") {
			_, err = s.tryRows(strings.TrimSuffix(q, "T") + "ods.ODS_QL_JC_SSJC")
		}
		var got *mysql.MySQLError
		if !errors.As(err, &got) || got.Number != 1105 || string(got.SQLState[:]) != "HY000" || got.Message != "errCode = 2, detailMessage = "+want {
			t.Errorf("%s\ngot  %v\nwant %s", q, err, want)
		}
	}
}

// TestOperator changes rows by hand.
func TestOperator(t *testing.T) {
	s := filled(t)
	for _, step := range []struct {
		sql  string
		n    int64
		ask  string
		want string
	}{
		{"DELETE FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = 0 AND hw_offset_id = 3", 1, "SELECT count(*) FROM ods.ODS_QL_JC_SSJC", "[[10]]"},
		{
			"UPDATE ods.ODS_QL_JC_SSJC SET hw_ts = '2024-05-01 12:00:01.501' WHERE record = 'r1'", 1,
			"SELECT record FROM ods.ODS_QL_JC_SSJC WHERE hw_ts = '2024-05-01 12:00:01.501'", "[[r1]]",
		},
		{
			"UPDATE ods.ODS_QL_JC_SSJC SET record = concat(record, '!'), city_offset_id = city_offset_id + 1 WHERE record IN ('r1')", 1,
			"SELECT record, city_offset_id FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = 1 AND hw_offset_id = 0", "[[r1! 8]]",
		},
		{
			"INSERT INTO ods.ODS_QL_JC_SSJC VALUES (9, 9, 'a', '2024-01-01', 'it''s', 1, 1, '2024-01-01', '2024-01-01 00:00:00.0005')", 1,
			"SELECT record, hw_ts FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = 9", "[[it's 2024-01-01 00:00:00.001]]",
		},
		{"TRUNCATE TABLE ods.ODS_QL_JC_SSJC", 0, "SELECT count(*) FROM ods.ODS_QL_JC_SSJC", "[[0]]"},
	} {
		r, err := s.db.ExecContext(t.Context(), step.sql)
		if err != nil {
			t.Fatalf("%s: %v", step.sql, err)
		}
		if n, _ := r.RowsAffected(); n != step.n {
			t.Errorf("%s: %d rows", step.sql, n)
		}
		if got := fmt.Sprint(s.rows(step.ask)); got != step.want {
			t.Errorf("%s: %s, want %s", step.sql, got, step.want)
		}
	}
}

// TestColumnTypes looks at what a Go program scans.
func TestColumnTypes(t *testing.T) {
	s := filled(t)
	rows, err := s.db.QueryContext(t.Context(), "SELECT hw_offset_id, hw_ts, record, sum(cast(hw_offset_id AS LARGEINT)) AS l FROM ods."+table+
		" WHERE record = 'r1' GROUP BY hw_offset_id, hw_ts, record")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range types {
		got = append(got, c.Name()+" "+c.DatabaseTypeName())
	}
	if d := cmp.Diff([]string{"hw_offset_id BIGINT", "hw_ts DATETIME", "record TEXT", "l CHAR"}, got); d != "" {
		t.Error(d)
	}
	var cells [4]any
	if !rows.Next() {
		t.Fatal("no row")
	}
	if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3]); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([4]any{int64(0), []byte("2024-05-01 12:00:01.500"), []byte("r1"), []byte("0")}, cells); d != "" {
		t.Error(d)
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

func TestGreeting(t *testing.T) {
	s := open(t, doris.Config{})
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", s.MySQLAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, int(head[0])|int(head[1])<<8)
	if _, err := io.ReadFull(c, p); err != nil {
		t.Fatal(err)
	}
	at := 1 + len("5.7.99") + 1 + 4 + 8 + 1
	want := []byte{0x8c, 0x82, 33, 0, 0, 0x08, 0x00}
	if p[0] != 10 || string(p[1:7]) != "5.7.99" || !bytes.Equal(p[at:at+7], want) || !bytes.HasSuffix(p, []byte("mysql_native_password\x00")) {
		t.Errorf("% x", p)
	}
}

func TestLogins(t *testing.T) {
	s := open(t, doris.Config{User: "hefu", Password: "secret"})
	s.exec("CREATE DATABASE ods")
	for _, c := range []struct {
		user, password, db string
		number             uint16
	}{
		{"root", "", "", 0},
		{"hefu", "secret", "ods", 0},
		{"hefu", "wrong", "", 1045},
		{"nobody", "x", "", 1045},
		{"hefu", "secret", "nodb", 1049},
	} {
		err := connect(t, s.Server, c.user, c.password, c.db).PingContext(t.Context())
		var got *mysql.MySQLError
		errors.As(err, &got)
		if (c.number == 0) != (err == nil) || got != nil && got.Number != c.number {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestShowTransaction(t *testing.T) {
	s := withTable(t, doris.Config{})
	a := s.load(table, "hefu-a", line(1, 1, "x"))
	s.phase("abort", "txn_id", fmt.Sprint(a.TxnID))
	b := s.load(table, "hefu-a", line(1, 1, "x"))
	if got := s.rows("SHOW TRANSACTION FROM ods WHERE label = ?", "hefu-a"); len(got) != 1 || got[0][0] != fmt.Sprint(b.TxnID) || got[0][7] != "NULL" {
		t.Errorf("label =: %v", got)
	}
	got := s.rows("SHOW TRANSACTION FROM ods WHERE LABEL LIKE 'hefu%'")
	if len(got) != 2 || got[0][0] != fmt.Sprint(b.TxnID) || got[1][3] != "ABORTED" || got[1][10] != "User Abort" {
		t.Errorf("label like: %v", got)
	}
	if got := s.rows("SHOW TRANSACTION FROM ods WHERE label LIKE 'x%'"); len(got) != 0 {
		t.Errorf("no hit: %v", got)
	}
	s.exec("CLEAN LABEL `hefu-a` FROM ods")
	if got := s.rows("SHOW TRANSACTION FROM ods WHERE label LIKE 'hefu%'"); len(got) != 1 || got[0][3] != "PRECOMMITTED" {
		t.Errorf("after CLEAN LABEL: %v", got)
	}
}
