package flinkimport_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/flinkimport"
)

// TestMaps holds what is written to hefu.yaml and what is said, against changes of the small job.
func TestMaps(t *testing.T) {
	const raw = "'scan.startup.mode' = 'earliest-offset',\n  'format' = 'raw'"
	for _, c := range []struct {
		name   string
		change []string
		yaml   []string
		said   []string
	}{
		{
			"the job itself", nil,
			[]string{"start: earliest-offset # j.sql:11\n", "group: g # j.sql:10\n", "timezone: Asia/Shanghai # j.sql:1\n", `fe: ["http://fe:8030"] # j.sql:43`, `mysql: ["fe:9030"] # j.sql:43: CHECK the port`},
			[]string{"| 24:3 | `sink.transactional-id-prefix` | `x` | ADAPTED |", "| 46:3 | `password` | `********` | ADAPTED | `doris.password_file` |"},
		},
		{"start modes", []string{raw, "'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '1764003600000', 'format' = 'raw'"}, []string{"start: timestamp", `start_timestamp: "1764003600000"`}, nil},
		{"specific offsets", []string{raw, "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:42;partition:1,offset:-2', 'format' = 'raw'"}, []string{`start_offsets: "partition:0,offset:42;partition:1,offset:-2"`}, []string{"one beyond the log end is an incident"}},
		{"no mode is group-offsets", []string{raw, "'format' = 'raw'"}, []string{"start: group-offsets", "on_missing_cursor: fail"}, []string{"not given: Flink's default is group-offsets", "where Flink restarts for ever"}},
		{"none", []string{raw, "'properties.auto.offset.reset' = 'none', 'format' = 'raw'"}, []string{"on_missing_cursor: fail"}, nil},
		{"a reset that counts for nothing", []string{raw, raw + ", 'properties.auto.offset.reset' = 'latest'"}, nil, []string{"Flink overrides it for every start mode but group-offsets"}},
		{"bounds", []string{raw, raw + ", 'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '1764003600000'"}, []string{"bounded: timestamp", `bounded_timestamp: "1764003600000"`}, nil},
		{"bounds by offsets", []string{raw, raw + ", 'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:9'"}, []string{`bounded_offsets: "partition:0,offset:9"`}, nil},
		{"unbounded", []string{raw, raw + ", 'scan.bounded.mode' = 'unbounded'"}, nil, []string{"`scan.bounded.mode` | `unbounded` | MAPPED"}},
		{"no isolation", nil, nil, []string{"Flink read Kafka's default, read_uncommitted"}},
		{"read_uncommitted", []string{raw, raw + ", 'properties.isolation.level' = 'read_uncommitted'"}, []string{"isolation: read_uncommitted"}, nil},
		{"several topics", []string{"'topic' = 'nj'", "'topic' = 'a;b'"}, []string{"topics: [a, b]"}, nil},
		{"a pattern", []string{"'topic' = 'nj'", "'topic-pattern' = 'nj_.*'"}, []string{`topic_pattern: "nj_.*"`}, []string{"read as RE2"}},
		{"discovery", []string{raw, raw + ", 'scan.topic-partition-discovery.interval' = '0'"}, nil, []string{"new partitions are always looked for"}},
		{"value.format", []string{"'format' = 'raw'", "'value.format' = 'raw', 'value.raw.charset' = 'GBK'"}, []string{"format: raw", "charset: GBK"}, nil},
		{"BYTES", []string{"record STRING,\n  p", "record BYTES,\n  p", "record STRING,\n  ts", "record BYTES,\n  ts"}, []string{"type: BYTES", "{name: record, type: BYTES, from: record}"}, nil},
		{
			"json",
			[]string{
				"record STRING,\n  p", "record STRING,\n  plate STRING,\n  p", "'format' = 'raw'", "'format' = 'json', 'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601'",
				"record STRING,\n  ts", "record STRING,\n  plate STRING,\n  ts", "record, ts FROM", "record, plate, ts FROM",
			},
			[]string{"format: json", "ignore_parse_errors: true", "timestamp_format: ISO-8601", "- {name: plate, type: STRING}", "{name: plate, type: STRING, from: field, field: plate}", "{name: record, type: STRING, from: record}"},
			[]string{"where Flink drops it without a word"},
		},
		{"json of the hub", []string{"'x',\n  'format' = 'json'", "'x',\n  'format' = 'json', 'json.encode.decimal-as-plain-number' = 'true', 'json.map-null-key.mode' = 'DROP'"}, []string{"decimal_as_plain_number: true"}, []string{"no column is a MAP"}},
		{"at least once", []string{"'sink.delivery-guarantee' = 'exactly-once',\n  'sink.transactional-id-prefix' = 'x',", ""}, []string{"semantic: at-least-once"}, []string{"Flink's default is at-least-once"}},
		{"an old name that wins", []string{"'sink.delivery-guarantee' = 'exactly-once'", "'sink.delivery-guarantee' = 'exactly-once', 'sink.semantic' = 'at_least_once'"}, []string{"semantic: at-least-once"}, []string{"sink.semantic is given as well, and that is what Flink takes"}},
		{"a short transaction", []string{"'600000'", "'5000'"}, []string{"transaction_timeout: 5s"}, nil},
		{"a partitioner", []string{"'sink.transactional-id-prefix' = 'x'", "'sink.transactional-id-prefix' = 'x', 'sink.partitioner' = 'fixed'"}, nil, []string{"in Flink each subtask has one hub partition"}},
		{"checkpoints", []string{"CREATE TABLE NJ", "SET execution.checkpointing.interval = 500 ms;\nSET 'parallelism.default' = '4';\nSET 'my.key' = 'x';\nCREATE TABLE NJ"}, []string{"age: 500ms # j.sql:2"}, []string{"Hefu's lanes are shards", "Hefu knows no such setting"}},
		{"long checkpoints", []string{"CREATE TABLE NJ", "SET 'execution.checkpointing.interval' = '3 min';\nCREATE TABLE NJ"}, []string{"age: 1s # j.sql:2"}, []string{"committed after 1s at most"}},
		{"names that are alike", []string{"INSERT INTO HUB", "CREATE TABLE `nj` WITH ('topic' = 'b') LIKE NJ;\nINSERT INTO HUB", "FROM NJ;", "FROM NJ UNION ALL SELECT '320200', record, ts FROM `nj`;"}, []string{"- id: nj #", "- id: nj-2 #"}, nil},
		{"a name with a line feed", []string{"CREATE TABLE NJ", "CREATE TABLE `N\n      city: x`", "FROM NJ;", "FROM `N\n      city: x`;"}, []string{"# j.sql:2: N       city: x\n"}, nil},
		{"a time as a text", []string{"ts TIMESTAMP(3) METADATA", "ts TIMESTAMP METADATA", "  ts TIMESTAMP(3)\n", "  ts STRING\n", "record, ts FROM", "record, CAST(ts AS STRING) FROM"}, []string{`{name: ts, type: STRING, from: timestamp, via: "TIMESTAMP(6)"}`}, nil},
		{"secrets of the second job's reader", []string{"'format' = 'json'\n);\nCREATE TABLE DORIS", "'format' = 'json', 'properties.ssl.keystore.key' = 's3cret', 'properties.sasl.jaas.config' = 's3cret'\n);\nCREATE TABLE DORIS"}, nil, []string{"`properties.ssl.keystore.key` | `********`"}},
		{"a zone without quotes", []string{"SET 'table.local-time-zone' = 'Asia/Shanghai'", "SET table.local-time-zone=UTC"}, []string{"timezone: UTC"}, nil},
		{"headers", []string{"VIRTUAL\n) WITH", "VIRTUAL,\n  h MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL\n) WITH", "  ts TIMESTAMP(3)\n", "  ts TIMESTAMP(3),\n  headers MAP<STRING, BYTES> METADATA\n", "record, ts FROM", "record, ts, h FROM"}, []string{"headers: pass"}, nil},
		{"keys", []string{
			"  record STRING,\n  p", "  k BYTES,\n  record STRING,\n  p", "'format' = 'raw'", "'key.format' = 'raw', 'key.fields' = 'k', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'raw'",
			"  ts TIMESTAMP(3)\n", "  ts TIMESTAMP(3),\n  k BYTES\n", "record, ts FROM", "record, ts, k FROM", "'x',\n  'format' = 'json'", "'x', 'key.format' = 'raw', 'key.fields' = 'k', 'value.fields-include' = 'EXCEPT_KEY',\n  'value.format' = 'json'",
		}, []string{"key: pass"}, nil},
		{"a star", []string{"SELECT '320100', record, ts FROM", "SELECT '320100', * FROM", "  p BIGINT METADATA FROM 'partition' VIRTUAL,\n", ""}, []string{"{name: ts, type: \"TIMESTAMP(3)\", from: timestamp}"}, nil},
		{"computed columns", []string{"VIRTUAL\n) WITH", "VIRTUAL,\n  pt AS PROCTIME()\n) WITH", "record, ts FROM", "record, pt FROM"}, []string{`from: extract_time`}, []string{"when the row was journaled"}},
		{"fewer digits than a millisecond", []string{"ts TIMESTAMP(3) METADATA", "ts TIMESTAMP(0) METADATA"}, []string{`{name: ts, type: "TIMESTAMP(0)", from: timestamp}`}, nil},
		{"a hint", []string{"FROM NJ;", "FROM NJ /*+ OPTIONS('scan.startup.mode'='latest-offset') */;"}, []string{"start: latest-offset # j.sql:49"}, nil},
		{"a hint of the sink", []string{"INSERT INTO HUB", "INSERT INTO HUB /*+ OPTIONS('sink.delivery-guarantee'='none') */"}, []string{"semantic: none # j.sql:49"}, nil},
		{
			"LIKE",
			[]string{"INSERT INTO HUB", "CREATE TABLE WX WITH ('topic' = 'wx', 'properties.bootstrap.servers' = 'wx:9092') LIKE NJ;\nINSERT INTO HUB", "FROM NJ;", "FROM NJ UNION ALL SELECT '320200', record, ts FROM WX;"},
			[]string{"- id: wx # j.sql:49: WX", "topic: wx # j.sql:49", `brokers: ["wx:9092"] # j.sql:49`, "group: g # j.sql:10"},
			[]string{"columns and options of NJ are taken over"},
		},
		{
			"LIKE without options",
			[]string{"INSERT INTO HUB", "CREATE TABLE WX WITH ('connector' = 'kafka', 'topic' = 'wx', 'properties.bootstrap.servers' = 'wx:9092', 'scan.startup.mode' = 'latest-offset', 'format' = 'raw') LIKE NJ (EXCLUDING OPTIONS);\nINSERT INTO HUB", "FROM NJ;", "FROM NJ UNION ALL SELECT '320200', record, ts FROM WX;"},
			[]string{"start: latest-offset"},
			nil,
		},
		{"a statement set", []string{"INSERT INTO HUB", "EXECUTE STATEMENT SET\nBEGIN\nINSERT INTO HUB", "FROM BACK;", "FROM BACK;\nEND;"}, []string{"sources:"}, nil},
		{"an INSERT for each city", []string{"FROM NJ;", "FROM NJ;\nINSERT INTO HUB SELECT '320200', record, ts FROM WX;"}, []string{"# - id: wx"}, nil},
		{"columns in another order", []string{"INSERT INTO HUB SELECT '320100', record, ts", "INSERT INTO HUB (ts, sscsdm, record) SELECT ts, '320100', record"}, []string{"{name: sscsdm, type: STRING, from: city}", "{name: ts, type: \"TIMESTAMP(3)\", from: timestamp}"}, nil},
		{"catalogs", []string{"CREATE TABLE NJ", "CREATE CATALOG c WITH ('type'='generic_in_memory');\nUSE CATALOG c;\nDROP TABLE IF EXISTS NJ;\nCREATE TEMPORARY TABLE IF NOT EXISTS c.d.NJ", "FROM NJ;", "FROM c.d.NJ;"}, []string{"- id: nj"}, []string{"Hefu has no catalogs", "there is nothing to drop"}},
		{"a watermark and a key", []string{"VIRTUAL\n) WITH", "VIRTUAL,\n  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND,\n  PRIMARY KEY (record) NOT ENFORCED\n) WITH"}, nil, []string{"nothing here waits for event time", "it checks nothing"}},
		{
			"SCRAM over TLS",
			[]string{"'format' = 'raw'", "'format' = 'raw', 'properties.security.protocol' = 'SASL_SSL', 'properties.sasl.mechanism' = 'SCRAM-SHA-512', 'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.scram.ScramLoginModule required username=\"al\" password=\"s3cret\";'"},
			[]string{"tls: {}", "mechanism: SCRAM-SHA-512", "user: al", `password_file: "/etc/hefu/nj.password"`},
			[]string{"write the password of properties.sasl.jaas.config into /etc/hefu/nj.password"},
		},
		{
			"Kerberos of flink-conf.yaml",
			[]string{"'format' = 'raw'", "'format' = 'raw', 'properties.security.protocol' = 'SASL_PLAINTEXT'", "CREATE TABLE NJ", "SET 'security.kerberos.login.principal' = 'hefu@X.COM';\nSET 'security.kerberos.login.keytab' = '/k';\nCREATE TABLE NJ"},
			[]string{`principal: "hefu@X.COM" # j.sql:2`, `keytab_file: "/k" # j.sql:3`},
			[]string{"Hefu has one for each"},
		},
		{"an unknown property", []string{"'format' = 'raw'", "'format' = 'raw', 'properties.my.thing' = '1'"}, nil, []string{"Hefu knows no such property of a Kafka client"}},
		{"Doris with questions elsewhere", []string{"'fenodes' = 'fe:8030'", "'fenodes' = 'fe:8030,https://fe2:8050', 'jdbc-url' = 'jdbc:mysql://fe:9031,fe2:9031/ods?useSSL=false'"}, []string{`fe: ["http://fe:8030", "https://fe2:8050"]`, `mysql: ["fe:9031", "fe2:9031"]`}, nil},
		{"Doris in one phase", []string{"'username'", "'sink.enable-2pc' = 'false', 'sink.label-prefix' = 'l', 'sink.buffer-flush.interval' = '10s', 'username'"}, []string{"semantic: at-least-once"}, []string{"a crash may double rows", "doris.batch says when a load is cut"}},
		{"a column that nobody knows", []string{"  ts TIMESTAMP(3)\n", "  ts TIMESTAMP(3),\n  colour STRING\n"}, []string{`{name: colour, type: STRING, from: "null"} # j.sql:18`}, []string{"table NJ has no column colour: it will be NULL"}},
		{"no Doris", []string{"INSERT INTO DORIS SELECT sscsdm, record, o FROM BACK;", ""}, nil, []string{"no INSERT reads or writes this table"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := flinkimport.Import("j.sql", []byte(change(t, c.change...)))
			report := r.Report()
			if !r.OK() {
				t.Fatalf("refused:\n%s\n%s", report, r.YAML)
			}
			for _, want := range c.yaml {
				if !strings.Contains(r.YAML, want) {
					t.Errorf("hefu.yaml does not have %q:\n%s", want, r.YAML)
				}
			}
			for _, want := range c.said {
				if !strings.Contains(report, want) {
					t.Errorf("the report does not say %q:\n%s", want, report)
				}
			}
			all, err := json.Marshal(r)
			if err != nil || strings.Contains(string(all)+report+r.YAML, "s3cret") {
				t.Errorf("a password is shown (%v)", err)
			}
		})
	}
}

