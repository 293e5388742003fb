package doris_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestTypes loads one value into one column, in strict mode, and reads it back; "filtered" means that its row was.
func TestTypes(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	const filtered = "filtered"
	for i, c := range []struct {
		column string
		cases  [][2]string // JSON in, text out
	}{
		{"TINYINT", [][2]string{{"127", "127"}, {"-128", "-128"}, {"128", filtered}, {`"5"`, "5"}, {"true", "1"}, {"1.5", filtered}, {"{}", filtered}}},
		{"BIGINT", [][2]string{{"9223372036854775807", "9223372036854775807"}, {"-9223372036854775808", "-9223372036854775808"}, {"9223372036854775808", filtered}, {`""`, filtered}}},
		{"BOOLEAN", [][2]string{{"true", "1"}, {"false", "0"}, {`"TRUE"`, "1"}, {"1", "1"}, {`"yes"`, filtered}}},
		{"DOUBLE", [][2]string{{"1.5", "1.5"}, {"-1e300", "-1e+300"}, {"3", "3"}, {`"0.1"`, "0.1"}, {`"x"`, filtered}, {"1e999", filtered}}},
		{"FLOAT", [][2]string{{"1.5", "1.5"}, {"1e39", filtered}}},
		{"DECIMAL(5,2)", [][2]string{
			{"1", "1.00"},
			{"-0.05", "-0.05"},
			{"1.005", "1.01"},
			{"-1.005", "-1.01"},
			{"1.00499", "1.00"},
			{"999.99", "999.99"},
			{"999.995", filtered},
			{"1000", filtered},
			{"1e2", "100.00"},
			{`"0x1"`, filtered},
			{`"1/2"`, filtered},
		}},
		{"DECIMAL(18,0)", [][2]string{{"999999999999999999", "999999999999999999"}, {"1000000000000000000", filtered}, {"0.5", "1"}}},
		{"DATE", [][2]string{
			{`"2024-02-29"`, "2024-02-29"},
			{`"2023-02-29"`, filtered},
			{"20240501", "2024-05-01"},
			{`"2024-05-01 23:59:59.9"`, "2024-05-01"},
			{`"1969-12-31 12:00:00"`, "1969-12-31"},
			{`"2024-5-1"`, filtered},
		}},
		{"DATETIME", [][2]string{{`"2024-05-01 12:00:00.5"`, "2024-05-01 12:00:01"}, {`"x"`, filtered}}},
		{"CHAR(3)", [][2]string{{`"abc"`, "abc"}, {`"abcd"`, filtered}, {"12", "12"}}},
		{"STRING", [][2]string{{`"` + strings.Repeat("x", 1<<20) + `"`, strings.Repeat("x", 1<<20)}, {`"` + strings.Repeat("x", 1<<20+1) + `"`, filtered}, {`""`, ""}}},
	} {
		t.Run(c.column, func(t *testing.T) {
			table := fmt.Sprintf("t%d", i)
			s.exec("CREATE TABLE ods." + table + " (id INT NOT NULL, v " + c.column + " NULL) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
			var body strings.Builder
			var want [][]string
			for n, one := range c.cases {
				fmt.Fprintf(&body, "{\"id\":%d,\"v\":%s}\n", n, one[0])
				if one[1] != filtered {
					want = append(want, []string{fmt.Sprint(n), one[1]})
				}
			}
			reply := s.load(table, table, body.String(), "strict_mode", "true", "max_filter_ratio", "1")
			if int(reply.Filtered) != len(c.cases)-len(want) {
				t.Errorf("%+v", reply)
			}
			s.commit(reply.TxnID)
			s.until(table, "VISIBLE")
			if d := cmp.Diff(want, s.rows("SELECT id, v FROM ods."+table+" ORDER BY id")); d != "" {
				t.Error(d)
			}
		})
	}
	for _, q := range []string{"DECIMAL", "DECIMAL(19,2)", "DECIMAL(5,6)", "DATETIME(7)", "LARGEINT", "ARRAY"} {
		if _, err := s.db.ExecContext(t.Context(), "CREATE TABLE ods.no (id INT, v "+q+") DUPLICATE KEY(id) DISTRIBUTED BY RANDOM"); err == nil {
			t.Errorf("a column of type %s", q)
		}
	}
}

// TestDefaults: a key that a row does not have takes its column's default, row by row; NULL is not "does not have".
func TestDefaults(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.d (id INT NOT NULL, n INT NOT NULL DEFAULT '7', v STRING DEFAULT 'none', w INT) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM BUCKETS 1")
	a := s.load("d", "a", "{\"id\":1}\n{\"id\":2,\"n\":3,\"v\":null,\"w\":4}\n{\"id\":3,\"n\":null}\n", "max_filter_ratio", "0.5")
	b := s.load("d", "b", "4\n", "format", "csv", "columns", "id")
	for _, r := range []loadReply{a, b} {
		s.commit(r.TxnID)
		s.until(r.Label, "VISIBLE")
	}
	want := [][]string{{"1", "7", "none", "NULL"}, {"2", "3", "NULL", "4"}, {"4", "7", "none", "NULL"}}
	if d := cmp.Diff(want, s.rows("SELECT * FROM ods.d ORDER BY id")); d != "" {
		t.Error(d)
	}
	if want := "Json value is null, but the column `n` is not nullable.. Src line: {\"id\":3,\"n\":null}"; a.First != want {
		t.Error(a.First)
	}
}
