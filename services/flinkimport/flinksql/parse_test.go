package flinksql

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func parse(t *testing.T, sql string) *Script {
	t.Helper()
	s := Parse("j.sql", []byte(sql))
	for _, p := range s.Problems {
		t.Errorf("%v: %s", p.Pos, p.Text)
	}
	return s
}

// TestSeed reads the original job as its document gives it.
func TestSeed(t *testing.T) {
	text, err := os.ReadFile("../../../domain/flink/testdata/golden/seed.sql")
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, string(text))
	var got []string
	for _, st := range s.Statements {
		got = append(got, fmt.Sprintf("%d:%d %s", st.Pos.Line, st.Pos.Column, st.Head))
	}
	want := []string{
		"2:1 CREATE TABLE NJ_QL_JC_SSJC_SOURCE", "18:1 CREATE TABLE ODS_QL_JC_SSJC_SOURCE", "45:1 CREATE TABLE KAFKA_ODS_QL_JC_SSJC_SINK",
		"64:1 CREATE TABLE DORIS_ODS_QL_JC_SSJC_SINK", "87:1 INSERT INTO KAFKA_ODS_QL_JC_SSJC_SINK", "115:1 INSERT INTO DORIS_ODS_QL_JC_SSJC_SINK",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("statements:\n%s", strings.Join(got, "\n"))
	}
	if len(s.Prose) != 1 || s.Prose[0].Text != "3 Flink去向表建模" || s.Prose[0].Pos.Line != 42 {
		t.Errorf("prose: %+v", s.Prose)
	}
	if len(s.Elisions) != 1 || s.Elisions[0].Pos.String() != "j.sql:102:3" {
		t.Errorf("elisions: %+v", s.Elisions)
	}
	union := s.Statements[4].Insert
	if len(union.Branches) != 3 || union.Branches[2].Select.From.Name.Last() != "KS_QL_JC_SSJC_SOURCE" {
		t.Errorf("branches: %+v", union.Branches)
	}
}

// TestCut cuts documents into statements.
func TestCut(t *testing.T) {
	for _, c := range []struct{ name, sql, want, prose string }{
		{"no semicolon before the next statement", "CREATE TABLE a (x INT)\nCREATE TABLE b (x INT)", "CREATE TABLE a|CREATE TABLE b", ""},
		{"no semicolon before a heading", "INSERT INTO a SELECT x FROM b\n4 城市Topic\nINSERT INTO c SELECT x FROM d", "INSERT INTO a|INSERT INTO c", "4 城市Topic"},
		{"a heading with #", "INSERT INTO a SELECT x FROM b\n# 城市Topic\nSET 'a'='b'", "INSERT INTO a|SET 'a'", "# 城市Topic"},
		{"lines of dots between", "SET 'a'='b';\n.\n.\n……\nSET 'c'='d';", "SET 'a'|SET 'c'", "."},
		{"a number in a column list is none", "INSERT INTO a SELECT\n1 AS 城市,\n2 AS 区 FROM b;", "INSERT INTO a", ""},
		{"words of the grammar as columns", "CREATE TABLE a (`set` INT, timestamp TIMESTAMP, partition INT, comment STRING COMMENT 'x');", "CREATE TABLE a", ""},
		{"a column on a line of its own", "CREATE TABLE a (\nrecord STRING,\n城市 STRING\n);", "CREATE TABLE a", ""},
		{"a statement set", "EXECUTE STATEMENT SET\nBEGIN\nINSERT INTO a SELECT x FROM b;\nINSERT INTO c SELECT x FROM d;\nEND;", "EXECUTE STATEMENT SET BEGIN|INSERT INTO a|INSERT INTO c|END", ""},
		{"the old one", "BEGIN STATEMENT SET;\nINSERT INTO a SELECT x FROM b;\nEND;", "BEGIN STATEMENT SET|INSERT INTO a|END", ""},
		{"EXECUTE before one INSERT", "EXECUTE INSERT INTO a SELECT x FROM b;", "INSERT INTO a", ""},
		{"comments anywhere", "/* a;\nb */ SET 'a' = -- no ; here\n 'b;c';", "SET 'a'", ""},
		{"dots inside options", "CREATE TABLE a (x INT,\n...\n) WITH ('c'='d',\n.\n)", "CREATE TABLE a", ""},
		{"small letters", "create table a (x int); insert into a select x from b", "CREATE TABLE a|INSERT INTO a", ""},
		{"a byte order mark", "\ufeffSET 'a'='b';", "SET 'a'", ""},
		{"nothing", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, c.sql)
			var heads, prose []string
			for _, st := range s.Statements {
				heads = append(heads, st.Head)
			}
			for _, n := range s.Prose[:min(1, len(s.Prose))] {
				prose = append(prose, n.Text)
			}
			if got := strings.Join(heads, "|"); got != c.want {
				t.Errorf("statements %s, want %s", got, c.want)
			}
			if got := strings.Join(prose, "|"); got != c.prose {
				t.Errorf("prose %q, want %q", got, c.prose)
			}
		})
	}
}

