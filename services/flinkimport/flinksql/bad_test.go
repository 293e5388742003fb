package flinksql

import (
	"strings"
	"testing"
)

// TestBadInputs are slips of the pen, each with the place and the words that a person gets.
func TestBadInputs(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"a misspelt statement", "CRAETE TABLE t (a INT);", `j.sql:1:1: "CRAETE" begins no statement of Flink SQL`},
		{"a misspelt word", "CREATE TBALE t (a INT);\nINSRT INTO t SELECT 1;", `j.sql:2:1: "INSRT" begins no statement`},
		{"no name", "CREATE TABLE (a INT);", `j.sql:1:14: CREATE TABLE: "(" is not expected here`},
		{"no type", "CREATE TABLE t (\n  a\n);", `j.sql:3:1: CREATE TABLE t: ")" is not expected here`},
		{"no comma between columns", "CREATE TABLE t (\n  a INT\n  b INT\n);", `j.sql:3:3: CREATE TABLE t: "b" is not expected here`},
		{"a comma too many", "CREATE TABLE t (\n  a INT,\n);", `j.sql:3:1: CREATE TABLE t: ")" is not expected here`},
		{"a full-width comma", "CREATE TABLE t (a INT， b INT);", `j.sql:1:22: CREATE TABLE t: "，" is not expected here`},
		{"it is named", "CREATE TABLE t (a INT， b INT);", `it is a full-width or curly character, SQL has the plain one`},
		{"curly quotes", "CREATE TABLE t (a INT) WITH (‘connector’ = 'kafka');", `j.sql:1:30: CREATE TABLE t: "‘" is not expected here`},
		{"double quotes", "CREATE TABLE t (a INT) WITH (\"connector\" = 'kafka');", `a text in double quotes is not expected here`},
		{"and what to write", "CREATE TABLE t (a INT) WITH (\"connector\" = 'kafka');", `Flink has '…' for texts and backticks for names`},
		{"no value", "CREATE TABLE t (a INT) WITH ('connector' = );", `j.sql:1:44: CREATE TABLE t: ")" is not expected here`},
		{"no equals sign", "CREATE TABLE t (a INT) WITH ('connector' 'kafka');", `j.sql:1:42: CREATE TABLE t: the text '…' is not expected here`},
		{"a colon", "CREATE TABLE t (a INT) WITH ('connector': 'kafka');", `j.sql:1:41: CREATE TABLE t: ":" is not expected here`},
		{"no comma between options", "CREATE TABLE t (a INT) WITH (\n'a' = 'b'\n'c' = 'd');", `j.sql:3:1: CREATE TABLE t: the text '…' is not expected here`},
		{"a value without quotes", "CREATE TABLE t (a INT) WITH ('topic' = orders);", `j.sql:1:40: CREATE TABLE t: "orders" is not expected here`},
		{"no end of a text", "CREATE TABLE t (a INT) WITH ('topic' = 'orders);", `j.sql:1:40: CREATE TABLE t: "'" is not expected here`},
		{"and that is named", "CREATE TABLE t (a INT) WITH ('topic' = 'orders);", `a text begins here that has no end`},
		{"a text over a line", "CREATE TABLE t (a INT) WITH (\n'topic' = 'orders,\n'format' = 'raw');", `the text that begins at 2:11 goes over the end of its line: is a quote missing there?`},
		{"no end of a name", "CREATE TABLE `t (a INT);", "j.sql:1:14: CREATE TABLE ` t: \"`\" is not expected here"},
		{"a password without quotes", "CREATE TABLE t (a INT) WITH ('password' = s3cret);", `j.sql:1:43: CREATE TABLE t: what stands here is not expected: expected is a text in '…'`},
		{"a password behind a lost quote", "CREATE TABLE t (a INT) WITH ('password = 's3cret');", `j.sql:1:43: CREATE TABLE t: what stands here is not expected`},
		{"no closing bracket", "CREATE TABLE t (a INT;", `j.sql:1:22: CREATE TABLE t: the statement ends too early`},
		{"no bracket after WITH", "CREATE TABLE t (a INT) WITH 'connector' = 'kafka';", `j.sql:1:29: CREATE TABLE t: the text '…' is not expected here`},
		{"a reserved word as a column", "CREATE TABLE t (order INT);", `j.sql:1:17: CREATE TABLE t: "order" is not expected here`},
		{"and what to do", "CREATE TABLE t (order INT);", `a column of that name wants backticks`},
		{"METADATA FROM a name", "CREATE TABLE t (o BIGINT METADATA FROM offset);", `j.sql:1:40: CREATE TABLE t: "offset" is not expected here`},
		{"a watermark without FOR", "CREATE TABLE t (a INT, WATERMARK ts AS ts);", `j.sql:1:34: CREATE TABLE t: "ts" is not expected here`},
		{"a type that is not closed", "CREATE TABLE t (a ARRAY<INT);", `j.sql:1:28: CREATE TABLE t: ")" is not expected here`},
		{"words after the end", "CREATE TABLE t (a INT) WITH ('a' = 'b') ENGINE = x;", `j.sql:1:41: CREATE TABLE t: "ENGINE" is not expected here`},
		{"LIKE without a table", "CREATE TABLE t LIKE;", `j.sql:1:20: CREATE TABLE t LIKE: the statement ends too early`},
		{"LIKE with what there is not", "CREATE TABLE t LIKE u (INCLUDING EVERYTHING);", `j.sql:1:34: CREATE TABLE t LIKE: "EVERYTHING" is not expected here`},
		{"no INTO", "INSERT t SELECT a FROM u;", `j.sql:1:8: INSERT t: "t" is not expected here`},
		{"no SELECT", "INSERT INTO t;", `j.sql:1:14: INSERT INTO t: the statement ends too early`},
		{"nothing selected", "INSERT INTO t SELECT FROM u;", `j.sql:1:22: INSERT INTO t: "FROM" is not expected here`},
		{"no FROM", "INSERT INTO t SELECT a;", `j.sql:1:23: INSERT INTO t: the statement ends too early`},
		{"FROM misspelt", "INSERT INTO t SELECT a FORM u;", `j.sql:1:29: INSERT INTO t: "u" is not expected here`},
		{"a comma before FROM", "INSERT INTO t SELECT a, FROM u;", `j.sql:1:23: INSERT INTO t: "," is not expected here: expected is "FROM"`},
		{"UNION ALL and nothing", "INSERT INTO t SELECT a FROM u UNION ALL;", `j.sql:1:40: INSERT INTO t: the statement ends too early`},
		{"a hint that is not closed", "INSERT INTO t SELECT a FROM u /*+ OPTIONS('a'='b');", `INSERT INTO t: the statement ends too early`},
		{"a hint without a value", "INSERT INTO t SELECT a FROM u /*+ OPTIONS('a'=) */;", `j.sql:1:47: INSERT INTO t: ")" is not expected here`},
		{"CAST without a type", "INSERT INTO t SELECT CAST(a) FROM u;", `j.sql:1:28: INSERT INTO t: ")" is not expected here`},
		{"TIMESTAMP without quotes", "INSERT INTO t SELECT TIMESTAMP 2024 FROM u;", `j.sql:1:32: INSERT INTO t: "2024" is not expected here`},
		{"a function that is not closed", "INSERT INTO t SELECT NOW( FROM u;", `j.sql:1:25: INSERT INTO t: "(" is not expected here`},
		{"SET without a value", "SET 'a' = ;", `j.sql:1:10: SET 'a': the statement ends too early`},
		{"SET with a second equals sign", "SET 'a' = 'b' = 'c';", `j.sql:1:15: SET 'a': "=" is not expected here`},
		{"EXECUTE without BEGIN", "EXECUTE STATEMENT SET;\nINSERT INTO t SELECT a FROM u;", `j.sql:1:22: EXECUTE STATEMENT SET: the statement ends too early`},
		{"END with more", "BEGIN STATEMENT SET;\nEND IF;", `j.sql:2:5: END IF: "IF" is not expected here`},
		{"brackets without end", "INSERT INTO t SELECT " + strings.Repeat("(", 100) + "a FROM u;", `j.sql:1:86: brackets in brackets, more than 64 deep`},
		{"what is expected, a text", "CREATE TABLE t (a INT) WITH ('topic' = orders);", `expected is a text in '…'`},
		{"what is expected, a value", "SET 'a' = ;", `expected is a value`},
		{"a word of another language", "INSERT INTO t SELECT a FROM u\nUNION ALL\n选择 b FROM v;", `j.sql:3:1: INSERT INTO t: "选择" is not expected here`},
		{"an operator at the end", "INSERT INTO t SELECT a + FROM u;", `j.sql:1:24: INSERT INTO t: "+" is not expected here: expected is "FROM"`},
		{"a file that is too long", strings.Repeat(" ", maxText+1), `j.sql:1:1: 1048577 bytes are more than a job has`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Parse("j.sql", []byte(c.sql))
			var all []string
			for _, p := range s.Problems {
				all = append(all, p.Pos.String()+": "+p.Text)
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, c.want) || strings.Contains(got, "s3cret") {
				t.Errorf("%s\ngives %s\nwant  %s", c.sql, got, c.want)
			}
		})
	}
}
