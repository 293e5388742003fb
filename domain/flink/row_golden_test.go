package flink

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "time/tzdata" // the test must not depend on the machine's zones

	"github.com/hefu-io/hefu/domain"
)

// goldenFolder has what real Flink jobs wrote to a real Kafka: <variant>.sql, the job, and
// <variant>.jsonl, the hub record of each case; the city records are in sources.jsonl.gz.
// Flink 2.2.1, and 1.20.3 where the name says so.
var goldenFolder = filepath.Join("testdata", "golden")

// failOnPurpose are the jobs that wrote nothing, and why; they are recorded for the
// importer.
func failOnPurpose() map[string]string {
	return map[string]string{
		"seed":                        "the original document's text, with its faults",
		"seed_verbatim":               "its INSERT has three columns for six",
		"seed_six_cols_semantic_only": "no transactional id prefix: a plan error on 2.2.1; 1.20 ran it",
		"no_txn_timeout":              "an hour of transaction timeout: restarts for ever",
		"iso8601_offset_ltz3":         "a timestamp format that 2.2.1 does not have",
		"carry_hub_ts":                "a negative timestamp carried to the hub: restarts for ever",
	}
}

// sourceRecord is a city record, as the broker held it.
type sourceRecord struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp int64  `json:"timestamp"`
	Value     []byte `json:"value_b64"` // null stays nil, empty does not
}

// hubValue is what Flink wrote for a case: whole, or its digest where it is large.
type hubValue struct {
	Case    string          `json:"case"`
	Value   []byte          `json:"flink_value_b64"`
	SHA256  string          `json:"flink_value_sha256"`
	Len     int             `json:"flink_value_len"`
	Key     json.RawMessage `json:"key"` // null and no headers where they are not given
	Headers json.RawMessage `json:"headers"`
}

// TestFlinkWroteTheSameBytes compares, for every case of every job, the hub record with
// what Flink wrote. Only the timestamp of the hub record is not compared: that is when the
// batch began (docs/flink-differences.md).
func TestFlinkWroteTheSameBytes(t *testing.T) {
	sources := readSources(t)
	cities := map[string]domain.City{"g_nj": "320100", "g_wx": "320200", "g_ks": "320583", "g_txn": "320400", "g_lat": "320300"}
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*.jsonl"))
	if err != nil || len(files) != 19 {
		t.Fatalf("%d variants, want 19: %v", len(files), err)
	}
	large := map[string]string{}
	eachLine(t, filepath.Join(goldenFolder, "largetimes.txt"), func(line []byte) {
		words := strings.SplitN(string(line), " ", 3)
		large[words[0]+" "+words[1]] = words[2]
	})
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		t.Run(name, func(t *testing.T) {
			job := readJob(t, strings.TrimSuffix(name, ".flink120"))
			encoder, err := NewHubEncoder(job.format, domain.SourceFormat{}, job.zone)
			if err != nil {
				t.Fatal(err)
			}
			compared, filtered := 0, 0
			eachLine(t, file, func(line []byte) {
				var want hubValue
				parse(t, line, &want)
				if want.Key != nil || want.Headers != nil {
					t.Errorf("%s: Flink wrote a key or headers", want.Case)
				}
				if want.Value == nil && want.SHA256 == "" { // its WHERE left the row out
					filtered++
					return
				}
				row := sources[want.Case].row(cities)
				row.ExtractTime = job.extracted(t, &want, large[name+" "+want.Case])
				got := encoder.Append(nil, &row)
				if !want.holds(job.nanos(got)) {
					t.Errorf("%s:\n got %.300q (%d bytes)\nwant %.300q (%d bytes)", want.Case, got, len(got), want.Value, want.Len)
				}
				compared++
			})
			if wantFiltered := map[string]int{"carry_hub_ts_ok": 11}[name]; filtered != wantFiltered || compared != len(sources)-wantFiltered {
				t.Errorf("compared %d of %d records, %d were filtered", compared, len(sources), filtered)
			}
		})
	}
}

// TestEveryJobIsCompared: a job is recorded as one that wrote, or listed as one that fails.
func TestEveryJobIsCompared(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*.sql"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d jobs: %v", len(files), err)
	}
	listed := failOnPurpose()
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		_, err := os.Stat(strings.TrimSuffix(file, ".sql") + ".jsonl")
		if _, fails := listed[name]; fails == (err == nil) {
			t.Errorf("job %s: listed as failing is %t, what it wrote: %v", name, fails, err)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("job %s is listed and not there", name)
	}
}

