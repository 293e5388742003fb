package flinkimport_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/services/flinkimport"
)

// small is a job of one city whose lines the tests change.
const small = `SET 'table.local-time-zone' = 'Asia/Shanghai';
CREATE TABLE NJ (
  record STRING,
  p BIGINT METADATA FROM 'partition' VIRTUAL,
  ts TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = 'nj',
  'properties.bootstrap.servers' = 'nj:9092',
  'properties.group.id' = 'g',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'raw'
);
CREATE TABLE HUB (
  sscsdm STRING,
  record STRING,
  ts TIMESTAMP(3)
) WITH (
  'connector' = 'kafka',
  'topic' = 'hub',
  'properties.bootstrap.servers' = 'hub:9092',
  'properties.transaction.timeout.ms' = '600000',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'x',
  'format' = 'json'
);
CREATE TABLE BACK (
  sscsdm STRING,
  record STRING,
  o BIGINT METADATA FROM 'offset' VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = 'hub',
  'properties.bootstrap.servers' = 'hub:9092',
  'format' = 'json'
);
CREATE TABLE DORIS (
  sscsdm STRING,
  record STRING,
  hw_offset_id BIGINT
) WITH (
  'connector' = 'doris',
  'fenodes' = 'fe:8030',
  'table.identifier' = 'ods.T',
  'username' = 'u',
  'password' = 's3cret',
  'sink.properties.format' = 'json'
);
INSERT INTO HUB SELECT '320100', record, ts FROM NJ;
INSERT INTO DORIS SELECT sscsdm, record, o FROM BACK;
`

// change replaces texts of the small job, which have to be there.
func change(t *testing.T, pairs ...string) string {
	t.Helper()
	sql := small
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(sql, pairs[i]) {
			t.Fatalf("%q is not in the job", pairs[i])
		}
		sql = strings.Replace(sql, pairs[i], pairs[i+1], 1)
	}
	return sql
}

// TestSmall imports the job that the others are changes of.
func TestSmall(t *testing.T) {
	if r := flinkimport.Import("j.sql", []byte(small)); !r.OK() {
		t.Fatalf("refused:\n%s", r.Report())
	}
}

