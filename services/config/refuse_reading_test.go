package config

import (
	"strings"
	"testing"
)

// TestRefuseReading: where topics are read from and to, which ones, and how their records are read and written. Each case
// is what stands after "topic: SSJC" of the second source, or after "topic: ODS" of the hub.
func TestRefuseReading(t *testing.T) {
	const source, hub = "brokers: [wx:9092]\n        topic: SSJC\n", "      topic: ODS\n"
	for _, c := range []struct{ old, replacement, want string }{
		{source, "brokers: [wx:9092]\n        topic: SSJC\n        topics: [A]\n", `33:16: pipelines[0].sources[1].topic: is given beside topics or topic_pattern; allowed: one of topic, topics and topic_pattern`},
		{source, "brokers: [wx:9092]\n        topics: []\n", `30:9: pipelines[0].sources[1].topic: is missing; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{source, "brokers: [wx:9092]\n        topics: [A, \"\"]\n", `33:21: pipelines[0].sources[1].topics[1]: is missing; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{source, "brokers: [wx:9092]\n        topics: [A, A]\n", `33:21: pipelines[0].sources[1].topics[1]: is "A", as pipelines[0].sources[1].topics[0] is; allowed: one that no other has (each topic once)`},
		{source, "brokers: [wx:9092]\n        topic_pattern: (?=a)b\n", `33:24: pipelines[0].sources[1].topic_pattern: is "(?=a)b"; allowed: a regular expression (RE2: no look-around, no back references)`},
		{source, "brokers: [hub:9092]\n        topics: [A, ODS]\n", `30:9: pipelines[0].sources[1].topic: is "ODS", the hub topic itself; allowed: a topic that this pipeline does not write`},
		{source, "brokers: [hub:9092]\n        topic_pattern: OD.\n", `30:9: pipelines[0].sources[1].topic: is "ODS", the hub topic itself; allowed: a topic that this pipeline does not write`},
		{source, source + "        start: timestamp\n", `30:9: pipelines[0].sources[1].start_timestamp: is missing; allowed: milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00`},
		{source, source + "        start: timestamp\n        start_timestamp: yesterday\n", `35:26: pipelines[0].sources[1].start_timestamp: character 1: "yesterday" found, milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00, allowed; allowed: milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00`},
		{source, source + "        start: timestamp\n        start_timestamps: 0:5\n", `35:27: pipelines[0].sources[1].start_timestamps: character 1: "0:5" found, "partition:" allowed; allowed: partition:0,timestamp:1714536000000;…`},
		{source, source + "        start_timestamp: 5\n", `34:26: pipelines[0].sources[1].start_timestamp: has no meaning here; allowed: only with start: timestamp`},
		{source, source + "        start_offsets: partition:0,offset:1\n", `34:24: pipelines[0].sources[1].start_offsets: has no meaning here; allowed: only with start: specific-offsets`},
		{source, source + "        start: specific-offsets\n", `30:9: pipelines[0].sources[1].start_offsets: is missing; allowed: partition:0,offset:42;partition:1,offset:300`},
		{source, source + "        start: specific-offsets\n        start_offsets: partition:0 offset:1\n", `35:24: pipelines[0].sources[1].start_offsets: character 11: "0 offset:1" found, a whole number of 32 bits allowed; allowed: partition:0,offset:42;partition:1,offset:300`},
		{source, source + "        bounded: unbounded\n", `34:18: pipelines[0].sources[1].bounded: is "unbounded"; allowed: latest-offset, group-offsets, timestamp, specific-offsets`},
		{source, source + "        bounded: group-offsets\n", `30:9: pipelines[0].sources[1].group: is missing; allowed: the consumer group whose offsets are the end`},
		{source, source + "        bounded: timestamp\n", `30:9: pipelines[0].sources[1].bounded_timestamp: is missing; allowed: milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00`},
		{source, source + "        bounded: timestamp\n        bounded_timestamp: 2026\n        bounded_offsets: partition:0,offset:1\n", `36:26: pipelines[0].sources[1].bounded_offsets: has no meaning here; allowed: only with bounded: specific-offsets`},
		{source, source + "        bounded: latest-offset\n        bounded_timestamp: 5\n", `35:28: pipelines[0].sources[1].bounded_timestamp: has no meaning here; allowed: only with bounded: timestamp`},
		{source, source + "        bounded: specific-offsets\n", `30:9: pipelines[0].sources[1].bounded_offsets: is missing; allowed: partition:0,offset:42;partition:1,offset:300`},
		{source, source + "        isolation: serializable\n", `34:20: pipelines[0].sources[1].isolation: is "serializable"; allowed: read_committed, read_uncommitted`},
		{source, source + "        catch_up: 5B\n", `34:19: pipelines[0].sources[1].catch_up: is 5B; allowed: 0B, which is no limit, or at least 1KiB a second`},
		{source, source + "        paused: maybe\n", `34:17: pipelines[0].sources[1].paused: is a text; allowed: true or false`},
		{source, source + "        format: avro\n", `34:17: pipelines[0].sources[1].format: is "avro"; allowed: raw, json`},
		{source, source + "        type: INT\n", `34:15: pipelines[0].sources[1].type: is "INT"; allowed: STRING, BYTES`},
		{source, source + "        charset: klingon\n", `34:18: pipelines[0].sources[1].charset: charset "klingon" is not known; allowed: UTF-8, UTF-16, UTF-16BE, UTF-16LE, US-ASCII, ISO-8859-1, GB2312, GBK, GB18030; allowed: what deploy/hefu.yaml says of it`},
		{source, source + "        columns: [{name: a, type: INT}]\n", `34:18: pipelines[0].sources[1].columns: has no meaning here; allowed: only with format: json`},
		{source, source + "        timestamp_format: SQL\n", `34:27: pipelines[0].sources[1].timestamp_format: has no meaning here; allowed: only with format: json`},
		{source, source + "        fail_on_missing_field: true\n", `34:32: pipelines[0].sources[1].fail_on_missing_field: has no meaning here; allowed: only with format: json`},
		{source, source + "        format: json\n", `30:9: pipelines[0].sources[1].columns: is missing; allowed: a list of what the records are declared to hold`},
		{source, source + "        format: json\n        charset: GBK\n", `35:18: pipelines[0].sources[1].charset: has no meaning here; allowed: only with format: raw`},
		{source, source + "        format: json\n        columns: [{name: a, type: INT}]\n", `35:18: pipelines[0].sources[1].columns: has no column record; allowed: one, since the table of the pipeline has it`},
		{source, source + "        format: json\n        columns: [{name: record, type: STRINGS}]\n", `35:18: pipelines[0].sources[1].columns: column record: type "STRINGS": allowed: STRING, CHAR(n), VARCHAR(n), BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), BYTES, BINARY(n), VARBINARY(n), DATE, TIME, TIMESTAMP(p), TIMESTAMP_LTZ(p); allowed: what deploy/hefu.yaml says of it`},
		{source, source + "        format: json\n        columns: [{name: record, type: STRING}, {name: record, type: STRING}]\n", `35:56: pipelines[0].sources[1].columns[1].name: is "record", as pipelines[0].sources[1].columns[0].name is; allowed: one that no other has (a JSON object has each name once)`},
		{source, source + "        format: json\n        timestamp_format: RFC\n        columns: [{name: record, type: STRING}]\n", `35:27: pipelines[0].sources[1].timestamp_format: is "RFC"; allowed: SQL, ISO-8601`},
		{source, source + "        format: json\n        columns: [{name: record, type: STRING}]\n        fail_on_missing_field: true\n        ignore_parse_errors: true\n", `37:30: pipelines[0].sources[1].ignore_parse_errors: is given beside fail_on_missing_field; allowed: one of the two, as in Flink`},
		{hub, hub + "      semantic: twice\n", `17:17: pipelines[0].hub.semantic: is "twice"; allowed: none, at-least-once, exactly-once`},
		{hub, hub + "      format: {key: keep}\n", `17:21: pipelines[0].hub.format.key: is "keep"; allowed: none, pass`},
		{hub, hub + "      format: {headers: keep}\n", `17:25: pipelines[0].hub.format.headers: is "keep"; allowed: none, pass`},
		{hub, hub + "      format: {timestamp_format: ISO-8601-WITH-OFFSET}\n", `17:34: pipelines[0].hub.format.timestamp_format: is "ISO-8601-WITH-OFFSET"; allowed: SQL, ISO-8601`},
		{hub, hub + "      format: {columns: [{name: a b, type: STRING, from: city}]}\n", `17:33: pipelines[0].hub.format.columns[0].name: is "a b"; allowed: 1 to 64 of a-z, A-Z, 0-9, _ and -`},
		{hub, hub + "      format: {columns: [{name: a, from: city}]}\n", `17:26: pipelines[0].hub.format.columns[0].type: is missing; allowed: a type of Flink SQL, as in STRING, BIGINT, TIMESTAMP(6)`},
		{hub, hub + "      format: {columns: [{name: a, type: STRING, from: nowhere}]}\n", `17:56: pipelines[0].hub.format.columns[0].from: is "nowhere"; allowed: city, extract_time, record, partition, offset, timestamp, field, null`},
		{hub, hub + "      format: {columns: [{name: a, type: STRING, from: field}]}\n", `17:26: pipelines[0].hub.format.columns[0].field: is missing; allowed: the declared column of the source that is carried`},
		{hub, hub + "      format: {columns: [{name: a, type: STRING, from: city, field: b}]}\n", `17:69: pipelines[0].hub.format.columns[0].field: has no meaning here; allowed: only with from: field`},
		{hub, hub + "      format: {columns: [{name: a, type: STRING, from: field, field: b}]}\n", `17:70: pipelines[0].hub.format.columns[0].field: is "b", which source nanjing does not declare; allowed: a column of every source, all of them with format: json`},
		{hub, hub + "      format: {columns: [{name: a, type: MAP, from: city}]}\n", `17:25: pipelines[0].hub.format.columns: hub column a: type "MAP": allowed: STRING, CHAR(n), VARCHAR(n), BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), BYTES, BINARY(n), VARBINARY(n), DATE, TIME, TIMESTAMP(p), TIMESTAMP_LTZ(p); allowed: a type of Flink SQL, as in STRING, BIGINT, TIMESTAMP(6)`},
		{"    sources:\n", "    read_hub: {}\n    sources:\n", `24:15: pipelines[0].read_hub: is given beside sources; allowed: one of sources and read_hub`},
		{base[strings.Index(base, "    doris:"):], "    read_hub: {}\n", `19:15: pipelines[0].read_hub: leads nowhere; allowed: only with doris: the rows are in the hub already`},
		{base[strings.Index(base, "    sources:"):], "    read_hub: {start: group-offsets}\n", `24:15: pipelines[0].read_hub.group: is missing; allowed: the consumer group whose offsets are the start`},
		{base, base + strings.NewReplacer("topic: OTHER", "topic: ODS", "table: OTHER", "table: ODS").Replace(second[:strings.Index(second, "    sources:")]) + "    read_hub: {}\n", `43:15: pipelines[1].read_hub.bounded: is missing, and pipelines[0].doris.table is loaded too; allowed: an end: from there on the rows are the other pipeline's`},
	} {
		if n := strings.Count(base, c.old); n == 0 {
			t.Errorf("%q is not in base: the case %s proves nothing", c.old, c.want)
			continue
		}
		_, err := Parse("f", []byte(strings.Replace(base, c.old, c.replacement, 1)))
		if err == nil {
			t.Errorf("%q was accepted\nwant %s", c.replacement, c.want)
		} else if err.Error() != "f:"+c.want {
			t.Errorf("%q\ngot  %v\nwant f:%s", c.replacement, err, c.want)
		}
	}
}

// TestAcceptReading: what the refusals above stand beside.
func TestAcceptReading(t *testing.T) {
	const source, hub = "brokers: [wx:9092]\n        topic: SSJC\n", "      topic: ODS\n"
	backlog := strings.Replace(second, second[strings.Index(second, "    sources:"):], "    read_hub: {start: group-offsets, group: flink, bounded: latest-offset}\n", 1)
	backlog = strings.NewReplacer("topic: OTHER", "topic: ODS", "table: OTHER", "table: ODS").Replace(backlog)
	for _, text := range []string{
		strings.Replace(base, source, "brokers: [wx:9092]\n        topics: [A, B]\n", 1),
		strings.Replace(base, source, "brokers: [wx:9092]\n        topic_pattern: OD.\n", 1), // on another cluster than the hub
		strings.Replace(base, source, source+"        start: timestamp\n        start_timestamp: 2026-11-25T02:00:00+08:00\n", 1),
		strings.Replace(base, source, source+"        start: specific-offsets\n        start_offsets: partition:0,offset:-2;\n", 1),
		strings.Replace(base, source, source+"        format: json\n        columns: [{name: record, type: STRING}]\n", 1),
		strings.Replace(base, source, source+"        charset: GBK\n        type: STRING\n", 1),
		strings.Replace(base, hub, hub+"      semantic: at-least-once\n", 1),
		base + backlog,
	} {
		if _, err := Parse("f", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
