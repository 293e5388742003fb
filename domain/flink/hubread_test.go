package flink_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
)

// The runs of a direct pipeline are the rows between the gaps, each at its own offset.
func TestDirectCommit(t *testing.T) {
	gap := func(first, next int64) domain.Gap { return domain.Gap{Span: domain.Span{First: first, Next: next}} }
	got := domain.DirectCommit(7, &domain.Ingested{Runs: []domain.Run{
		{Partition: 3, First: 10, Next: 20, Rows: 6, Gaps: []domain.Gap{gap(10, 11), gap(14, 16), gap(19, 20)}, Batches: [][]byte{make([]byte, 5), make([]byte, 6)}},
		{Partition: 0, First: 5, Next: 6, Gaps: []domain.Gap{gap(5, 6)}},
		{Partition: 1, First: 0, Next: 2, Rows: 2, Batches: [][]byte{make([]byte, 7)}},
	}})
	want := &domain.HubCommitted{Rows: 8, Bytes: 18, Runs: []domain.HubRun{
		{Ingest: 7, Run: 0, First: 0, N: 3, Partition: 3, Offset: 11},
		{Ingest: 7, Run: 0, First: 3, N: 3, Partition: 3, Offset: 16},
		{Ingest: 7, Run: 2, First: 0, N: 2, Partition: 1, Offset: 0},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Each offset that is no gap is in one run, with the number of rows before it.
func TestDirectCommitAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		isRow := rapid.SliceOfN(rapid.Bool(), 1, 30).Draw(t, "rows")
		first := rapid.Int64Range(0, 1<<40).Draw(t, "first")
		r := domain.Run{Partition: 2, First: first, Next: first + int64(len(isRow))}
		var want []string
		for i, is := range isRow {
			o := first + int64(i)
			switch n := len(r.Gaps); {
			case is:
				want = append(want, fmt.Sprint(r.Rows, " at ", o))
				r.Rows++
			case n > 0 && r.Gaps[n-1].Span.Next == o && rapid.Bool().Draw(t, "one gap"):
				r.Gaps[n-1].Span.Next++
			default:
				r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: o, Next: o + 1}})
			}
		}
		var got []string
		for _, run := range domain.DirectCommit(1, &domain.Ingested{Runs: []domain.Run{r}}).Runs {
			if run.N < 1 {
				t.Fatalf("a run without rows: %+v", run)
			}
			for k := range run.N {
				got = append(got, fmt.Sprint(run.First+k, " at ", run.Offset+k))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func shanghai(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Times are carried with their digits, those with a zone on the pipeline's wall clock.
func TestHubTimes(t *testing.T) {
	r := flink.NewHubReader(shanghai(t))
	for text, want := range map[string]string{
		"2024-05-01 12:00:00":            "2024-05-01 12:00:00",
		"2024-05-01 12:00:00.12":         "2024-05-01 12:00:00.12",
		"2024-05-01T12:00:00.123456789":  "2024-05-01 12:00:00.123456789",
		"2024-05-01 04:00:00.120Z":       "2024-05-01 12:00:00.120",
		"2024-05-01T23:00:00Z":           "2024-05-02 07:00:00",
		"2024-05-01T12:00:00+08:00":      "2024-05-01 12:00:00",
		"2024-05-01 12:00:00.5-01:30":    "2024-05-01 21:30:00.5",
		"1988-07-01 00:00:00Z":           "1988-07-01 09:00:00", // summer time
		"0000-01-01 00:00:00":            "0000-01-01 00:00:00",
		"9999-12-31 23:59:59.999":        "9999-12-31 23:59:59.999",
		"9999-12-31T16:00:00Z":           "", // the year 10000 in China
		"+10000-01-01 07:59:59.999":      "",
		"-0007-01-01 00:00:00":           "",
		"2024-02-30 00:00:00":            "",
		"2024-05-01":                     "",
		"2024-05-01 12:00":               "",
		"2024-05-01 24:00:00":            "",
		"2024-05-01 12:00:60":            "",
		"2024-05-01_12:00:00":            "",
		"2024-05-01 12:00:00.":           "",
		"2024-05-01 12:00:00.1234567890": "",
		"2024-05-01 12:00:00 Z":          "",
		"2024-05-01 12:00:00Zx":          "",
		"2024-05-01 12:00:00+08":         "",
		" 2024-05-01 12:00:00":           "",
		"":                               "",
		"1714536000000":                  "",
	} {
		row, err := r.Read(fmt.Appendf(nil, `{"city_ts":%q}`, text))
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is taken as %q", text, row.CityTime)
		case want != "" && (err != nil || string(row.CityTime) != want):
			t.Errorf("%q is %v, %v; want %q", text, row, err, want)
		}
	}
}

// What is not a row of the hub's format is refused with what is wrong with it.
func TestHubRowRefuses(t *testing.T) {
	r := flink.NewHubReader(time.UTC)
	for value, says := range map[string]string{
		"":                                       "no JSON object",
		"x":                                      "no JSON object",
		`[]`:                                     "no JSON object",
		`null`:                                   "no JSON object",
		` "x" `:                                  "no JSON object",
		`{"a":1`:                                 "not JSON at byte 6",
		`{"a":1}{}`:                              "JSON and more",
		`{"a":tru}`:                              "not JSON at byte 5",
		"{\"record\":\"\xff\"}":                  "not UTF-8",
		`{"sscsdm":1}`:                           "column sscsdm is not a text",
		`{"record":{"a":[]}}`:                    "column record is not a text",
		`{"record":true}`:                        "column record is not a text",
		`{"city_partition_id":"1"}`:              "column city_partition_id is not a whole number",
		`{"city_offset_id":1.0}`:                 "column city_offset_id is not a whole number",
		`{"city_offset_id":1e3}`:                 "column city_offset_id is not a whole number",
		`{"city_offset_id":9223372036854775808}`: "column city_offset_id is not a whole number",
		`{"extract_time":0}`:                     "column extract_time is not a text",
		`{"extract_time":"` + strings.Repeat("9", 100) + `"}`: `is "` + strings.Repeat("9", 40) + `", not a time`,
	} {
		if _, err := r.Read([]byte(value)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", value, err, says)
		}
	}
	if _, err := r.Read(nil); err == nil || !strings.Contains(err.Error(), "no value") {
		t.Errorf("no value: %v", err)
	}
}

// slowHubRow reads a value as encoding/json does; exact names, the last of each.
func slowHubRow(value []byte) (city, text *string, partition, offset *int64, ok bool) {
	var columns map[string]json.RawMessage
	if json.Unmarshal(value, &columns) != nil || columns == nil {
		return nil, nil, nil, nil, false
	}
	ok = true
	read := func(name string, into any) {
		if raw, has := columns[name]; has && json.Unmarshal(raw, into) != nil {
			ok = false
		}
	}
	read("sscsdm", &city)
	read("record", &text)
	read("city_partition_id", &partition)
	read("city_offset_id", &offset)
	return city, text, partition, offset, ok
}

// FuzzHubRow: whatever the bytes are, they are read as encoding/json reads them, and the
// row's line is the same row again.
func FuzzHubRow(f *testing.F) {
	for _, value := range []string{
		`{"sscsdm":"320100","extract_time":"2024-05-01 12:00:01.5","record":"{\"id\":1}","city_partition_id":2,"city_offset_id":10,"city_ts":"2024-05-01 12:00:00"}`,
		` { "record" : "\u5357\uD83D\uDE00\uD83D x\\\"\b\f\n\r\t\/" , "\u0073scsdm" : null, "a":[{"record":"no"},[]], "city_offset_id":-1 } `,
		`{"record":"a","record":null,"RECORD":"no","b":"}","c":"\\"}`, `{}`, `[]`, `nul`, `{"a":1e5,"b":true,"city_offset_id":5}`, `{"record":"\uD83D\u0041"}`,
	} {
		f.Add([]byte(value))
	}
	format := flink.NewRowFormat(time.UTC)
	f.Fuzz(func(t *testing.T, value []byte) {
		r := flink.NewHubReader(time.UTC)
		kept := bytes.Clone(value)
		row, err := r.Read(value)
		if !bytes.Equal(kept, value) {
			t.Fatal("the value is written to")
		}
		city, text, partition, offset, ok := slowHubRow(value)
		if err != nil || !ok || !utf8.Valid(value) {
			return // a time, a column of another type, or what only Flink takes for JSON
		}
		same := func(have []byte, want *string) bool {
			return (have == nil) == (want == nil) && (want == nil || string(flink.JavaText(nil, have)) == *want)
		}
		if !same(row.City, city) || !same(row.Record, text) || !cmp.Equal(row.CityPartition, partition) || !cmp.Equal(row.CityOffset, offset) {
			t.Fatalf("%q is read as %+v", value, row)
		}
		line := format.AppendHubRow(nil, row, domain.Coord{Partition: 3, Offset: 4, Timestamp: 5})
		again := *row
		back, err := flink.NewHubReader(time.UTC).Read(line)
		sameText := func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(flink.JavaText(nil, a), b) }
		if err != nil || !sameText(again.City, back.City) || !sameText(again.Record, back.Record) || !cmp.Equal(again.Extract, back.Extract) ||
			!cmp.Equal(again.CityTime, back.CityTime) || !cmp.Equal(again.CityPartition, back.CityPartition) || !cmp.Equal(again.CityOffset, back.CityOffset) {
			t.Fatalf("%q becomes %q: %v", value, line, err)
		}
	})
}

// A hub record that Hefu writes comes back as the row that it was, without an allocation
// for each.
func TestHubRowOfOurs(t *testing.T) {
	zone := shanghai(t)
	format, r := flink.NewRowFormat(zone), flink.NewHubReader(zone)
	row := flink.Row{
		City: "320100", ExtractTime: 1_714_536_001_123_456, Record: []byte("南京 \"😀\"\xff\n"), CityPartition: 3, CityOffset: 12, CityTimestamp: 1_714_536_000_120,
		HubPartition: 5, HubOffset: 6, HubTimestamp: 1_714_536_002_500,
	}
	value := format.AppendHubJSON(nil, &row)
	got, err := r.Read(value)
	if err != nil {
		t.Fatal(err)
	}
	line := format.AppendHubRow(nil, got, domain.Coord{Partition: 5, Offset: 6, Timestamp: 1_714_536_002_500})
	if want := format.AppendDorisJSON(nil, &row); !bytes.Equal(line, want) {
		t.Errorf("the line is\n%s, a city's would be\n%s", line, want)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Read(value) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
