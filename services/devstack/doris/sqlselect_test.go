package doris_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestSelectMore: what "the rows decide", orphans, checks of a table and people ask.
func TestSelectMore(t *testing.T) {
	s := filled(t)
	for q, want := range map[string]string{
		// By city run or by hub bounds; several spans at once.
		"SELECT count(*) FROM T WHERE (hw_partition_id = 0 AND hw_offset_id >= 1 AND hw_offset_id < 3) OR (hw_partition_id = 1 AND hw_offset_id = 4)": "[[3]]",
		"SELECT sscsdm, hw_partition_id, city_partition_id, count(*), count(DISTINCT hw_offset_id) FROM T WHERE hw_partition_id < 2 " +
			"GROUP BY sscsdm, hw_partition_id, city_partition_id ORDER BY hw_partition_id": "[[320100 0 1 5 5] [320100 1 2 5 5]]",
		"SELECT sscsdm, hw_partition_id, hw_offset_id DIV 65536 AS b, count(*) AS n, min(hw_offset_id) lo, max(hw_offset_id) hi, " +
			"sum(cast(hw_offset_id AS LARGEINT)) so, group_bit_xor(hw_offset_id) xh FROM T WHERE hw_partition_id = 1 " +
			"AND hw_offset_id >= 0 AND hw_offset_id < 100 GROUP BY sscsdm, hw_partition_id, b": "[[320100 1 0 5 0 4 10 4]]",
		"SELECT DISTINCT hw_partition_id FROM T ORDER BY hw_partition_id DESC":                                                      "[[2] [1] [0]]",
		"SELECT DISTINCT sscsdm, hw_partition_id IS NULL FROM T":                                                                    "[[320100 0]]",
		"SELECT hw_offset_id FROM T WHERE record LIKE 'r_' AND record NOT LIKE '%1' AND hw_partition_id = 1":                        "[[1] [2] [3] [4]]",
		"SELECT count(*) FROM T WHERE record LIKE 'R%'":                                                                             "[[0]]",
		"SELECT count(*) FROM T WHERE record LIKE '%' OR record IS NULL":                                                            "[[11]]",
		"SELECT hw_partition_id, count(*) FROM T GROUP BY hw_partition_id HAVING count(*) > 1 AND max(hw_offset_id) = 4 ORDER BY 1": "[[0 5] [1 5]]",
		// The golden rows of doris-wire.md §5.3.
		`SELECT xxhash_64('320583', cast(3 as string), cast(1024 as string), cast(1700000000123 as string), cast(0 as string), ` +
			`cast(77 as string), cast(1700000000001 as string), if('{"a":1}' IS NULL, '0', '1'), ifnull('{"a":1}', ''))`: "[[2124098818213904367]]",
		`SELECT xxhash_64('320583', '3', '1024', '1700000000123', '0', '77', '1700000000001', if(NULL IS NULL, '0', '1'), ifnull(NULL, ''))`: "[[-3083002750968980010]]",
		"SELECT sum(cast(9223372036854775807 AS LARGEINT)), sum(cast(0 - 9223372036854775807 AS LARGEINT)) FROM T":                           "[[101457092405402533877 -101457092405402533877]]",
		"SELECT sum(cast(city_offset_id AS LARGEINT)), sum(cast(hw_offset_id AS LARGEINT)) FROM T":                                           "[[9223372036854775897 9223372036854775827]]",
	} {
		got, err := s.tryRows(strings.Replace(q, "FROM T", "FROM ods.ODS_QL_JC_SSJC", 1))
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s\ngot  %v %v\nwant %s", q, got, err, want)
		}
	}
}

