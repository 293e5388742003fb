package flinkimport_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/flinkimport"
)

// golden is a variant of the job that ran on a real Flink, as what differs from the first.
type golden struct {
	change  []string // old, new, …
	want    func(*domain.HubFormat)
	zone    string
	refused string // part of why it is, if it is
	said    string // part of a slip that has to be named
}

// job is the SQL that ran, with two of its five cities.
func job() string {
	var b strings.Builder
	b.WriteString("SET 'execution.checkpointing.interval' = '2s';\nSET 'parallelism.default' = '1';\nSET 'table.local-time-zone' = 'Asia/Shanghai';\n")
	for _, city := range []string{"NJ", "WX"} {
		b.WriteString("CREATE TABLE " + city + `_QL_JC_SSJC_SOURCE (
  record string,
  city_partition_id bigint METADATA FROM 'partition' VIRTUAL,
  city_offset_id bigint METADATA FROM 'offset' VIRTUAL,
  city_ts timestamp METADATA FROM 'timestamp'
) WITH (
    'connector' = 'kafka',
    'topic' = 'g_` + city + `',
    'properties.bootstrap.servers' = '127.0.0.1:29092',
    'properties.group.id' = 'golden_` + city + `',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'properties.isolation.level' = 'read_committed',
    'properties.auto.offset.reset' = 'earliest',
    'format' = 'raw'
);
`)
	}
	b.WriteString(`CREATE TABLE KAFKA_ODS_QL_JC_SSJC_SINK (
  sscsdm string,
  extract_time TIMESTAMP,
  record string,
  city_partition_id bigint,
  city_offset_id bigint,
  city_ts timestamp
) WITH (
    'connector' = 'kafka',
    'topic' = 'hub_fixed',
    'properties.bootstrap.servers' = '127.0.0.1:29092',
    'format' = 'json',
    'properties.max.request.size' = '8388608',
    'properties.transaction.timeout.ms' = '900000',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'hub-fixed',
    'properties.client.id' = 'flink-fixed'
);
INSERT INTO KAFKA_ODS_QL_JC_SSJC_SINK
SELECT '320100' AS sscsdm, TIMESTAMP '2024-05-01 12:00:00.120' AS extract_time, record, city_partition_id, city_offset_id, city_ts FROM NJ_QL_JC_SSJC_SOURCE
UNION ALL
SELECT '320200' AS sscsdm, TIMESTAMP '2024-05-01 12:00:00.120' AS extract_time, record, city_partition_id, city_offset_id, city_ts FROM WX_QL_JC_SSJC_SOURCE;
`)
	return b.String()
}

func types(extract, ts string) func(*domain.HubFormat) {
	return func(f *domain.HubFormat) { f.Columns[1].Type, f.Columns[5].Type = extract, ts }
}

