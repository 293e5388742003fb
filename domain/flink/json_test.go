package flink

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// flinkCase is a line of testdata/flinkjson.jsonl.gz: what Flink 2.2.1 (JDK 17) made of a
// message, read with JsonParserRowDataDeserializationSchema and written with
// JsonRowDataSerializationSchema.
type flinkCase struct {
	Name       string            `json:"name"`
	Columns    []domain.Declared `json:"columns"`
	Message    []byte            `json:"message_b64"`
	In         string            `json:"in"`
	Out        string            `json:"out"`
	Fail       bool              `json:"fail"`
	Ignore     bool              `json:"ignore"`
	Plain      bool              `json:"plain"`
	IgnoreNull bool              `json:"ignore_null"`
	Value      []byte            `json:"value_b64"` // nil: an error, or another number of rows than one
}

// differs are the cases in which we do something else, by the reason that
// docs/flink-differences.md gives; the value is ours, empty for an exclusion.
func differs() map[string]string {
	return map[string]string{
		// After a field that does not fit, Flink goes on reading inside of it.
		"row-ignore-arrb":            `{"a":"x","b":null}`,
		"row2-ignore-u_short":        "",
		"row2-ignore-arr2":           "",
		"row2-ignore-arrun":          "",
		"row2-ignore-arrun2":         "",
		"row2-ignore-arr_nested":     "",
		"utf16":                      "", // JSON in UTF-16
		"utf16bom":                   "",
		"FLOAT-123456789012345678":   `{"a":1.2345679E17}`, // digits that JDK 17 does not need
		"FLOAT-1.17549435E-38":       `{"a":1.1754944E-38}`,
		"FLOAT-9.007199254740993e15": `{"a":9.007199E15}`,
		"DOUBLE-1e23":                `{"a":1.0E23}`,
		"DOUBLE-2e23":                `{"a":2.0E23}`,
		"DOUBLE-8.41e21":             `{"a":8.41E21}`,
		"dec-exp-big":                `{"a":null}`, // a gigabyte of zeros in Flink
		"dec-exp-big2":               `{"a":0}`,
	}
}

// made is the hub record of a case.
func (c *flinkCase) made(t testing.TB) (string, error) {
	t.Helper()
	in := domain.SourceFormat{Kind: domain.FormatJSON, Columns: c.Columns, FailOnMissing: c.Fail, IgnoreErrors: c.Ignore, Timestamps: domain.TimestampFormat(c.In)}
	out := domain.HubFormat{Timestamps: domain.TimestampFormat(c.Out), IgnoreNull: c.IgnoreNull, DecimalAsPlain: c.Plain}
	for _, d := range c.Columns {
		out.Columns = append(out.Columns, domain.Column{Name: d.Name, Type: d.Type, From: domain.FromField, Field: d.Name})
	}
	reader, err := NewRecordReader(in)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	encoder, err := NewHubEncoder(out, in, time.UTC)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	var row Row
	if err := reader.Read(&row, c.Message); err != nil {
		return "", err
	}
	return string(encoder.Append(nil, &row)), nil
}

// TestFlinkJSON holds reading and writing JSON to Flink's own classes.
func TestFlinkJSON(t *testing.T) {
	ours, compared := differs(), 0
	eachLine(t, filepath.Join("testdata", "flinkjson.jsonl.gz"), func(line []byte) {
		var c flinkCase
		parse(t, line, &c)
		want := string(c.Value)
		if other, listed := ours[c.Name]; listed {
			if other == want {
				t.Errorf("%s is listed as different and is not", c.Name)
			}
			want = other
			delete(ours, c.Name)
		}
		got, err := c.made(t)
		var unreadable *RecordError
		if err != nil && !errors.As(err, &unreadable) {
			t.Errorf("%s: %v is no RecordError", c.Name, err)
		}
		if got != want {
			t.Errorf("%s: %.80q\n got %.200q %v\nwant %.200q", c.Name, c.Message, got, err, want)
		}
		compared++
	})
	if compared < 1800 || len(ours) > 0 {
		t.Errorf("compared %d cases, not met: %v", compared, ours)
	}
}