// TestColumnsView is what a check of a table reads, in the two models.
func TestColumnsView(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.exec("CREATE TABLE ods.small (a TINYINT NOT NULL, b SMALLINT, c INT DEFAULT '7', d BOOLEAN, e CHAR(3), f DATETIME, g STRING COMMENT 'text') " +
		"DUPLICATE KEY(a, b) DISTRIBUTED BY RANDOM BUCKETS 1")
	const ask = "SELECT COLUMN_NAME, ORDINAL_POSITION, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, COLUMN_DEFAULT, CHARACTER_MAXIMUM_LENGTH, " +
		"CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, COLUMN_SIZE, DECIMAL_DIGITS, COLUMN_COMMENT " +
		"FROM information_schema.columns WHERE TABLE_SCHEMA = 'ods' AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION"
	for name, want := range map[string]string{
		"ODS_QL_JC_SSJC": `[hw_partition_id 1 bigint bigint(20) NO UNI NULL NULL NULL 19 0 NULL 19 0 ]
[hw_offset_id 2 bigint bigint(20) NO UNI NULL NULL NULL 19 0 NULL 19 0 ]
[sscsdm 3 varchar varchar(16) NO  NULL 16 64 NULL NULL NULL 16 NULL ]
[extract_time 4 datetime datetime(6) NO  NULL NULL NULL NULL NULL 6 NULL NULL ]
[record 5 varchar string YES  NULL 2147483643 8589934572 NULL NULL NULL 2147483643 NULL ]
[city_partition_id 6 bigint bigint(20) NO  NULL NULL NULL 19 0 NULL 19 0 ]
[city_offset_id 7 bigint bigint(20) NO  NULL NULL NULL 19 0 NULL 19 0 ]
[city_ts 8 datetime datetime(3) NO  NULL NULL NULL NULL NULL 3 NULL NULL ]
[hw_ts 9 datetime datetime(3) NO  NULL NULL NULL NULL NULL 3 NULL NULL ]`,
		"small": `[a 1 tinyint tinyint(4) NO DUP NULL NULL NULL 3 0 NULL 3 0 ]
[b 2 smallint smallint(6) YES DUP NULL NULL NULL 5 0 NULL 5 0 ]
[c 3 int int(11) YES  7 NULL NULL 10 0 NULL 10 0 ]
[d 4 tinyint tinyint(1) YES  NULL NULL NULL NULL 0 NULL NULL 0 ]
[e 5 char char(3) YES  NULL 3 12 NULL NULL NULL 3 NULL ]
[f 6 datetime datetime YES  NULL NULL NULL NULL NULL 0 NULL NULL ]
[g 7 varchar string YES  NULL 2147483643 8589934572 NULL NULL NULL 2147483643 NULL text]`,
	} {
		var lines []string
		for _, row := range s.rows(ask, name) {
			lines = append(lines, fmt.Sprint(row))
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestSeveralStatements: each is answered, until one fails.
func TestSeveralStatements(t *testing.T) {
	s := filled(t)
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.InterpolateParams, cfg.MultiStatements = "root", "tcp", s.MySQLAddr(), true, true
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "select 1; SET time_zone = '+08:00'; select hw_offset_id from ods."+table+" where record = 'r9'; SHOW DATABASES;; select a")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for {
		for rows.Next() {
			var cell string
			if err := rows.Scan(&cell); err != nil {
				t.Fatal(err)
			}
			got = append(got, cell)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	if fmt.Sprint(got) != "[1 4 information_schema ods]" || rows.Err() == nil || !strings.Contains(rows.Err().Error(), "Unknown column 'a'") {
		t.Errorf("%v, then %v", got, rows.Err())
	}
	var one int // the connection is as good as before
	if err := db.QueryRowContext(t.Context(), "select 1").Scan(&one); err != nil || one != 1 {
		t.Errorf("%d %v", one, err)
	}
}

func TestReplaceTable(t *testing.T) {
	s := filled(t)
	s.exec(strings.Replace(lineageTable, "ODS_QL_JC_SSJC", "other", 1))
	s.exec("ALTER TABLE ods.other REPLACE WITH TABLE " + table)
	count := func(name string) string { return only(s.rows("SELECT count(*) FROM ods." + name)) }
	if got := count("other") + " " + count(table); got != "11 0" {
		t.Errorf("swapped: %s", got)
	}
	s.exec("ALTER TABLE ods." + table + " REPLACE WITH TABLE other PROPERTIES('swap' = 'false')")
	if got := count(table); got != "11" {
		t.Error(got)
	}
	if got := fmt.Sprint(s.rows("SHOW TABLES FROM ods")); got != "[["+table+"]]" {
		t.Error(got)
	}
}

// TestSessionVariables: those that a strongly consistent reader sets are known, others are not.
func TestSessionVariables(t *testing.T) {
	s := open(t, doris.Config{})
	conn, err := s.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, v := range []string{
		"enable_strong_consistency_read = true", "enable_sql_cache = false", "skip_missing_version = false", "skip_bad_tablet = 'FALSE'",
		"query_timeout = 30", "time_zone = 'Asia/Shanghai'", "SESSION sql_mode = ''",
	} {
		if _, err := conn.ExecContext(t.Context(), "SET "+v); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
	_, err = conn.ExecContext(t.Context(), "SET skip_missing_version = true")
	s.wantError(err, 1105, "HY000", e2+"stand-in does not support skip_missing_version = 1")
	_, err = conn.ExecContext(t.Context(), "SET nope = 1")
	s.wantError(err, 1105, "HY000", e2+"Unknown system variable 'nope'")
}

func TestLike(t *testing.T) {
	s := open(t, doris.Config{})
	for like, want := range map[string]string{
		`'a%b' LIKE 'a\%b'`: "1", `'axb' LIKE 'a\%b'`: "0", `'a_b' LIKE 'a\_b'`: "1", `'axb' LIKE 'a\_b'`: "0", "'合b' LIKE '_b'": "1",
		"'aab' LIKE 'a%ab'": "1", "'abcabd' LIKE '%ab_'": "1", "'ab' LIKE 'a%%b_'": "0", "'' LIKE '%'": "1", "'' LIKE '_'": "0", "'a' LIKE ''": "0",
		"'A' LIKE 'a'": "0", "ifnull(NULL, NULL) LIKE '%'": "NULL", "'a' NOT LIKE 'b%'": "1",
	} {
		if got := only(s.rows("SELECT " + like)); got != want {
			t.Errorf("%s: %s, want %s", like, got, want)
		}
	}
}

// TestLeft: the first characters of a text, not its bytes, and no more than there are.
func TestLeft(t *testing.T) {
	s := open(t, doris.Config{})
	for left, want := range map[string]string{
		"left('2024-05-01 12:00:00.123456', 23)": "2024-05-01 12:00:00.123", "LEFT('合符hub', 3)": "合符h", "left('ab', 5)": "ab", "left('ab', 0)": "",
		"left(concat('a', 'b'), 1)": "a", "ifnull(left(ifnull(NULL, NULL), 3), 'none')": "none",
	} {
		if got := only(s.rows("SELECT " + left)); got != want {
			t.Errorf("%s: %q, want %q", left, got, want)
		}
	}
	for _, refused := range []string{"left('a', -1)", "left('a', length('b'))", "left(1, 1)"} {
		if _, err := s.tryRows("SELECT " + refused); err == nil {
			t.Errorf("%s is answered", refused)
		}
	}
}