// TestClauses are what makes a query real stream processing, or leaves rows out.
func TestClauses(t *testing.T) {
	const into = "INSERT INTO t SELECT "
	for sql, want := range map[string]string{
		"a FROM u JOIN v ON u.a = v.a":          "1:31 JOIN",
		"a FROM u\nLEFT JOIN v ON u.a = v.a":    "2:6 LEFT JOIN",
		"a FROM u, v":                           "1:30 FROM with several tables",
		"a FROM u CROSS JOIN UNNEST(b) AS x":    "1:37 CROSS JOIN, 1:42 UNNEST",
		"a, COUNT(*) FROM u GROUP BY a":         "1:25 aggregate COUNT, 1:41 GROUP BY",
		"a FROM u GROUP BY a HAVING a > 1":      "1:31 GROUP BY, 1:42 HAVING",
		"DISTINCT a FROM u":                     "1:22 DISTINCT",
		"a FROM u ORDER BY a":                   "1:31 ORDER BY",
		"a FROM u LIMIT 10":                     "1:31 LIMIT",
		"a FROM u WHERE a > 1":                  "1:31 WHERE",
		"a FROM u UNION SELECT a FROM v":        "1:31 UNION without ALL",
		"a FROM u INTERSECT SELECT a FROM v":    "1:31 INTERSECT",
		"a FROM (SELECT a FROM v)":              "1:30 subquery",
		"a FROM u WHERE a IN (SELECT a FROM v)": "1:31 WHERE, 1:43 subquery",
		"a FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '1' MINUTE))": "1:35 window TUMBLE",
		"ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM u":               "1:22 aggregate ROW_NUMBER, 1:35 OVER, 1:56 ORDER BY",
		"a FROM u MATCH_RECOGNIZE (PATTERN (A))":                             "1:31 MATCH_RECOGNIZE",
		"CASE WHEN a = 1 THEN 'x' ELSE 'y' END FROM u":                       "1:22 CASE",
	} {
		s := parse(t, into+sql+";")
		var all []string
		for _, c := range s.Statements[0].Clauses {
			all = append(all, fmt.Sprintf("%d:%d %s", c.Pos.Line, c.Pos.Column, c.Name))
		}
		if got := strings.Join(all, ", "); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	s := parse(t, "INSERT INTO t (SELECT a FROM u) UNION ALL (SELECT a FROM v); CREATE TABLE x (a INT COMMENT 'WHERE') WITH ('q' = 'SELECT');")
	for _, st := range s.Statements {
		if len(st.Clauses) > 0 {
			t.Errorf("%s: %+v", st.Head, st.Clauses)
		}
	}
	if len(s.Statements[0].Insert.Branches) != 2 {
		t.Error("branches in brackets are lost")
	}
}

// TestTypes writes types as Flink does.
func TestTypes(t *testing.T) {
	for in, want := range map[string]string{
		"string": "STRING", "timestamp": "TIMESTAMP(6)", "Timestamp(3)": "TIMESTAMP(3)", "TIMESTAMP_LTZ": "TIMESTAMP_LTZ(6)",
		"TIMESTAMP(3) WITH LOCAL TIME ZONE": "TIMESTAMP_LTZ(3)", "TIMESTAMP(9) WITHOUT TIME ZONE": "TIMESTAMP(9)", "decimal(10,2)": "DECIMAL(10, 2)",
		"BIGINT NOT NULL": "BIGINT", "DOUBLE PRECISION": "DOUBLE", "ARRAY<STRING>": "ARRAY<STRING>", "MAP<STRING, BYTES>": "MAP<STRING, BYTES>",
		"ROW<a INT, b STRING>": "ROW<…>",
	} {
		s := parse(t, "CREATE TABLE t (c "+in+");")
		if got := s.Statements[0].Create.Elements[0].Column.Type.String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// FuzzParse reads anything: it does not panic, and every place that it names is in the file.
func FuzzParse(f *testing.F) {
	seed, err := os.ReadFile("../../../domain/flink/testdata/golden/seed.sql")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	for _, s := range []string{
		"SET a.b = c;", "INSERT INTO a /*+ OPTIONS('k'='v') */ SELECT *, CAST(x AS TIMESTAMP(3)) FROM b WHERE c > 1 UNION ALL SELECT NULL FROM `d`",
		"CREATE TEMPORARY TABLE a.b.c (x ARRAY<ROW<y INT>>, PRIMARY KEY (x) NOT ENFORCED, WATERMARK FOR x AS x - INTERVAL '5' SECOND) LIKE d (EXCLUDING ALL)",
		"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1 FROM b; END;", "3 标题\n.\n.\n'", "/*+ a */ /* b", "\xff\x00'`\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		s := Parse("j.sql", text)
		lines := strings.Count(string(text), "\n") + 1
		check := func(p Pos) {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Offset < 0 || p.Offset > len(text) {
				t.Errorf("%v (byte %d) is not in %q", p, p.Offset, text)
			}
		}
		for _, p := range s.Problems {
			check(p.Pos)
		}
		for _, st := range s.Statements {
			check(st.Pos)
			check(st.End)
			for _, c := range st.Clauses {
				check(c.Pos)
			}
		}
		for _, n := range append(s.Prose, s.Elisions...) {
			check(n.Pos)
		}
	})
}