// TestRefuses is what Hefu cannot do or Flink does not take, each with its place and reason.
func TestRefuses(t *testing.T) {
	const union = "FROM NJ;\nINSERT INTO DORIS"
	for _, c := range []struct {
		name     string
		old, new string
		want     string
	}{
		{"no INSERT", "INSERT INTO HUB SELECT '320100', record, ts FROM NJ;\nINSERT INTO DORIS SELECT sscsdm, record, o FROM BACK;", "", "j.sql:1:1: the file: it holds no INSERT"},
		{"an unknown option", "'format' = 'raw'", "'format' = 'raw', 'scan.speed' = 'high'", "j.sql:12:21: scan.speed: Flink's connector kafka has no such option"},
		{"an unknown option of Doris", "'username'", "'sink.sped' = '1', 'username'", "j.sql:45:3: sink.sped: Flink's connector doris has no such option"},
		{"an option twice", "'format' = 'raw'", "'format' = 'raw', 'topic' = 'b'", "j.sql:12:21: topic: it is given at line 8 already"},
		{"a table twice", "CREATE TABLE BACK", "CREATE TABLE NJ", "j.sql:27:14: NJ: there is a table of this name at line 2 already"},
		{"a column twice", "  p BIGINT", "  record BIGINT", "j.sql:4:3: record: there is a column of this name at line 3 already"},
		{"another format", "'format' = 'raw'", "'format' = 'csv'", "j.sql:12:3: format: Hefu reads raw and json"},
		{"no format", ",\n  'format' = 'raw'", "", "j.sql:2:1: format: neither format nor value.format is given"},
		{"two columns for raw", "  record STRING,\n  p", "  record STRING,\n  more STRING,\n  p", "j.sql:2:1: format raw: the table has 2 physical columns"},
		{"raw of a number", "  record STRING,\n  p", "  record INT,\n  p", "j.sql:3:3: record: Hefu reads raw records as STRING or BYTES"},
		{"lines of one record", "'format' = 'raw'", "'format' = 'raw', 'raw.line-delimiter' = ','", "j.sql:12:21: raw.line-delimiter: one record would become several rows"},
		{"another start", "earliest-offset", "beginning", "j.sql:11:3: scan.startup.mode: allowed are earliest-offset"},
		{"group-offsets without a group", "'properties.group.id' = 'g',\n  'scan.startup.mode' = 'earliest-offset'", "'scan.startup.mode' = 'group-offsets'", "j.sql:10:3: properties.group.id: group-offsets begins where a group stands"},
		{"a timestamp that is none", "'earliest-offset'", "'timestamp', 'scan.startup.timestamp-millis' = 'yesterday'", "j.sql:11:38: scan.startup.timestamp-millis: it is no number of milliseconds"},
		{"timestamp without one", "'earliest-offset'", "'timestamp'", "j.sql:2:1: scan.startup.timestamp-millis: the mode is timestamp, and this is missing"},
		{"offsets with a space", "'earliest-offset'", "'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0, offset:1'", `j.sql:11:45: scan.startup.specific-offsets: character 13: `},
		{"another reset", "'properties.group.id' = 'g',\n  'scan.startup.mode' = 'earliest-offset'", "'properties.group.id' = 'g', 'properties.auto.offset.reset' = 'smallest'", "j.sql:10:32: properties.auto.offset.reset: allowed are earliest, latest and none"},
		{"another isolation", "'format' = 'raw'", "'format' = 'raw', 'properties.isolation.level' = 'serializable'", "j.sql:12:21: properties.isolation.level: allowed are read_committed and read_uncommitted"},
		{"another bound", "'format' = 'raw'", "'format' = 'raw', 'scan.bounded.mode' = 'noon'", "j.sql:12:21: scan.bounded.mode: allowed are unbounded"},
		{"topic and pattern", "'topic' = 'nj'", "'topic' = 'nj', 'topic-pattern' = 'n.*'", "j.sql:8:19: topic-pattern: topic is given as well"},
		{"no topic", "'topic' = 'nj',", "", "j.sql:2:1: topic: neither topic nor topic-pattern is given"},
		{"a pattern of Java's", "'topic' = 'nj'", "'topic-pattern' = '(?<=a)b'", "j.sql:8:3: topic-pattern: Hefu's regular expressions are RE2"},
		{"a hub of two topics", "'topic' = 'hub'", "'topic' = 'hub;b'", "j.sql:20:3: topic: a hub is one topic"},
		{"a hub in avro", "'x',\n  'format' = 'json'", "'x',\n  'format' = 'avro'", "j.sql:25:3: format: Hefu writes hub records as json only"},
		{"another semantic", "'exactly-once'", "'sometimes'", "j.sql:23:3: sink.delivery-guarantee: allowed are exactly-once"},
		{"a time that is none", "'600000'", "'10 min'", "j.sql:22:3: properties.transaction.timeout.ms: it is no number of milliseconds"},
		{"a partitioner of one's own", "'sink.transactional-id-prefix' = 'x'", "'sink.transactional-id-prefix' = 'x', 'sink.partitioner' = 'com.example.P'", "j.sql:24:41: sink.partitioner: a class of your own"},
		{"no brokers", "'properties.bootstrap.servers' = 'nj:9092',", "", "j.sql:2:1: properties.bootstrap.servers: it is missing"},
		{"another protocol", "'format' = 'raw'", "'format' = 'raw', 'properties.security.protocol' = 'TLS'", "j.sql:12:21: properties.security.protocol: it is none of PLAINTEXT"},
		{"upsert", "'connector' = 'kafka',\n  'topic' = 'hub',\n  'properties.bootstrap.servers' = 'hub:9092',\n  'properties.t", "'connector' = 'upsert-kafka',\n  'topic' = 'hub',\n  'properties.bootstrap.servers' = 'hub:9092',\n  'properties.t", "j.sql:49:13: HUB: upsert-kafka writes a changelog by key"},
		{"print", "'connector' = 'doris'", "'connector' = 'print'", "j.sql:50:13: DORIS: rows go nowhere"},
		{"jdbc", "'connector' = 'doris'", "'connector' = 'jdbc'", "j.sql:50:13: DORIS: Hefu writes to Kafka topics and Doris tables; this is connector jdbc"},
		{"datagen", "'connector' = 'kafka',\n  'topic' = 'nj'", "'connector' = 'datagen',\n  'topic' = 'nj'", "j.sql:49:17: FROM NJ: Hefu reads Kafka topics; this is connector datagen"},
		{"a table that is not there", "INSERT INTO HUB", "INSERT INTO HUP", "j.sql:49:13: HUP: there is no CREATE TABLE HUP in the file"},
		{"no source at all", "FROM NJ", "FROM WX", "j.sql:49:17: sources: the file has no CREATE TABLE for any table that the hub is filled from"},
		{"a column that is not there", "'320100', record, ts FROM", "'320100', recrod, ts FROM", "j.sql:49:34: value 2: table NJ has no column recrod"},
		{"too many values", "'320100', record, ts FROM", "'320100', record, ts, ts FROM", "j.sql:49:17: SELECT: 4 values for the 3 columns of HUB"},
		{"a column of the list that is not there", "INSERT INTO HUB SELECT", "INSERT INTO HUB (sscsdm, record, tz) SELECT", "j.sql:49:34: tz: table HUB has no such column"},
		{"a list and other values", "INSERT INTO HUB SELECT", "INSERT INTO HUB (sscsdm, record) SELECT", "j.sql:49:34: SELECT: 3 values for the 2 columns of the INSERT"},
		{"no city", "'320100', record", "record, record", "j.sql:49:17: SELECT: no value of it is a text that says which city"},
		{"a number as city", "'320100', record", "320100, record", "j.sql:49:24: value 1: a constant of its own"},
		{"a second text", "'320100', record", "'320100', 'x'", "j.sql:49:34: record: a second text beside the city's code"},
		{"a city's code that is too long", "'320100', record", "'a city with blanks', record", `j.sql:49:24: pipelines[0].sources[0].city: hefu.yaml would not be accepted: is "a city with blanks"`},
		{"a function", "'320100', record,", "'320100', UPPER(record),", "j.sql:49:34: value 2: the function UPPER computes a value"},
		{"a sum", "'320100', record,", "'320100', record || 'x',", "j.sql:49:34: value 2: it computes a value"},
		{"UNIX_TIMESTAMP of no time", "record, ts FROM", "record, UNIX_TIMESTAMP(record) * 1000 FROM", "j.sql:49:42: value 3: UNIX_TIMESTAMP of something that is no time in a text"},
		{"another factor", "record, ts FROM", "record, UNIX_TIMESTAMP(CAST(ts AS STRING)) * 60 FROM", "j.sql:49:42: value 3: it computes a value"},
		{"the partition as a text", "'320100', record, ts FROM", "'320100', p, ts FROM", "j.sql:49:34: record: the column is STRING, and what goes into it (partition) is BIGINT"},
		{"a CAST that does not fit", "record, ts FROM", "record, CAST(ts AS STRING) FROM", "j.sql:49:42: ts: CAST AS STRING does not fit the column, which is TIMESTAMP(3)"},
		{"a CAST of a CAST", "record, ts FROM", "record, CAST(CAST(ts AS STRING) AS TIMESTAMP(3)) FROM", "j.sql:49:42: value 3: a CAST of a CAST"},
		{"the topic's name", "p BIGINT METADATA FROM 'partition'", "p STRING METADATA FROM 'topic'", ""},
		{"a metadata that is none", "FROM 'timestamp' VIRTUAL\n) WITH", "FROM 'time' VIRTUAL\n) WITH", `j.sql:49:42: value 3: the connector kafka has no metadata "time"`},
		{"a table read twice", union, "FROM NJ UNION ALL SELECT '320200', record, ts FROM NJ;\nINSERT INTO DORIS", "j.sql:49:63: FROM NJ: it is read at line 49 already"},
		{"a city twice", union, "FROM NJ UNION ALL SELECT '320100', record, ts FROM WX;\nINSERT INTO DORIS", "j.sql:49:70: city: line 49 says so of another table"},
		{"another order", union, "FROM NJ UNION ALL SELECT '320200', record, NULL FROM WX;\nINSERT INTO DORIS", "j.sql:49:88: ts: it comes from null here and from timestamp in the branch of line 49"},
		{"a join", "FROM NJ;\n", "FROM NJ JOIN WX ON NJ.p = WX.p;\n", "j.sql:49:53: JOIN: rows of two tables become one"},
		{"a filter", "FROM NJ;\n", "FROM NJ WHERE p > 1;\n", "j.sql:49:53: WHERE: rows would be left out"},
		{"a view", "INSERT INTO HUB", "CREATE VIEW v AS SELECT * FROM NJ;\nINSERT INTO HUB", "j.sql:49:1: CREATE VIEW: a view is a query"},
		{"CREATE TABLE AS", "INSERT INTO HUB", "CREATE TABLE x WITH ('a' = 'b') AS SELECT record FROM NJ;\nINSERT INTO HUB", "j.sql:49:36: CREATE TABLE … AS SELECT: "},
		{"OVERWRITE", "INSERT INTO HUB", "INSERT OVERWRITE HUB", "j.sql:49:1: INSERT OVERWRITE: rows are added"},
		{"UPDATE", "INSERT INTO HUB", "UPDATE HUB\nSET a = 1;\nINSERT INTO HUB", "j.sql:49:1: UPDATE HUB: Hefu moves rows by INSERT"},
		{"LIKE of no table", "INSERT INTO HUB", "CREATE TABLE WX LIKE KS;\nINSERT INTO HUB", "j.sql:49:17: LIKE KS: there is no such table before this one"},
		{"a zone that is none", "'Asia/Shanghai'", "'Asia/Nanjing'", "j.sql:1:5: table.local-time-zone: it is no name of the IANA database"},
		{"an interval that is none", "CREATE TABLE NJ", "SET 'execution.checkpointing.interval' = 'often';\nCREATE TABLE NJ", "j.sql:2:5: execution.checkpointing.interval: it is no time of Flink"},
		{"the hub's timestamp", "  ts TIMESTAMP(3)\n", "  ts TIMESTAMP(3) METADATA FROM 'timestamp'\n", "j.sql:17:3: ts: the timestamp of a hub record is the time of its batch"},
		{"the key as a column", "'x',\n  'format' = 'json'", "'x',\n  'key.format' = 'raw', 'key.fields' = 'record',\n  'format' = 'json'", "j.sql:25:25: key.fields: the key would be column record of the value"},
		{"commit errors ignored", "'username'", "'sink.ignore.commit-error' = 'true', 'username'", "j.sql:45:3: sink.ignore.commit-error: rows whose commit fails would be lost"},
		{"no front end", "'fenodes' = 'fe:8030',", "", "j.sql:37:1: fenodes: it is missing"},
		{"a table without a database", "'ods.T'", "'T'", "j.sql:44:3: table.identifier: it is not database.table"},
		{"a user in an address", "'fe:8030'", "'http://u:s3cret@fe:8030'", "j.sql:43:3: fenodes: it has a user in it"},
		{"a header that drops rows", "'sink.properties.format' = 'json'", "'sink.properties.format' = 'json', 'sink.properties.max_filter_ratio' = '0.5'", "j.sql:47:38: sink.properties.max_filter_ratio: must be 0"},
		{"CSV", "'sink.properties.format' = 'json'", "'sink.properties.format' = 'csv'", "j.sql:47:3: sink.properties.format: must be json"},
		{"another column", "hw_offset_id BIGINT", "place BIGINT", "j.sql:50:42: place: the tables that Hefu loads have the columns"},
		{"columns crosswise", "SELECT sscsdm, record, o", "SELECT record, sscsdm, o", "j.sql:50:26: sscsdm: it would hold record"},
		{"cities into Doris", "INSERT INTO DORIS SELECT sscsdm, record, o FROM BACK", "INSERT INTO DORIS SELECT sscsdm, record, o FROM BACK UNION ALL SELECT sscsdm, record, o FROM BACK", "j.sql:50:1: UNION ALL: rows get into the table by the hub topic"},
		{"two tables", "FROM BACK;\n", "FROM BACK;\nINSERT INTO DORIS SELECT sscsdm, record, o FROM BACK;\n", "j.sql:51:1: INSERT INTO DORIS: line 50 loads the hub topic already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := flinkimport.Import("j.sql", []byte(change(t, c.old, c.new)))
			var all []string
			for _, i := range r.Items {
				if i.Verdict == flinkimport.Refused {
					all = append(all, i.At+": "+i.What+": "+i.Text)
				}
			}
			got := strings.Join(all, "\n")
			if c.want == "" {
				if !r.OK() {
					t.Errorf("refused:\n%s", got)
				}
				return
			}
			if r.OK() || !strings.Contains(got, c.want) {
				t.Errorf("refuses\n%s\nwant\n%s", got, c.want)
			}
			if strings.Contains(r.Report(), "s3cret") {
				t.Error("the report has the password")
			}
		})
	}
}
