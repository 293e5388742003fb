package config

import (
	"errors"
	"strings"
	"testing"
)

// base is a good file; each refusal below makes one change to it.
const base = `instance: host-1
data_dir: /tmp/hefu
journal:
  segment_bytes: 64MiB
  max_bytes: 1GiB
  reserve_bytes: 16MiB
api: {listen: "127.0.0.1:0"}
log: {level: info, format: text}
pipelines:
  - name: bridge
    timezone: UTC
    shards: 2
    ingest: {event_bytes: 1MiB, linger: 5ms}
    hub:
      brokers: [hub:9092]
      topic: ODS
      batch: {rows: 100, age: 200ms}
      transaction_timeout: 15s
    doris:
      fe: [http://fe:8030]
      mysql: [fe:9030]
      database: ods
      table: ODS
    sources:
      - id: nanjing
        city: "320100"
        brokers: [nj:9092]
        topic: SSJC
        start: earliest-offset
      - id: wuxi
        city: "320200"
        brokers: [wx:9092]
        topic: SSJC
`

// second is another pipeline, with nothing in common with base but what a case gives it.
const second = `  - name: other
    hub:
      brokers: [hub:9092]
      topic: OTHER
    doris:
      fe: [http://fe:8030]
      mysql: [fe:9030]
      database: ods
      table: OTHER
    sources:
      - id: nanjing
        city: "320100"
        brokers: [nj:9092]
        topic: SSJC
`

