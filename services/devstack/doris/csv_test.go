package doris_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestCSV loads what a plain curl sends: without a format header a body is CSV.
func TestCSV(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	const quality = "[DATA_QUALITY_ERROR]Encountered unqualified data, stop processing"
	for i, c := range []struct {
		name, body     string
		header         []string
		want           [][]string
		message, first string
	}{
		{name: "default", body: "1\ta\tb\n2\t\\N\t\n", want: [][]string{{"1", "a", "b"}, {"2", "NULL", ""}}},
		{name: "no last line end, CRLF, empty lines", body: "1\ta\tb\r\n\n2\tc\td", want: [][]string{{"1", "a", "b"}, {"2", "c", "d"}}},
		{name: "comma", body: "1,a b,\" c\"\n", header: []string{"column_separator", ","}, want: [][]string{{"1", "a b", "\" c\""}}},
		{name: "hex", body: "1\x01a\x01b\x022\x01c\x01d\x02", header: []string{"column_separator", `\x01`, "line_delimiter", "0x02"}, want: [][]string{{"1", "a", "b"}, {"2", "c", "d"}}},
		{name: "long ones", body: "1||a\n||b#\n#2||c||d", header: []string{"column_separator", "||", "line_delimiter", `#\n#`}, want: [][]string{{"1", "a\n", "b"}, {"2", "c", "d"}}},
		{name: "quotes", body: "\"1\",\"\\N\",\\N\n", header: []string{"column_separator", ",", "trim_double_quotes", "true"}, want: [][]string{{"1", `\N`, "NULL"}}},
		{name: "empty is NULL", body: "1,,x\n", header: []string{"column_separator", ",", "empty_field_as_null", "true"}, want: [][]string{{"1", "NULL", "x"}}},
		{name: "lines at the top", body: "x\ny\n1,a,b\n", header: []string{"column_separator", ",", "skip_lines", "2"}, want: [][]string{{"1", "a", "b"}}},
		{name: "names", body: "id,v,w\n1,a,b\n", header: []string{"column_separator", ",", "format", "csv_with_names"}, want: [][]string{{"1", "a", "b"}}},
		{name: "names and types", body: "id,v,w\nINT,,\n1,a,b\n", header: []string{"column_separator", ",", "format", "CSV_with_names_and_types"}, want: [][]string{{"1", "a", "b"}}},
		{name: "columns", body: "a,nothing,1\n", header: []string{"column_separator", ",", "columns", "V,skipped,id"}, want: [][]string{{"1", "a", "NULL"}}},
		{name: "gzip", body: zipped("1\ta\tb\n"), header: []string{"compress_type", "gz"}, want: [][]string{{"1", "a", "b"}}},
		{name: "BOM", body: "\ufeff1\ta\tb\n", want: [][]string{{"1", "a", "b"}}},
		{
			name: "too few", body: "1\ta\n", message: quality,
			first: `Column count mismatch: expected 3, but found 2 (sep:\t delim:\n). Src line: 1	a`,
		},
		{
			name: "too many", body: "1,a,b,c\n", header: []string{"column_separator", ","}, message: quality,
			first: `Column count mismatch: expected 3, but found 4 (sep:, delim:\n). Src line: 1,a,b,c`,
		},
		{name: "not UTF-8", body: "1\ta\t\xff\n", message: quality, first: "Invalid file encoding: all CSV files must be UTF-8 encoded. Src line: 1\ta\t\ufffd"},
		{name: "NULL key", body: "\\N\ta\tb\n", message: quality, first: "column(id) values is null while columns is not nullable. Src line: NULL a b"},
		{
			name: "strict", body: "x\ta\tb\n", header: []string{"strict_mode", "true"}, message: quality,
			first: "column(id) value is incorrect while strict mode is true, src value is x. Src line: x a b",
		},
		{name: "enclose", body: "1", header: []string{"enclose", `"`}, message: "[INVALID_ARGUMENT]stand-in does not support header enclose"},
		{name: "escape", body: "1", header: []string{"escape", `ab`}, message: "[INVALID_ARGUMENT]escape must be single-char, actually is ab"},
		{name: "skip_lines", body: "1", header: []string{"skip_lines", "-1"}, message: "[INVALID_ARGUMENT]Invalid 'skip_lines': -1"},
		{name: "parquet", body: "1", header: []string{"format", "parquet"}, message: "[INVALID_ARGUMENT]stand-in does not support format parquet"},
		{name: "zstd", body: "1", header: []string{"compress_type", "zstd"}, message: "[DATA_FILE_TYPE_ERROR]unknown data format, format="},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := fmt.Sprintf("t%d", i)
			s.exec("CREATE TABLE ods." + name + " (id INT NOT NULL, v VARCHAR(16), w STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
			got := s.load(name, name, c.body, append([]string{"format", "", "read_json_by_line", ""}, c.header...)...)
			if c.message == "" {
				c.message = "OK"
				s.commit(got.TxnID)
				s.until(name, "VISIBLE")
			}
			if got.Message != c.message || got.First != c.first {
				t.Errorf("message %s\nfirst   %s", got.Message, got.First)
			}
			if d := cmp.Diff(c.want, s.rows("SELECT id, v, w FROM ods."+name+" ORDER BY id")); d != "" {
				t.Error(d)
			}
		})
	}
}
