package flink

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hefu-io/hefu/domain"
)

// FuzzJSONRecord: what encoding/json takes for an object is read, and says the same; what
// is not read is a RecordError that quotes nothing.
func FuzzJSONRecord(f *testing.F) {
	eachLine(f, filepath.Join("testdata", "flinkjson.jsonl.gz"), func(line []byte) {
		var c flinkCase
		parse(f, line, &c)
		if len(c.Message) < 500 {
			f.Add(c.Message)
		}
	})
	for _, s := range readSources(f) {
		if len(s.Value) < 500 {
			f.Add(s.Value)
		}
	}
	format := domain.SourceFormat{Kind: domain.FormatJSON, Columns: []domain.Declared{{Name: "a", Type: "STRING"}, {Name: "b", Type: "BIGINT"}, {Name: "c", Type: "DECIMAL(20, 5)"}, {Name: "d", Type: "TIMESTAMP(3)"}, {Name: "e", Type: "BYTES"}, {Name: "f", Type: "DOUBLE"}}}
	f.Fuzz(func(t *testing.T, message []byte) {
		reader, err := NewRecordReader(format)
		if err != nil {
			t.Fatal(err)
		}
		var row Row
		err = reader.Read(&row, message)
		var unreadable *RecordError
		if err != nil && !errors.As(err, &unreadable) {
			t.Fatalf("%v is no RecordError", err)
		}
		known, ok := slowObject(message)
		if !ok {
			return
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "column ") {
				t.Fatalf("%q: %v", message, err)
			}
			return
		}
		compareText(t, &row.Fields[0], known["a"])
	})
}

// slowObject decodes an object that both sides have to agree on: without a name twice, and
// with text that UTF-8 has.
func slowObject(message []byte) (map[string]json.RawMessage, bool) {
	if !utf8.Valid(message) || !json.Valid(message) || bytes.ContainsAny(message, "\\") || len(message) > 900 {
		return nil, false
	}
	var known map[string]json.RawMessage
	if json.Unmarshal(message, &known) != nil || known == nil {
		return nil, false
	}
	names := 0
	decoder := json.NewDecoder(bytes.NewReader(message))
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		if delim, is := token.(json.Delim); is {
			if delim == '{' || delim == '[' {
				depth++
			} else {
				depth--
			}
		}
		if depth == 1 {
			names++
		}
	}
	// Each member of the outer object is a name and a value, of which the end is seen at
	// this depth; the object's own beginning too.
	return known, names == 1+2*len(known)
}

// compareText holds a STRING to the value of the member.
func compareText(t *testing.T, v *Value, want json.RawMessage) {
	t.Helper()
	switch {
	case want == nil || string(want) == "null":
		if !v.Null {
			t.Fatalf("%q in place of NULL", v.Text)
		}
	case v.Null:
		t.Fatalf("NULL in place of %s", want)
	case want[0] == '"':
		var text string
		if err := json.Unmarshal(want, &text); err != nil || text != string(v.Text) {
			t.Fatalf("%q in place of %q: %v", v.Text, text, err)
		}
	case want[0] == '{' || want[0] == '[':
		var a, b any
		if err := json.Unmarshal(want, &a); err != nil {
			return // a number that is no double
		}
		if err := json.Unmarshal(v.Text, &b); err != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%s in place of %s: %v", v.Text, want, err)
		}
	case string(v.Text) != string(want):
		t.Fatalf("%q in place of %s", v.Text, want)
	}
}