func TestRefuse(t *testing.T) {
	for _, c := range []struct{ old, replacement, want string }{
		// Not a configuration at all.
		{base, "", `1:1: is empty; allowed: at least pipelines: with one pipeline`},
		{base, "# nothing\n", `1:1: is empty; allowed: at least pipelines: with one pipeline`},
		{base, "hello", `1:1: is a text; allowed: a mapping`},
		{base, "- name: bridge\n", `1:1: is a list; allowed: a mapping`},
		{base, "{}", `1:1: pipelines: is missing; allowed: a list of at least one pipeline`},
		{"pipelines:", "---\npipelines:", `10:1: is more than plain YAML; allowed: one document without directives`},
		{"instance: host-1", "%YAML 1.2\n---", `1:1: is more than plain YAML; allowed: one document without directives`},
		{"[hub:9092]", "[hub:9092", `16:7: is not YAML: ',' or ']' must be specified; allowed: YAML 1.2`},
		{"    timezone", "\ttimezone", `11:1: is not YAML: found character '	' that cannot start any token; allowed: YAML 1.2`},
		// Keys.
		{"data_dir", "datadir", `2:1: datadir: is not a key here; allowed: instance, data_dir, journal, api, log, pipelines`},
		{"linger: 5ms", "lingre: 5ms", `13:33: pipelines[0].ingest.lingre: is not a key here; allowed: event_bytes, linger, queue_bytes, fetch_bytes, max_wait`},
		{"        start: earliest-offset", "        begin: earliest-offset", `29:9: pipelines[0].sources[0].begin: is not a key here; allowed: id, city, brokers, tls, sasl, client_id, properties, topic, topics, topic_pattern, start, start_timestamp, start_timestamps, start_offsets, group, on_missing_cursor, bounded, bounded_timestamp, bounded_offsets, isolation, paused, catch_up, format, charset, type, columns, fail_on_missing_field, ignore_parse_errors, timestamp_format`},
		{"      topic: ODS\n", "      topic: ODS\n      topic: ODS2\n", `17:7: pipelines[0].hub.topic: is given twice, first in line 16; allowed: each key once`},
		{"log:", "<<: {level: info}\nlog:", `8:1: <<: is not a key here; allowed: instance, data_dir, journal, api, log, pipelines`},
		{"log:", "1: one\nlog:", `8:1: 1: is not a key here; allowed: instance, data_dir, journal, api, log, pipelines`},
		// Kinds of values.
		{"topic: ODS", "topic:", `16:13: pipelines[0].hub.topic: has no value; allowed: a value, or no such key`},
		{"topic: ODS", "topic: ~", `16:14: pipelines[0].hub.topic: has no value; allowed: a value, or no such key`},
		{"topic: ODS", "topic: true", `16:14: pipelines[0].hub.topic: is a truth value; allowed: a text`},
		{"topic: ODS", "topic: 1.5", `16:14: pipelines[0].hub.topic: is a number with a fraction; allowed: a text`},
		{"topic: ODS", "topic: [ODS]", `16:14: pipelines[0].hub.topic: is a list; allowed: a text`},
		{"topic: ODS", "topic: !!str ODS", `16:14: pipelines[0].hub.topic: is an anchor, alias or tag; allowed: plain values`},
		{"topic: ODS", "topic: &t ODS", `16:14: pipelines[0].hub.topic: is an anchor, alias or tag; allowed: plain values`},
		{"topic: ODS", "topic: *t", `16:14: pipelines[0].hub.topic: is an anchor, alias or tag; allowed: plain values`},
		{`"127.0.0.1:0"`, "[a:1]", `7:15: api.listen: is a list; allowed: a text`},
		{"[hub:9092]", "hub:9092", `15:16: pipelines[0].hub.brokers: is a text; allowed: a list`},
		{"[hub:9092]", "[{hub: 9092}]", `15:17: pipelines[0].hub.brokers[0]: is a mapping; allowed: a text (in quotes where it has a colon and stands inside { })`},
		{"shards: 2", "shards: two", `12:13: pipelines[0].shards: is "two"; allowed: a whole number`},
		{"shards: 2", `shards: "2"`, `12:13: pipelines[0].shards: is a text; allowed: a whole number`},
		{"shards: 2", "shards: 1.5", `12:13: pipelines[0].shards: is "1.5"; allowed: a whole number`},
		{"shards: 2", "shards: 99999999999999999999", `12:13: pipelines[0].shards: is "99999999999999999999"; allowed: a whole number`},
		{"max_bytes: 1GiB", "max_bytes: 1073741824", `5:14: journal.max_bytes: is "1073741824"; allowed: a whole number with a unit, as in 16MiB (B, KB, KiB, MB, MiB, GB, GiB, TB, TiB)`},
		{"max_bytes: 1GiB", "max_bytes: 1.5GiB", `5:14: journal.max_bytes: is "1.5GiB"; allowed: a whole number with a unit, as in 16MiB (B, KB, KiB, MB, MiB, GB, GiB, TB, TiB)`},
		{"linger: 5ms", "linger: 5", `13:41: pipelines[0].ingest.linger: is "5"; allowed: a time with its unit, as in 200ms (ns, us, ms, s, m, h)`},
		{"linger: 5ms", "linger: {ms: 5}", `13:41: pipelines[0].ingest.linger: is a mapping; allowed: a time with its unit, as in 200ms (ns, us, ms, s, m, h)`},
		{"log: {level: info, format: text}", "log: info", `8:6: log: is a text; allowed: a mapping`},
		{"    doris:\n", "    doris: none\n    d:\n", `19:12: pipelines[0].doris: is a text; allowed: a mapping`},
		// The process.
		{"instance: host-1", "instance: host 1", `1:11: instance: is "host 1"; allowed: 1 to 64 of a-z, A-Z, 0-9, ., _ and -`},
		{"data_dir: /tmp/hefu", `data_dir: ""`, `2:11: data_dir: is missing; allowed: a directory`},
		{"journal:\n", "journal:\n  mode: cluster\n", `4:9: journal.mode: is "cluster"; allowed: embedded, external`},
		{"journal:\n", "journal:\n  servers: [nats://n:4222]\n", `4:12: journal.servers: has no meaning here; allowed: only with journal.mode: external`},
		{"journal:\n", "journal:\n  credentials_file: /c\n", `4:21: journal.credentials_file: has no meaning here; allowed: only with journal.mode: external`},
		{"journal:\n", "journal:\n  ca_file: /c\n", `4:12: journal.ca_file: has no meaning here; allowed: only with journal.mode: external`},
		{"journal:\n", "journal:\n  replicas: 3\n", `4:13: journal.replicas: has no meaning here; allowed: only with journal.mode: external`},
		{"journal:\n", "journal:\n  mode: external\n  servers: [nats://n:4222]\n  replicas: 2\n", `6:13: journal.replicas: is 2; allowed: 1, 3, 5`},
		{"journal:\n", "journal:\n  mode: external\n", `4:3: journal.servers: is missing; allowed: a list: nats://host:port or tls://host:port`},
		{"journal:\n", "journal:\n  mode: external\n  servers: [n:4222]\n", `5:13: journal.servers[0]: is "n:4222"; allowed: nats://host:port or tls://host:port`},
		{"journal:\n", "journal:\n  mode: external\n  servers: [\"nats://me:secret@n:4222\"]\n", `5:13: journal.servers[0]: has a user in it; allowed: nats://host:port or tls://host:port; user and password have keys of their own`},
		{"segment_bytes: 64MiB", "segment_bytes: 64KiB", `4:18: journal.segment_bytes: is 64KiB; allowed: 1MiB to 1TiB (a roll costs a stream; a segment is archived and dropped as a whole)`},
		{"max_bytes: 1GiB", "max_bytes: 32MiB", `5:14: journal.max_bytes: is 32MiB; allowed: 64MiB to 1024TiB (at least one segment)`},
		{"reserve_bytes: 16MiB", "reserve_bytes: 0B", `6:18: journal.reserve_bytes: is 0B; allowed: 1MiB to 1GiB (outcomes need room when ingest has none left)`},
		{`"127.0.0.1:0"`, `"0.0.0.0:8642"`, `7:15: api.listen: is "0.0.0.0:8642", which other hosts can reach; allowed: a loopback address, as in 127.0.0.1:8642 (the API has no TLS and no token yet)`},
		{`"127.0.0.1:0"`, `":8642"`, `7:15: api.listen: is ":8642"; allowed: a loopback address with its port, as in 127.0.0.1:8642`},
		{`"127.0.0.1:0"`, `localhost`, `7:15: api.listen: is "localhost"; allowed: a loopback address with its port, as in 127.0.0.1:8642`},
		{"level: info", "level: trace", `8:14: log.level: is "trace"; allowed: debug, info, warn, error`},
		{"format: text", "format: xml", `8:28: log.format: is "xml"; allowed: text, json`},
		// A pipeline.
		{"name: bridge", "name: Bridge", `10:11: pipelines[0].name: is "Bridge"; allowed: 1 to 32 of a-z, 0-9 and -`},
		{"name: bridge", "name: bridge-bridge-bridge-bridge-bridge", `10:11: pipelines[0].name: is "bridge-bridge-bridge-bridge-bridge"; allowed: 1 to 32 of a-z, 0-9 and -`},
		{"timezone: UTC", "timezone: Local", `11:15: pipelines[0].timezone: is "Local"; allowed: a name of the IANA database, as in Asia/Shanghai, or UTC`},
		{"timezone: UTC", "timezone: GMT+8", `11:15: pipelines[0].timezone: is "GMT+8"; allowed: a name of the IANA database, as in Asia/Shanghai, or UTC`},
		{"shards: 2", "shards: 0", `12:13: pipelines[0].shards: is 0; allowed: 1 to 1024 (each shard has streams and a hub partition of its own)`},
		{"event_bytes: 1MiB", "event_bytes: 16MiB", `13:27: pipelines[0].ingest.event_bytes: is 16MiB; allowed: 1KiB to 15MiB (an event has to fit into a NATS message of 16MiB)`},
		{"linger: 5ms", "linger: -5ms", `13:41: pipelines[0].ingest.linger: is -5ms; allowed: 0s to 10s (rows wait this long at most)`},
		{"linger: 5ms", "queue_bytes: 512KiB", `13:46: pipelines[0].ingest.queue_bytes: is 512KiB; allowed: 1MiB to 64GiB (at least one event and one fetch)`},
		{"linger: 5ms", "fetch_bytes: 1B", `13:46: pipelines[0].ingest.fetch_bytes: is 1B; allowed: 1KiB to 1GiB (of one partition)`},
		{"linger: 5ms", "max_wait: 0s", `13:43: pipelines[0].ingest.max_wait: is 0s; allowed: 1ms to 30s (a stop waits for it)`},
		// The hub.
		{"      brokers: [hub:9092]\n", "", `15:7: pipelines[0].hub.brokers: is missing; allowed: a list: host:port`},
		{"[hub:9092]", "[]", `15:16: pipelines[0].hub.brokers: is missing; allowed: a list: host:port`},
		{"[hub:9092]", "[hub:9092, hub]", `15:27: pipelines[0].hub.brokers[1]: is "hub"; allowed: host:port`},
		{"[hub:9092]", "[hub:99999]", `15:17: pipelines[0].hub.brokers[0]: is "hub:99999"; allowed: host:port`},
		{"      topic: ODS\n", "", `15:7: pipelines[0].hub.topic: is missing; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{"topic: ODS", "topic: 数据", `16:14: pipelines[0].hub.topic: is "数据"; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{"topic: ODS", "topic: ..", `16:14: pipelines[0].hub.topic: is ".."; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{"topic: ODS", "topic: \"O\\nDS\"", `16:14: pipelines[0].hub.topic: is "O\nDS"; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{"topic: ODS", "topic: ODS\n      progress_topic: ODS", `17:23: pipelines[0].hub.progress_topic: is the hub topic; allowed: a topic of its own`},
		{"topic: ODS", "topic: ODS\n      progress_topic: a/b", `17:23: pipelines[0].hub.progress_topic: is "a/b"; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{"rows: 100", "rows: 0", `17:21: pipelines[0].hub.batch.rows: is 0; allowed: 1 to 10000000 (rows of one transaction)`},
		{"rows: 100", "bytes: 1B", `17:22: pipelines[0].hub.batch.bytes: is 1B; allowed: 1KiB to 1GiB (held in memory until the commit)`},
		{"rows: 100", "runs: 0", `17:21: pipelines[0].hub.batch.runs: is 0; allowed: 1 to 65536 (all of them are in one outcome event)`},
		{"age: 200ms", "age: 1m", `17:31: pipelines[0].hub.batch.age: is 1m0s; allowed: 1ms to 10s (an open transaction holds back every reader of the hub)`},
		{"transaction_timeout: 15s", "transaction_timeout: 300ms", `18:28: pipelines[0].hub.transaction_timeout: is 300ms; allowed: 1s to 15m0s (longer than a batch takes, at most the brokers' transaction.max.timeout.ms)`},
		{"topic: ODS", "topic: ODS\n      tls: {cert_file: /c}", `17:12: pipelines[0].hub.tls.key_file: is missing; allowed: the key of cert_file`},
		{"topic: ODS", "topic: ODS\n      tls: {key_file: /c}", `17:12: pipelines[0].hub.tls.cert_file: is missing; allowed: the certificate of key_file`},
		{"topic: ODS", "topic: ODS\n      sasl: {mechanism: PLAIN, user: u, password: p}", `17:41: pipelines[0].hub.sasl.password: is not a key here; allowed: mechanism, user, password_file, principal, realm, keytab_file, krb5_conf, service_name, domain_name`},
		{"topic: ODS", "topic: ODS\n      sasl:\n        mechanism: OAUTHBEARER", `18:20: pipelines[0].hub.sasl.mechanism: is "OAUTHBEARER"; allowed: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI`},
		{"topic: ODS", "topic: ODS\n      sasl: {mechanism: PLAIN}", `17:13: pipelines[0].hub.sasl.user: is missing; allowed: a user of the cluster`},
		{"topic: ODS", "topic: ODS\n      sasl: {mechanism: PLAIN, user: u}", `17:13: pipelines[0].hub.sasl.password_file: is missing; allowed: a file that holds the password`},
		// Doris.
		{"fe: [http://fe:8030]", "fe: [fe:8030]", `20:12: pipelines[0].doris.fe[0]: is "fe:8030"; allowed: http://host:port or https://host:port`},
		{"fe: [http://fe:8030]", "fe: [http://fe:8030/api]", `20:12: pipelines[0].doris.fe[0]: is "http://fe:8030/api"; allowed: http://host:port or https://host:port`},
		{"mysql: [fe:9030]", "mysql: [fe]", `21:15: pipelines[0].doris.mysql[0]: is "fe"; allowed: host:port`},
		{"      mysql: [fe:9030]\n", "", `20:7: pipelines[0].doris.mysql: is missing; allowed: a list: host:port`},
		{"database: ods", "database: 0ds", `22:17: pipelines[0].doris.database: is "0ds"; allowed: 1 to 64 of a-z, A-Z, 0-9 and _, a letter first`},
		{"table: ODS", "table: ods.ODS", `23:14: pipelines[0].doris.table: is "ods.ODS"; allowed: 1 to 64 of a-z, A-Z, 0-9 and _, a letter first`},
		{"table: ODS", "table: ODS\n      model: aggregate", `24:14: pipelines[0].doris.model: is "aggregate"; allowed: unique, duplicate`},
		{"table: ODS", "table: ODS\n      user: \"\"", `24:13: pipelines[0].doris.user: is missing; allowed: a user of Doris`},
		{"table: ODS", "table: ODS\n      batch: {rows: -1}", `24:21: pipelines[0].doris.batch.rows: is -1; allowed: 1 to 100000000 (rows of one load)`},
		{"table: ODS", "table: ODS\n      batch: {bytes: 20GiB}", `24:22: pipelines[0].doris.batch.bytes: is 20GiB; allowed: 1KiB to 10GiB (Doris takes streaming_load_max_mb, 10GiB by default)`},
		{"table: ODS", "table: ODS\n      batch: {age: 1ms}", `24:20: pipelines[0].doris.batch.age: is 1ms; allowed: 10ms to 10m0s (each load makes a version of every tablet it meets)`},
		{"table: ODS", "table: ODS\n      batch: {interval: 1h}", `24:25: pipelines[0].doris.batch.interval: is 1h0m0s; allowed: 0s to 10m0s (0s for loads that follow each other at once)`},
		{"table: ODS", "table: ODS\n      max_record_bytes: 0B", `24:25: pipelines[0].doris.max_record_bytes: is 0B; allowed: 1B to 2147483643B (the longest STRING that Doris can be told to take)`},
		{"table: ODS", "table: ODS\n      semantic: twice", `24:17: pipelines[0].doris.semantic: is "twice"; allowed: none, at-least-once, exactly-once`},
		{"table: ODS", "table: ODS\n      user: hefu\n      user_file: /u", `25:18: pipelines[0].doris.user_file: is given beside user; allowed: one of user and user_file`},
		{"table: ODS", "table: ODS\n      password: p", `24:7: pipelines[0].doris.password: is not a key here; allowed: fe, mysql, user, user_file, password_file, tls, be_map, timeouts, database, table, model, semantic, properties, max_record_bytes, batch`},
		{"table: ODS", "table: ODS\n      timeouts: {dial: 1ms}", `24:24: pipelines[0].doris.timeouts.dial: is 1ms; allowed: 100ms to 1m0s (for a host that does not answer)`},
		{"table: ODS", "table: ODS\n      timeouts: {ask: 0s}", `24:23: pipelines[0].doris.timeouts.ask: is 0s; allowed: 1s to 10m0s (a question and the second phase of a load wait for no data)`},
		{"table: ODS", "table: ODS\n      timeouts: {load: 100h}", `24:24: pipelines[0].doris.timeouts.load: is 100h0m0s; allowed: 10s to 72h0m0s (Doris takes at most max_stream_load_timeout_second, 259200)`},
		{"table: ODS", "table: ODS\n      tls: {ca_file: /c}", `24:12: pipelines[0].doris.tls: has nothing to protect; allowed: only with an https:// address in fe or be_map, or with mysql: true in it`},
		{"table: ODS", "table: ODS\n      tls: {mysql: true, cert_file: /c}", `24:12: pipelines[0].doris.tls.key_file: is missing; allowed: the key of cert_file`},
		{"table: ODS", "table: ODS\n      tls: {mysql: true, key_file: /k}", `24:12: pipelines[0].doris.tls.cert_file: is missing; allowed: the certificate of key_file`},
		{"table: ODS", "table: ODS\n      tls: {mysql: yes}", `24:20: pipelines[0].doris.tls.mysql: is a text; allowed: true or false`},
		{"table: ODS", "table: ODS\n      be_map: [a]", `24:15: pipelines[0].doris.be_map: is a list; allowed: a mapping`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"10.0.0.1\": be:8040", `25:21: pipelines[0].doris.be_map.10.0.0.1: is not an address that a back end announces; allowed: host:port`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"10.0.0.1:8040\": be", `25:26: pipelines[0].doris.be_map.10.0.0.1:8040: is "be"; allowed: host:port or https://host:port`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"10.0.0.1:8040\": http://be:8040", `25:26: pipelines[0].doris.be_map.10.0.0.1:8040: is "http://be:8040"; allowed: host:port or https://host:port`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"10.0.0.1:8040\": https://me:secret@be:8040", `25:26: pipelines[0].doris.be_map.10.0.0.1:8040: has a user in it; allowed: host:port or https://host:port; user and password have keys of their own`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"10.0.0.1:8040\": me:secret@be:8040", `25:26: pipelines[0].doris.be_map.10.0.0.1:8040: has a user in it; allowed: host:port or https://host:port; user and password have keys of their own`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"me:secret@10.0.0.1:8040\": be:8040", `25:9: pipelines[0].doris.be_map: has a user in a key; allowed: host:port`},
		{"table: ODS", "table: ODS\n      be_map:\n        \"10.0.0.1:8040\": be:8040\n        \"10.0.0.1:8040\": be:8041", `26:9: pipelines[0].doris.be_map.10.0.0.1:8040: is given twice, first in line 25; allowed: each key once`},
		{"table: ODS", "table: ODS\n      properties:\n        where: a = 1", `25:16: pipelines[0].doris.properties.where: rows would be left out that the journal counts as loaded; allowed: what deploy/hefu.yaml says of properties`},
		{"table: ODS", "table: ODS\n      properties:\n        two_phase_commit: false", `25:27: pipelines[0].doris.properties.two_phase_commit: must be true: the semantic is exactly-once, which decides it; allowed: what deploy/hefu.yaml says of properties`},
		{"table: ODS", "table: ODS\n      properties:\n        Format: json\n        format: json", `25:9: pipelines[0].doris.properties: format: is Format once more; headers know no case; allowed: what deploy/hefu.yaml says of properties`},
		{"table: ODS", "table: ODS\n      properties:\n        format:", `25:16: pipelines[0].doris.properties.format: has no value; allowed: a value, or no such key`},
		{"table: ODS", "table: ODS\n      properties:\n        format: [json]", `25:17: pipelines[0].doris.properties.format: is a list; allowed: a text`},
		{"table: ODS", "table: ODS\n      properties:\n        1: x", `25:9: pipelines[0].doris.properties.1: is not a name; allowed: a text`},
		// Sources.
		{base[strings.Index(base, "    sources:"):], "", `10:5: pipelines[0].sources: is missing; allowed: a list of at least one source`},
		{"      - id: nanjing\n        city", "      - city", `25:9: pipelines[0].sources[0].id: is missing; allowed: 1 to 32 of a-z, 0-9 and -`},
		{"id: wuxi", "id: wu_xi", `30:13: pipelines[0].sources[1].id: is "wu_xi"; allowed: 1 to 32 of a-z, 0-9 and -`},
		{"id: wuxi", "id: nanjing", `30:13: pipelines[0].sources[1].id: is "nanjing", as pipelines[0].sources[0].id is; allowed: one that no other has (the journal knows a source by it)`},
		{`"320200"`, "320100", `31:15: pipelines[0].sources[1].city: is "320100", as pipelines[0].sources[0].city is; allowed: one that no other has (rows of both could not be told apart)`},
		{`"320200"`, "无锡", `31:15: pipelines[0].sources[1].city: is "无锡"; allowed: 1 to 16 of a-z, A-Z, 0-9, _ and - (sscsdm is VARCHAR(16))`},
		{"brokers: [wx:9092]", "brokers: [wx]", `32:19: pipelines[0].sources[1].brokers[0]: is "wx"; allowed: host:port`},
		{"brokers: [wx:9092]\n        topic: SSJC", "brokers: [wx:9092]", `30:9: pipelines[0].sources[1].topic: is missing; allowed: the name of a Kafka topic: 1 to 249 of a-z, A-Z, 0-9, ., _ and -`},
		{"start: earliest-offset", "start: oldest", `29:16: pipelines[0].sources[0].start: is "oldest"; allowed: earliest-offset, latest-offset, group-offsets, timestamp, specific-offsets`},
		{"start: earliest-offset", "start: group-offsets", `25:9: pipelines[0].sources[0].group: is missing; allowed: the consumer group whose offsets are the start`},
		{"start: earliest-offset", "start: latest-offset\n        on_missing_cursor: fail", `30:28: pipelines[0].sources[0].on_missing_cursor: has no meaning here; allowed: only with start: group-offsets`},
		{"start: earliest-offset", "start: group-offsets\n        group: g\n        on_missing_cursor: skip", `31:28: pipelines[0].sources[0].on_missing_cursor: is "skip"; allowed: earliest, latest, fail`},
		{"brokers: [wx:9092]\n        topic: SSJC", "brokers: [wx:9092, hub:9092]\n        topic: ODS", `33:16: pipelines[0].sources[1].topic: is "ODS", the hub topic itself; allowed: a topic that this pipeline does not write`},
		// Pipelines beside each other.
		{base, base + strings.Replace(second, "other", "bridge", 1), `34:11: pipelines[1].name: is "bridge", as pipelines[0].name is; allowed: one that no other has (streams and labels carry it)`},
		{base, base + strings.Replace(second, "topic: OTHER", "topic: ODS", 1), `37:14: pipelines[1].hub.topic: is also pipelines[0].hub.topic; allowed: a topic of its own`},
		{base, base + strings.Replace(second, "topic: OTHER", "topic: OTHER\n      progress_topic: hefu-progress-bridge", 1), `38:23: pipelines[1].hub.progress_topic: is also pipelines[0].hub.progress_topic; allowed: a topic of its own`},
		{base, base + strings.Replace(second, "table: OTHER", "table: ODS", 1), `42:14: pipelines[1].doris.table: is also pipelines[0].doris.table; allowed: a table of its own`},
	} {
		if n := strings.Count(base, c.old); n == 0 {
			t.Errorf("%q is not in base: the case %s proves nothing", c.old, c.want)
			continue
		}
		_, err := Parse("f", []byte(strings.Replace(base, c.old, c.replacement, 1)))
		var typed *Error
		switch {
		case err == nil:
			t.Errorf("%q was accepted\nwant %s", c.replacement, c.want)
		case !errors.As(err, &typed):
			t.Errorf("%q: %v is not an *Error", c.replacement, err)
		case err.Error() != "f:"+c.want:
			t.Errorf("%q\ngot  %v\nwant f:%s", c.replacement, err, c.want)
		}
	}
}

func TestBaseIsAccepted(t *testing.T) {
	for _, text := range []string{base, base + second, "\ufeff" + base, strings.ReplaceAll(base, "\n", "\r\n")} {
		if _, err := Parse("f", []byte(text)); err != nil {
			t.Errorf("%.20q: %v; every refusal could be this one", text, err)
		}
	}
}

// TestValidateOfAConfigMadeInGo has no file to name.
func TestValidateOfAConfigMadeInGo(t *testing.T) {
	c := Default()
	c.Instance = "host-1"
	const want = "pipelines: is missing; allowed: a list of at least one pipeline"
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// FuzzParse looks for a panic and for an error that is not one line with its place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte(smallest))
	f.Add([]byte("a: &x [*x]\n? b\n: |\n  c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := Parse("f", text)
		var typed *Error
		if err != nil && (!errors.As(err, &typed) || typed.Line < 1 || typed.Column < 1 || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q", err)
		}
	})
}
