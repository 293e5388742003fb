package domain

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata" // the test must not depend on the machine's zones
)

// sourceRecord is a city record of sources.jsonl, as the broker held it.
type sourceRecord struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp int64  `json:"timestamp"`
	Value     []byte `json:"value_b64"` // null stays nil, empty does not
}

// hubValue is what Flink wrote for a case: whole, or its digest where it is large.
type hubValue struct {
	Case   string `json:"case"`
	Value  []byte `json:"flink_value_b64"`
	SHA256 string `json:"flink_value_sha256"`
	Len    int    `json:"flink_value_len"`
}

// TestFlinkWroteTheSameBytes compares the hub text with what real Flink jobs wrote, for
// every record of every job whose extract_time was fixed and whose columns are ours.
func TestFlinkWroteTheSameBytes(t *testing.T) {
	folder := goldenFolder(t)
	sources := readSources(t, filepath.Join(folder, "sources.jsonl"))
	cities := map[string]City{"g_nj": "320100", "g_wx": "320200", "g_ks": "320583", "g_txn": "320400", "g_lat": "320300"}
	for _, job := range []struct{ file, zone string }{
		{"fixed.jsonl", "Asia/Shanghai"},
		{"fixed.flink120.jsonl", "Asia/Shanghai"},
		{"fixed_utc.jsonl", "UTC"},
		{"ts3_shanghai.jsonl", "Asia/Shanghai"},
		{"ts3_utc.jsonl", "UTC"},
		{"seed_semantic_with_prefix.jsonl", "Asia/Shanghai"},
	} {
		t.Run(job.file, func(t *testing.T) {
			zone := loadZone(t, job.zone)
			format := NewRowFormat(zone)
			extracted := time.Date(2024, 5, 1, 12, 0, 0, 120_000_000, zone).UnixMicro()
			compared := 0
			eachLine(t, filepath.Join(folder, job.file), func(line []byte) {
				var want hubValue
				parse(t, line, &want)
				source, found := sources[want.Case]
				if !found {
					t.Fatalf("%s: no source record", want.Case)
				}
				got := format.AppendHubJSON(nil, &Row{
					City: cities[source.Topic], ExtractTime: extracted, Record: source.Value,
					CityPartition: source.Partition, CityOffset: source.Offset, CityTimestamp: source.Timestamp,
				})
				if !want.holds(got) {
					t.Errorf("%s:\n got %.300q (%d bytes)\nwant %.300q (%d bytes)", want.Case, got, len(got), want.Value, want.Len)
				}
				compared++
			})
			if compared != len(sources) {
				t.Errorf("compared %d of %d records", compared, len(sources))
			}
		})
	}
}

// goldenFolder finds the recorded Flink runs, which are not part of this repository, or
// skips the test.
func goldenFolder(t *testing.T) string {
	folder := os.Getenv("HEFU_GOLDEN")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "golden", "flink")
		if _, err := os.Stat(folder); err != nil {
			t.Skipf("no recorded Flink runs: HEFU_GOLDEN is not set and %v", err)
		}
	}
	return folder
}

func (v *hubValue) holds(got []byte) bool {
	if v.SHA256 == "" {
		return bytes.Equal(got, v.Value)
	}
	digest := sha256.Sum256(got)
	return len(got) == v.Len && hex.EncodeToString(digest[:]) == v.SHA256
}

func readSources(t *testing.T, file string) map[string]sourceRecord {
	sources := make(map[string]sourceRecord)
	eachLine(t, file, func(line []byte) {
		var record struct {
			Case   string       `json:"case"`
			Source sourceRecord `json:"source"`
		}
		parse(t, line, &record)
		sources[record.Case] = record.Source
	})
	return sources
}

// eachLine calls do with every line of file that is neither empty nor a comment.
func eachLine(t testing.TB, file string, do func(line []byte)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if line := lines.Bytes(); len(line) > 0 && line[0] != '#' {
			do(line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
}

func parse(t *testing.T, line []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(line, into); err != nil {
		t.Fatalf("parse %.200q: %v", line, err)
	}
}

func loadZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
