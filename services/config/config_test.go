package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

const example = "../../deploy/hefu.yaml"

// smallest is a file with nothing but what is required.
const smallest = `
pipelines:
  - name: bridge
    hub: {brokers: ["h:1"], topic: hub}
    sources: [{id: nanjing, city: 320100, brokers: ["c:1"], topic: t}]
`

func TestSmallestFileGetsTheDefaults(t *testing.T) {
	got, err := Parse("hefu.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Instance: host,
		DataDir:  "/var/lib/hefu",
		Journal:  Journal{Mode: "embedded", Replicas: 1, SegmentBytes: 1 << 30, MaxBytes: 100 << 30, ReserveBytes: 1 << 30, CheckAtStart: "all", Checkpoint: Checkpoint{Events: 1000, Interval: 10 * time.Second}},
		API:      API{Listen: "127.0.0.1:8642"},
		Log:      Log{Level: "info", Format: "text"},
		Pipelines: []Pipeline{{
			Name:     "bridge",
			Timezone: "Asia/Shanghai",
			Shards:   1,
			Ingest: Ingest{
				EventBytes: 1 << 20, Linger: 5 * time.Millisecond, QueueBytes: 8 << 20,
				FetchBytes: 1 << 20, MaxWait: 500 * time.Millisecond,
			},
			Hub: Hub{
				Config: kafkaconn.Config{Brokers: []string{"h:1"}}, Topic: "hub", ProgressTopic: "hefu-progress-bridge",
				Batch:              HubBatch{Rows: 50000, Bytes: 16 << 20, Age: 200 * time.Millisecond, Runs: 512},
				TransactionTimeout: 15 * time.Second, Semantic: "exactly-once",
				Format: HubFormat{TimestampFormat: "SQL", Key: "none", Headers: "none"},
			},
			Sources: []Source{{
				ID: "nanjing", City: "320100", Config: kafkaconn.Config{Brokers: []string{"c:1"}}, Topic: "t",
				Reading: DefaultReading(), Records: Records{Format: "raw"},
			}},
			Reconcile: Reconcile{Interval: time.Minute, CitySample: 1, KafkaBytes: 32 << 20, DorisPause: 100 * time.Millisecond},
			Replay:    Replay{Rows: 20_000, Bytes: 16 << 20, Concurrency: 1},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTextsAreKeptAsWritten(t *testing.T) {
	text := strings.Replace(smallest, "city: 320100", "city: 0123", 1)
	c, err := Parse("hefu.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Pipelines[0].Sources[0].City; got != "0123" {
		t.Errorf("city: 0123 was read as %q", got)
	}
}

// TestMapsAreKeptAsWritten: names with dots and colons, and what looks like a truth value or a number.
func TestMapsAreKeptAsWritten(t *testing.T) {
	c, err := Parse("hefu.yaml", []byte(strings.Replace(base, "table: ODS", `table: ODS
      be_map:
        10.0.0.1:8040: be-1.example:18040
        "be-2:8040": "https://be-2.example:443"
      properties:
        read_json_by_line: true
        "strip_outer_array": 'true'
        send_batch_parallelism: 4
        max_filter_ratio: 0.0`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Pipelines[0].Doris
	want := Doris{
		Config: dorisconn.Config{BEMap: map[string]string{"10.0.0.1:8040": "be-1.example:18040", "be-2:8040": "https://be-2.example:443"}},
		Properties: map[string]string{
			"read_json_by_line": "true", "strip_outer_array": "true", "send_batch_parallelism": "4", "max_filter_ratio": "0.0",
		},
	}
	if diff := cmp.Diff(want.BEMap, d.BEMap) + cmp.Diff(want.Properties, d.Properties); diff != "" {
		t.Error(diff)
	}
}

func TestGroupOffsetsFailOnAMissingCursorByDefault(t *testing.T) {
	text := strings.Replace(smallest, "topic: t", "topic: t, start: group-offsets, group: flink", 1)
	c, err := Parse("hefu.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Pipelines[0].Sources[0].OnMissingCursor; got != MissingFail {
		t.Errorf("on_missing_cursor: %q; want %q", got, MissingFail)
	}
}

func TestExampleHasTheDefaults(t *testing.T) {
	c, err := Load(example)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Journal.Checkpoint.KeyFile = want.KeyFile()
	pipeline, doris, source := DefaultPipeline(), DefaultDoris(), DefaultSource()
	p := &c.Pipelines[0]
	for _, pair := range []struct {
		key       string
		want, got any
	}{
		{"data_dir", want.DataDir, c.DataDir},
		{"journal", want.Journal, c.Journal},
		{"api", want.API, c.API},
		{"log", want.Log, c.Log},
		{"timezone", pipeline.Timezone, p.Timezone},
		{"shards", pipeline.Shards, p.Shards},
		{"ingest", pipeline.Ingest, p.Ingest},
		{"hub.batch", pipeline.Hub.Batch, p.Hub.Batch},
		{"hub.transaction_timeout", pipeline.Hub.TransactionTimeout, p.Hub.TransactionTimeout},
		{"hub.progress_topic", "hefu-progress-" + p.Name, p.Hub.ProgressTopic},
		{"doris.model", doris.Model, p.Doris.Model},
		{"doris.user", doris.User, p.Doris.User},
		{"doris.timeouts", doris.Timeouts, p.Doris.Timeouts},
		{"doris.semantic", doris.Semantic, p.Doris.Semantic},
		{"doris.max_record_bytes", doris.MaxRecordBytes, p.Doris.MaxRecordBytes},
		{"doris.batch", doris.Batch, p.Doris.Batch},
		{"hub.semantic", pipeline.Hub.Semantic, p.Hub.Semantic},
		{"hub.format", pipeline.Hub.Format.Domain(), p.Hub.Format.Domain()},
		{"reconcile", pipeline.Reconcile, p.Reconcile},
		{"replay", pipeline.Replay, p.Replay},
		{"sources.reading", source.Reading, p.Sources[0].Reading},
		{"sources.format", source.Records, p.Sources[0].Records},
	} {
		if diff := cmp.Diff(pair.want, pair.got); diff != "" {
			t.Errorf("%s: the example differs from the default (-default +example):\n%s", pair.key, diff)
		}
	}
}

// TestExampleHasEveryKey takes the "#" off the keys that are off, so that the decoder sees all of them in their places.
func TestExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^( *)#([a-z0-9_]+:|- \{)`).ReplaceAll(text, []byte("$1$2"))
	d := decoder{file: example, at: map[string]position{}}
	if err := d.document(all, new(Config)); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for key := range d.at {
		there[regexp.MustCompile(`\[\d+\]`).ReplaceAllString(key, "[]")] = true
	}
	for _, key := range keysOf(reflect.TypeFor[Config](), "") {
		// What read_hub shares with a source is said there.
		if !there[key] && !there[strings.Replace(key, ".read_hub.", ".sources[].", 1)] {
			t.Errorf("deploy/hefu.yaml says nothing about %s", key)
		}
	}
}

// keysOf lists the full names of all keys below t.
func keysOf(t reflect.Type, at string) []string {
	switch t.Kind() {
	case reflect.Pointer:
		return keysOf(t.Elem(), at)
	case reflect.Slice:
		return keysOf(t.Elem(), at+"[]")
	case reflect.Struct:
	default:
		return nil
	}
	var keys []string
	f := fieldsOf(reflect.New(t).Elem())
	for _, name := range f.names {
		full := strings.TrimPrefix(at+"."+name, ".")
		keys = append(append(keys, full), keysOf(f.byName[name].Type(), full)...)
	}
	return keys
}

func TestKeysOfReachesInlinedOnes(t *testing.T) {
	keys := keysOf(reflect.TypeFor[Config](), "")
	for _, want := range []string{"api.listen", "pipelines[].sources[].tls.ca_file", "pipelines[].hub.sasl.user", "pipelines[].doris.batch.age"} {
		if !slices.Contains(keys, want) {
			t.Errorf("%s is not among the keys: the test of the example would not miss it", want)
		}
	}
}

// TestWrittenConfigIsReadBack is what devstack and demo rely on.
func TestWrittenConfigIsReadBack(t *testing.T) {
	for _, text := range []string{smallest, everything(t)} {
		want, err := Parse("hefu.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		written, err := yaml.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse("written.yaml", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", diff, written)
		}
	}
}

// everything is the example with all its keys on, and the settings that they need.
func everything(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^( *)#([a-z0-9_]+:)`).ReplaceAllString(string(text), "$1$2")
	all, _, _ = strings.Cut(all, "    # In place of sources")
	// What only goes with another value of a key that is on.
	without := regexp.MustCompile(`(?m)^ *(topics|topic_pattern|start_timestamps?|start_offsets|bounded_timestamp|bounded_offsets|charset|type|` +
		`fail_on_missing_field|dir): .*\n`)
	return strings.NewReplacer(
		"mode: embedded", "mode: external",
		"mechanism: SCRAM-SHA-512", "mechanism: GSSAPI", "mechanism: PLAIN", "mechanism: GSSAPI",
		"        user: hefu\n", "", "  user: hefu\n", "",
		"password_file: /etc/hefu/hub.password", "", "password_file: /etc/hefu/nanjing.password", "",
		"realm: HADOOP.COM", "", "realm: NANJING.EXAMPLE", "",
		"start: earliest-offset", "start: group-offsets",
		`group: ""`, "group: flink",
		"format: raw", "format: json",
	).Replace(without.ReplaceAllString(all, ""))
}

func TestLoadNamesTheFile(t *testing.T) {
	path := t.TempDir() + "/hefu.yaml"
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is not there: %v; want its whole path", err)
	}
	if err := os.WriteFile(path, []byte("pipelines: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "hefu.yaml:1:12: pipelines: is a whole number; allowed: a list"
	if _, err := Load(path); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
