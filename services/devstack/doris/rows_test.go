package doris_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestBodies loads small bodies into a table of two columns and compares what is there afterwards.
func TestBodies(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	const quality = "[DATA_QUALITY_ERROR]Encountered unqualified data, stop processing"
	for i, c := range []struct {
		name, by, strip, body string
		header                []string
		want                  [][]string
		message, first        string
	}{
		{name: "lines", by: "true", body: "{\"id\":1,\"v\":\"a\"}\n\n{\"id\":2}\n", want: [][]string{{"1", "a"}, {"2", "NULL"}}},
		{name: "neither header is lines", body: "{\"id\":1}\n{\"id\":2}", want: [][]string{{"1", "NULL"}, {"2", "NULL"}}},
		{name: "array", by: "false", strip: "true", body: "[{\"id\":1},\n{\"id\":2,\"v\":\"b\"}]", want: [][]string{{"1", "NULL"}, {"2", "b"}}},
		{name: "empty array", strip: "true", body: "[]"},
		{name: "one object", by: "false", strip: "false", body: "{\"id\":\n1}", want: [][]string{{"1", "NULL"}}},
		{
			name: "lines of arrays", by: "true", strip: "true", body: "[{\"id\":1},{\"id\":2}]\n[{\"id\":3},{\"id\":4}]\n",
			want: [][]string{{"1", "NULL"}, {"2", "NULL"}, {"3", "NULL"}, {"4", "NULL"}},
		},
		{
			name: "both true and an object", by: "true", strip: "true", body: "{\"id\":1}\n", message: quality,
			first: "JSON data is not an array-object, `strip_outer_array` must be FALSE.",
		},
		{
			name: "array where an object belongs", by: "true", body: "[{\"id\":1}]\n", message: quality,
			first: "JSON data is array-object, `strip_outer_array` must be TRUE.",
		},
		{name: "two on a line", by: "true", body: "{\"id\":1}{\"id\":2}\n", message: "[DATA_QUALITY_ERROR]Multiple JSON objects in a single line"},
		{name: "BOM", by: "true", body: "\ufeff{\"id\":1}\n", want: [][]string{{"1", "NULL"}}},
		{name: "first key wins", by: "true", body: `{"id":1,"v":"a","v":"b"}`, want: [][]string{{"1", "a"}}},
		{name: "key case", by: "true", body: `{"id":1,"V":"a"}`, want: [][]string{{"1", "NULL"}}},
		{name: "columns rename", by: "true", header: []string{"columns", "ID, `V`, extra"}, body: `{"ID":1,"V":"a"}`, want: [][]string{{"1", "a"}}},
		{
			name: "columns twice", by: "true", header: []string{"columns", "id,v,v"}, body: `{"id":1}`,
			message: "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Duplicate column: v",
		},
		{name: "escapes", by: "true", body: `{"id":1,"v":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, want: [][]string{{"1", "\"\\/\b\f\n\r\té😀"}}},
		{name: "lone surrogate", by: "true", body: `{"id":1,"v":"\ud83d"}`, message: quality, first: "Parse json data failed: malformed JSON"},
		{name: "half a pair", by: "true", body: `{"id":1,"v":"\ud83d\u0041"}`, message: quality, first: "Parse json data failed: malformed JSON"},
		{
			name: "text of other kinds", by: "true", body: "{\"id\":1,\"v\":1.50}\n{\"id\":2,\"v\":true}\n{\"id\":3,\"v\":{\"a\": [1]}}",
			want: [][]string{{"1", "1.50"}, {"2", "1"}, {"3", `{"a": [1]}`}},
		},
		{
			name: "bytes, not letters", by: "true", body: `{"id":1,"v":"合合合合合合"}`, message: quality,
			first: "column_name[v], the length of input is too long than schema. first 32 bytes of input str: [合合合合合合] schema length: 16; actual length: 18; ",
		},
		{name: "null key", by: "true", body: `{"id":null}`, message: quality, first: "Json value is null, but the column `id` is not nullable."},
		{name: "missing key", by: "true", body: `{"v":"a"}`, message: quality, first: "The column `id` is not nullable, but it's not found in jsondata."},
		{
			name: "int too large", by: "true", body: `{"id":2147483648}`, message: quality,
			first: "column(id) values is null while columns is not nullable",
		},
		{name: "int limits", by: "true", body: "{\"id\":2147483647}\n{\"id\":\"-2147483648\"}", want: [][]string{{"-2147483648", "NULL"}, {"2147483647", "NULL"}}},
		{name: "broken", by: "true", body: `{"id":1,`, message: quality, first: "Parse json data failed: malformed JSON"},
		{name: "not UTF-8", by: "true", body: "{\"id\":1,\"v\":\"\xff\"}", message: quality, first: "Parse json data failed: invalid UTF-8"},
		{name: "some may be bad", by: "true", header: []string{"max_filter_ratio", "0.5"}, body: "{\"id\":1}\n{\"id\":\"x\"}\n", want: [][]string{{"1", "NULL"}}},
		{
			name: "too many are bad", by: "true", header: []string{"max_filter_ratio", "0.4"}, body: "{\"id\":1}\n{\"id\":\"x\"}\n",
			message: "[DATA_QUALITY_ERROR]too many filtered rows", first: "column(id) values is null while columns is not nullable",
		},
		{name: "gzip", by: "true", header: []string{"compress_type", "GZ"}, body: zipped("{\"id\":1}\n"), want: [][]string{{"1", "NULL"}}},
		{
			name: "unknown zone", by: "true", header: []string{"timezone", "Mars/Phobos"}, body: `{"id":1}`,
			message: "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Unknown or incorrect time zone: 'Mars/Phobos'",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := fmt.Sprintf("t%d", i)
			s.exec("CREATE TABLE ods." + name + " (id INT NOT NULL, v VARCHAR(16)) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
			got := s.load(name, name, c.body, append([]string{"read_json_by_line", c.by, "strip_outer_array", c.strip}, c.header...)...)
			if c.message == "" {
				c.message = "OK"
				s.commit(got.TxnID)
				s.until(name, "VISIBLE")
			} else if s.state(name) != "ABORTED" || got.Status != "Fail" || got.Loaded != 0 {
				t.Errorf("state %s, %+v", s.state(name), got)
			}
			if got.Message != c.message || c.first != "" && !strings.HasPrefix(got.First, c.first+". Src line: ") {
				t.Errorf("message %s\nfirst   %s", got.Message, got.First)
			}
			if d := cmp.Diff(c.want, s.rows("SELECT id, v FROM ods."+name+" ORDER BY id")); d != "" {
				t.Error(d)
			}
		})
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// TestDateTimes loads texts into DATETIME(3) and reads them back.
func TestDateTimes(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.d (id INT NOT NULL, d DATETIME(3) NULL) UNIQUE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	cases := []struct{ in, want string }{
		{`"2024-05-01 12:00:00"`, "2024-05-01 12:00:00.000"},
		{`"2024-05-01T12:00:00.12"`, "2024-05-01 12:00:00.120"},
		{`"2024-05-01 12:00:00.1234"`, "2024-05-01 12:00:00.123"},
		{`"2024-05-01 12:00:00.1235"`, "2024-05-01 12:00:00.124"},
		{`"2024-12-31 23:59:59.9996"`, "2025-01-01 00:00:00.000"},
		{`"2024-05-01"`, "2024-05-01 00:00:00.000"},
		{`"20240501120000.5"`, "2024-05-01 12:00:00.500"},
		{`20240501120000`, "2024-05-01 12:00:00.000"},
		{`"2024-05-01 12:00:00Z"`, "2024-05-01 20:00:00.000"},
		{`"2024-05-01 12:00:00.5+02:00"`, "2024-05-01 18:00:00.500"},
		{`"2024-05-01 12:00:00 CST"`, "2024-05-01 12:00:00.000"},
		{`"2024-02-29 00:00:00"`, "2024-02-29 00:00:00.000"},
		{`"1969-12-31 23:59:59.999"`, "1969-12-31 23:59:59.999"},
		{`"0001-01-01 00:00:00"`, "0001-01-01 00:00:00.000"},
		{`"2023-02-29 00:00:00"`, "NULL"},
		{`"2024-05-01 24:00:00"`, "NULL"},
		{`1700000000123`, "NULL"}, // no epoch: digits of a date
		{`"2024-05-01 12:00"`, "NULL"},
		{`"2024-05-01 12:00:00 Mars"`, "NULL"},
		{`"2024-05-01 12:00:00."`, "NULL"},
	}
	var body strings.Builder
	for i, c := range cases {
		fmt.Fprintf(&body, "{\"id\":%d,\"d\":%s}\n", i, c.in)
	}
	reply := s.load("d", "L", body.String())
	s.commit(reply.TxnID)
	s.until("L", "VISIBLE")
	got := s.rows("SELECT d FROM ods.d ORDER BY id")
	for i, c := range cases {
		if got[i][0] != c.want {
			t.Errorf("%s: %s, want %s", c.in, got[i][0], c.want)
		}
	}
	if reply := s.load("d", "strict", `{"id":1,"d":"2023-02-29 00:00:00"}`, "strict_mode", "true"); reply.Status != "Fail" || reply.Filtered != 1 {
		t.Errorf("strict mode: %+v", reply)
	}
}

// TestModels: a later commit of a key wins in UNIQUE, and adds in DUPLICATE.
func TestModels(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	for model, want := range map[string][][]string{"UNIQUE": {{"1", "second"}}, "DUPLICATE": {{"1", "first"}, {"1", "second"}}} {
		s.exec("CREATE TABLE ods." + model + " (id INT NOT NULL, v STRING) " + model + " KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
		later := s.load(model, model+"-a", `{"id":1,"v":"second"}`)
		sooner := s.load(model, model+"-b", `{"id":1,"v":"first"}`)
		s.commit(sooner.TxnID)
		s.commit(later.TxnID)
		s.until(model+"-a", "VISIBLE")
		if d := cmp.Diff(want, s.rows("SELECT id, v FROM ods."+model+" ORDER BY v")); d != "" {
			t.Errorf("%s: %s", model, d)
		}
		_, err := s.db.ExecContext(t.Context(), "UPDATE ods."+model+" SET v = 'x' WHERE id = 1")
		if (err == nil) != (model == "UNIQUE") {
			t.Errorf("update of a %s table: %v", model, err)
		}
	}
}