// TestDirect imports the original's second job alone: the hub topic is the source.
func TestDirect(t *testing.T) {
	text, err := os.ReadFile("../../domain/flink/testdata/golden/seed.sql")
	if err != nil {
		t.Fatal(err)
	}
	sql := string(text)
	insert := strings.Index(sql, "-- 5")
	r := flinkimport.Import("seed.sql", []byte(sql[:strings.Index(sql, "-- 4")]+sql[insert:]))
	if !r.OK() {
		t.Fatalf("refused:\n%s", r.Report())
	}
	p := &r.Config.Pipelines[0]
	if p.ReadHub == nil || p.ReadHub.Group != "ODS_QL_JC_SSJC_SOURCE_ODS_QL_JC_SSJC_SOURCE" || p.ReadHub.Start != "group-offsets" || p.ReadHub.OnMissingCursor != "earliest" ||
		p.Doris == nil || p.Hub.Topic != "ODS_QL_JC_SSJC" || len(p.Sources) != 0 {
		t.Errorf("%s", r.YAML)
	}
}

// TestTwoHubs makes a pipeline of each hub topic.
func TestTwoHubs(t *testing.T) {
	sql := change(t, "INSERT INTO HUB", "CREATE TABLE HUB2 WITH ('topic' = 'Hub') LIKE HUB;\nCREATE TABLE WX WITH ('topic' = 'wx') LIKE NJ;\nINSERT INTO HUB2 SELECT '320200', record, ts FROM WX;\nINSERT INTO HUB")
	r := flinkimport.Import("j.sql", []byte(sql))
	if !r.OK() || len(r.Config.Pipelines) != 2 {
		t.Fatalf("%s\n%s", r.Report(), r.YAML)
	}
	names := []string{r.Config.Pipelines[0].Name, r.Config.Pipelines[1].Name}
	if names[0] != "hub" || names[1] != "hub-2" {
		t.Errorf("pipelines %v", names)
	}
	if !strings.Contains(r.Report(), "`pipelines.hub-2.hub.topic`") {
		t.Error("the report does not tell the pipelines apart")
	}
}

// FuzzImport imports anything: what is accepted passes hefu's own rules, every place is in the file, and no text of the
// file leaves its comment.
func FuzzImport(f *testing.F) {
	seed, err := os.ReadFile("../../domain/flink/testdata/golden/seed.sql")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(seed))
	f.Add(small)
	f.Add(job())
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 1<<14 {
			return
		}
		r := flinkimport.Import("j.sql", []byte(sql))
		lines := strings.Count(sql, "\n") + 1
		for _, i := range r.Items {
			if i.Pos.Line < 1 || i.Pos.Line > lines || i.Pos.Column < 1 {
				t.Errorf("%s: %s is not in %q", i.At, i.Text, sql)
			}
		}
		r.Report()
		if _, err := config.Parse("hefu.yaml", []byte(r.YAML)); r.OK() && err != nil && !strings.ContainsAny(r.YAML, "*xX") {
			t.Errorf("%v\n%s", err, r.YAML)
		}
	})
}
