package flink

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRowText holds the text of rows to testdata/hubjson.txt.
func TestRowText(t *testing.T) {
	var lines []string
	eachLine(t, filepath.Join("testdata", "hubjson.txt"), func(line []byte) { lines = append(lines, string(line)) })
	if len(lines)%3 != 0 || len(lines) == 0 {
		t.Fatalf("%d lines, not three to a row", len(lines))
	}
	for ; len(lines) > 0; lines = lines[3:] {
		zone, row := parseRow(t, lines[0])
		format := NewRowFormat(zone)
		if got := format.AppendHubJSON(nil, &row); string(got) != lines[1] {
			t.Errorf("hub\n got %s\nwant %s", got, lines[1])
		}
		if got := format.AppendDorisJSON([]byte("before"), &row); string(got) != "before"+lines[2] {
			t.Errorf("doris\n got %s\nwant before%s", got, lines[2])
		}
		if !json.Valid([]byte(lines[2])) || strings.ContainsAny(lines[2], "\r\n") {
			t.Errorf("not one line of JSON: %q", lines[2])
		}
	}
}

func parseRow(t *testing.T, line string) (*time.Location, Row) {
	t.Helper()
	var row Row
	var zone string
	_, err := fmt.Sscan(line, &zone, &row.City, &row.ExtractTime, &row.CityPartition, &row.CityOffset, &row.CityTimestamp,
		&row.HubPartition, &row.HubOffset, &row.HubTimestamp)
	if err != nil {
		t.Fatalf("parse %q: %v", line, err)
	}
	if record := strings.SplitN(line, " ", 10)[9]; record != "null" {
		row.Record = []byte(unquote(t, record))
	}
	return loadZone(t, zone), row
}

// TestRowAllocatesNothing gives each text exactly the capacity that it needs, and changes
// the hour with each row.
func TestRowAllocatesNothing(t *testing.T) {
	for name, record := range benchRecords() {
		format := NewRowFormat(loadZone(t, "Asia/Shanghai"))
		row := Row{City: "320100", Record: record, ExtractTime: 1714536000120000}
		hub := make([]byte, 0, len(format.AppendHubJSON(nil, &row)))
		doris := make([]byte, 0, len(format.AppendDorisJSON(nil, &row)))
		text := make([]byte, 0, len(AppendJSONString(nil, record)))
		allocs := testing.AllocsPerRun(100, func() {
			row.ExtractTime += time.Hour.Microseconds()
			format.AppendHubJSON(hub, &row)
			format.AppendDorisJSON(doris, &row)
			AppendJSONString(text, record)
			JavaText(text, record)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations a row", name, allocs)
		}
	}
}