func (s sourceRecord) row(cities map[string]domain.City) Row {
	return Row{City: cities[s.Topic], Record: s.Value, CityPartition: s.Partition, CityOffset: s.Offset, CityTimestamp: s.Timestamp}
}

func (v *hubValue) holds(got []byte) bool {
	if v.SHA256 == "" {
		return bytes.Equal(got, v.Value)
	}
	digest := sha256.Sum256(got)
	return len(got) == v.Len && hex.EncodeToString(digest[:]) == v.SHA256
}

// goldenJob is what the SQL of a variant asks for.
type goldenJob struct {
	zone    *time.Location
	format  domain.HubFormat
	literal string // of extract_time
	varies  bool   // extract_time is CURRENT_TIMESTAMP
}

// readJob takes the sink's columns and options, the zone and extract_time from a job.
func readJob(t *testing.T, name string) *goldenJob {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(goldenFolder, name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	sql := string(raw)
	match := func(pattern string) string {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(sql); found != nil {
			return found[1]
		}
		return ""
	}
	j := &goldenJob{zone: loadZone(t, match(`'table.local-time-zone' = '([^']+)'`)), format: domain.FlinkFormat()}
	from := map[string]domain.From{}
	for _, c := range j.format.Columns {
		from[c.Name] = c.From
	}
	inserted := match(`INSERT INTO KAFKA_ODS_QL_JC_SSJC_SINK \(([^)]+)\)`)
	j.format.Columns = nil
	for _, line := range strings.Split(match(`(?s)CREATE TABLE KAFKA_ODS_QL_JC_SSJC_SINK \(\n(.*?)\n\) WITH`), "\n") {
		column, typ, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), ","), " ")
		if strings.Contains(typ, "METADATA") {
			continue // the record's own timestamp
		}
		c := domain.Column{Name: column, Type: typ, From: from[column]}
		if inserted != "" && !strings.Contains(inserted, column) {
			c.From = domain.FromNull
		}
		j.format.Columns = append(j.format.Columns, c)
	}
	if standard := match(`'json.timestamp-format.standard' = '([^']+)'`); standard != "" {
		j.format.Timestamps = domain.TimestampFormat(standard)
	}
	j.format.IgnoreNull = match(`'json.encode.ignore-null-fields' = '([^']+)'`) == "true"
	j.literal = match(`TIMESTAMP '([^']+)'`)
	j.varies = j.literal == ""
	return j
}

// extracted is the extract_time of a row, in microseconds: the literal's, or what Flink
// wrote, whose form the comparison holds it to; large is it of a row recorded by its digest.
func (j *goldenJob) extracted(t *testing.T, v *hubValue, large string) int64 {
	t.Helper()
	text := j.literal
	if j.varies {
		_, text, _ = strings.Cut(string(v.Value), `"extract_time":"`)
		text, _, _ = strings.Cut(text+large, `"`)
	}
	at, err := time.ParseInLocation(time.DateTime, text, j.zone)
	if err != nil {
		t.Fatalf("%s: %v", v.Case, err)
	}
	return at.UnixMicro()
}

// nanos puts the nanoseconds of a literal back, which extract_time does not hold.
func (j *goldenJob) nanos(got []byte) []byte {
	const literal, held, flink = "2024-05-01 12:00:00.120034500", ".120034", ".1200345"
	if j.literal != literal {
		return got
	}
	return bytes.Replace(got, []byte(held), []byte(flink), 1)
}

func readSources(t testing.TB) map[string]sourceRecord {
	t.Helper()
	sources := make(map[string]sourceRecord)
	eachLine(t, filepath.Join(goldenFolder, "sources.jsonl.gz"), func(line []byte) {
		var record struct {
			Case   string       `json:"case"`
			Source sourceRecord `json:"source"`
		}
		parse(t, line, &record)
		sources[record.Case] = record.Source
	})
	return sources
}

// eachLine calls do with every line of file, which may be compressed, that is neither
// empty nor a comment.
func eachLine(t testing.TB, file string, do func(line []byte)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := io.Reader(f)
	if strings.HasSuffix(file, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatalf("read %s: %v", file, err)
		}
	}
	lines := bufio.NewScanner(in)
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

func parse(t testing.TB, line []byte, into any) {
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