// TestRecordErrors: what is wrong is said, and nothing of the record.
func TestRecordErrors(t *testing.T) {
	secret := "Geheimnis"
	columns := []domain.Declared{{Name: "a", Type: "BIGINT"}, {Name: "record", Type: "STRING"}}
	for message, want := range map[string]string{
		"":                                   "a json record without a value",
		secret:                               "not a JSON object",
		`{"a":"` + secret + `"}`:             "column a: not a BIGINT",
		`{"a":1,"record":"` + secret:         "not JSON at byte 26: a string does not end",
		`{"a":1 "` + secret + `":2}`:         "not JSON at byte 7: a comma or } is missing",
		`{"a":1,"record":"\x` + secret + `"`: "not JSON at byte 17: an escape that is none",
		`[{"a":1,"record":""},{"a":2}]`:      "a JSON array of several rows",
		`[]`:                                 "a JSON array without a row",
		`["` + secret + `"]`:                 "a JSON array of something else than objects",
		`{"a":1}`:                            "column record is missing",
	} {
		reader, err := NewRecordReader(domain.SourceFormat{Kind: domain.FormatJSON, Columns: columns, FailOnMissing: true})
		if err != nil {
			t.Fatal(err)
		}
		var row Row
		err = reader.Read(&row, []byte(message))
		if err == nil || err.Error() != want || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %s", message, err, want)
		}
	}
}

// TestJSONRecord: the column record is the row's record, whatever was in the row before.
func TestJSONRecord(t *testing.T) {
	reader, err := NewRecordReader(domain.SourceFormat{Kind: domain.FormatJSON, Columns: []domain.Declared{{Name: "n", Type: "INT"}, {Name: "record", Type: "STRING"}}})
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	for _, c := range [][2]string{
		{`{"record":{"x": [1, 2.0]},"n":1}`, `{"x":[1,2.0]}`}, {`{"record":"text"}`, "text"}, {`{"record":""}`, ""}, {`{"record":null}`, "nil"}, {`{"n":1}`, "nil"},
	} {
		if err := reader.Read(&row, []byte(c[0])); err != nil {
			t.Fatal(err)
		}
		got := string(row.Record)
		if row.Record == nil {
			got = "nil"
		}
		if got != c[1] {
			t.Errorf("%s: record is %q, want %q", c[0], got, c[1])
		}
	}
}

// TestRawRecord: a raw record is text, or bytes in base64; null stays null.
func TestRawRecord(t *testing.T) {
	for _, c := range []struct {
		format domain.SourceFormat
		value  []byte
		want   []byte
	}{
		{domain.SourceFormat{}, []byte("a\xff"), []byte("a\xff")},
		{domain.SourceFormat{}, []byte{}, []byte{}},
		{domain.SourceFormat{}, nil, nil},
		{domain.SourceFormat{Binary: true}, []byte("hello"), []byte("aGVsbG8=")},
		{domain.SourceFormat{Binary: true}, []byte{}, []byte{}},
		{domain.SourceFormat{Binary: true}, nil, nil},
		{domain.SourceFormat{Charset: "GBK"}, []byte("\xcb\xd5A"), []byte("苏A")},
		{domain.SourceFormat{Charset: "GBK"}, []byte{}, []byte{}},
		{domain.SourceFormat{Charset: "GBK"}, nil, nil},
	} {
		reader, err := NewRecordReader(c.format)
		if err != nil {
			t.Fatal(err)
		}
		row := Row{Record: []byte("of the row before")}
		if err := reader.Read(&row, c.value); err != nil || string(row.Record) != string(c.want) || (row.Record == nil) != (c.want == nil) {
			t.Errorf("%+v: %q: record is %q, %v", c.format, c.value, row.Record, err)
		}
	}
}