func variants() map[string]golden {
	const (
		fixed  = "TIMESTAMP '2024-05-01 12:00:00.120' AS extract_time"
		source = "city_ts timestamp METADATA"
		sink   = "city_ts timestamp\n"
		zone   = "'Asia/Shanghai'"
		once   = "'sink.delivery-guarantee' = 'exactly-once',\n    'sink.transactional-id-prefix' = 'hub-fixed',\n"
		ts     = "CAST(city_ts AS TIMESTAMP(6))"
	)
	ltz := []string{source, "city_ts TIMESTAMP_LTZ(3) METADATA", sink, "city_ts TIMESTAMP_LTZ(3)\n", "extract_time TIMESTAMP,", "extract_time TIMESTAMP_LTZ(3),"}
	carry := []string{source, "city_ts TIMESTAMP_LTZ(3) METADATA", sink, "city_ts timestamp,\n  hub_ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'\n", "city_offset_id, city_ts FROM", "city_offset_id, " + ts + ", city_ts FROM"}
	return map[string]golden{
		"fixed":          {},
		"fixed_utc":      {change: []string{zone, "'UTC'"}, zone: "UTC"},
		"now":            {change: []string{fixed, "CURRENT_TIMESTAMP AS extract_time"}},
		"ignore_null":    {change: []string{"'format' = 'json',", "'format' = 'json',\n'json.encode.ignore-null-fields' = 'true',"}, want: func(f *domain.HubFormat) { f.IgnoreNull = true }},
		"iso8601":        {change: []string{"'format' = 'json',", "'format' = 'json',\n'json.timestamp-format.standard' = 'ISO-8601',"}, want: func(f *domain.HubFormat) { f.Timestamps = domain.TimestampISO }},
		"ts3_shanghai":   {change: []string{source, "city_ts TIMESTAMP(3) METADATA", sink, "city_ts TIMESTAMP(3)\n"}, want: types("TIMESTAMP(6)", "TIMESTAMP(3)")},
		"ts3_utc":        {change: []string{source, "city_ts TIMESTAMP(3) METADATA", sink, "city_ts TIMESTAMP(3)\n", zone, "'UTC'"}, want: types("TIMESTAMP(6)", "TIMESTAMP(3)"), zone: "UTC"},
		"ltz3_shanghai":  {change: ltz, want: types("TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(3)")},
		"ltz3_utc":       {change: append([]string{zone, "'UTC'"}, ltz...), want: types("TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(3)"), zone: "UTC"},
		"extract_ts9":    {change: []string{source, "city_ts TIMESTAMP(9) METADATA", sink, "city_ts TIMESTAMP(9)\n", "extract_time TIMESTAMP,", "extract_time TIMESTAMP(9),", ".120'", ".120034500'"}, want: types("TIMESTAMP(9)", "TIMESTAMP(9)")},
		"extract_string": {change: []string{"extract_time TIMESTAMP,", "extract_time STRING,", fixed, "CAST(TIMESTAMP '2024-05-01 12:00:00.120' AS STRING) AS extract_time"}, want: types("STRING", "TIMESTAMP(6)")},
		"extract_string_now": {
			change: []string{"extract_time TIMESTAMP,", "extract_time STRING,", fixed, "CAST(CURRENT_TIMESTAMP AS STRING) AS extract_time"}, want: types("STRING", "TIMESTAMP(6)"),
		},
		"partial_insert": {
			change: []string{"INSERT INTO KAFKA_ODS_QL_JC_SSJC_SINK", "INSERT INTO KAFKA_ODS_QL_JC_SSJC_SINK (sscsdm, extract_time, record)", ", city_partition_id, city_offset_id, city_ts FROM", " FROM"},
			want: func(f *domain.HubFormat) {
				for i := range f.Columns[3:] {
					f.Columns[3+i].From = domain.FromNull
				}
			},
			said: "Flink writes NULL and so does Hefu",
		},
		"seed_semantic_with_prefix":   {change: []string{"sink.delivery-guarantee", "sink.semantic"}, said: "deprecated in Flink"},
		"seed_six_cols_semantic_only": {change: []string{once, "'sink.semantic' = 'exactly-once',\n"}, said: "Flink's connector 4.0 and later does not start without it"},
		"seed_verbatim": {
			change: []string{once, "'sink.semantic' = 'exactly-once',\n", "earliest-offset", "group-offsets", fixed, "CURRENT_TIMESTAMP AS extract_time", ", city_partition_id, city_offset_id, city_ts FROM", " FROM"},
			said:   "3 values for the 6 columns of KAFKA_ODS_QL_JC_SSJC_SINK",
		},
		"no_txn_timeout":      {change: []string{"'properties.transaction.timeout.ms' = '900000',\n", ""}, said: "Flink then asks for one hour"},
		"iso8601_offset_ltz3": {change: append([]string{"'format' = 'json',", "'format' = 'json',\n'json.timestamp-format.standard' = 'ISO-8601-WITH-OFFSET',"}, ltz...), refused: "Flink 2.2 has SQL and ISO-8601"},
		"carry_hub_ts":        {change: carry, refused: "the timestamp of a hub record is the time of its batch"},
		"carry_hub_ts_ok":     {change: append([]string{"SOURCE\nUNION", "SOURCE WHERE city_ts >= TO_TIMESTAMP_LTZ(0,3)\nUNION"}, carry...), refused: "rows would be left out"},
		"city_ts_bigint":      {change: []string{sink, "city_ts BIGINT\n", "city_offset_id, city_ts FROM", "city_offset_id, UNIX_TIMESTAMP(CAST(city_ts AS STRING))*1000 FROM"}, want: types("TIMESTAMP(6)", "BIGINT"), said: "whole seconds"},
	}
}

// check holds an import against what a variant has to become.
func (g golden) check(t *testing.T, r *flinkimport.Result) {
	t.Helper()
	report := r.Report()
	if g.refused != "" {
		if r.OK() || !strings.Contains(report, g.refused) {
			t.Errorf("not refused with %q:\n%s", g.refused, report)
		}
		return
	}
	if !r.OK() {
		t.Fatalf("refused:\n%s", report)
	}
	want, zone := domain.FlinkFormat(), "Asia/Shanghai"
	if g.want != nil {
		g.want(&want)
	}
	if g.zone != "" {
		zone = g.zone
	}
	p := &r.Config.Pipelines[0]
	if diff := cmp.Diff(want, p.Hub.Format.Domain()); diff != "" {
		t.Errorf("hub format (-want +got):\n%s", diff)
	}
	if p.Timezone != zone {
		t.Errorf("time zone %s, want %s", p.Timezone, zone)
	}
	if g.said != "" && !strings.Contains(report, g.said) {
		t.Errorf("it does not say %q:\n%s", g.said, report)
	}
}

// TestGoldenFormats imports the variants of the job whose bytes Flink wrote.
func TestGoldenFormats(t *testing.T) {
	for name, g := range variants() {
		t.Run(name, func(t *testing.T) {
			sql := job()
			for i := 0; i+1 < len(g.change); i += 2 {
				if !strings.Contains(sql, g.change[i]) {
					t.Fatalf("%q is not in the job", g.change[i])
				}
				sql = strings.ReplaceAll(sql, g.change[i], g.change[i+1])
			}
			g.check(t, flinkimport.Import(name+".sql", []byte(sql)))
		})
	}
}

// TestGoldenFiles imports the jobs themselves, whose records domain's tests compare with ours.
func TestGoldenFiles(t *testing.T) {
	files, err := filepath.Glob("../../domain/flink/testdata/golden/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d jobs: %v", len(files), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".sql")
		g, known := variants()[name]
		if name == "seed" {
			continue // TestSeed
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil || !known {
				t.Fatalf("known: %v, %v", known, err)
			}
			g.check(t, flinkimport.Import(filepath.Base(f), text))
		})
	}
}
