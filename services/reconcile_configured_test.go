package services_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// compared compares everything with the file as it is now.
func (w *fileWorld) compared() *report.Report {
	w.t.Helper()
	w.load()
	b := w.books()
	if len(b.Findings) > 0 {
		w.t.Errorf("books: %v", b.Findings)
	}
	return prove(w.t, w.cfg, &w.cfg.Pipelines[0])
}

// verdict demands a verdict without findings, and that what is not checked is the columns
// named, as in "hub record"; "city" alone is whole rows.
func (w *fileWorld) verdict(rows int64, unchecked ...string) *report.Report {
	w.t.Helper()
	got := w.compared()
	want := domain.Verified
	if len(unchecked) > 0 {
		want = domain.NotChecked
	}
	inHub, inDoris := sum(got, "").InHub, sum(got, "").InDoris
	if got.Verdict != want || inHub != rows || inDoris != rows || len(got.Findings) > 0 {
		w.t.Errorf("verdict %s: %s: %d rows in the hub, %d in Doris, %d findings, first %+v", got.Verdict, got.Why, inHub, inDoris, len(got.Findings), some(got.Findings))
	}
	var have []string
	for _, u := range got.Unchecked {
		have = append(have, strings.TrimSpace(u.Where+" "+u.Column))
		if u.Rows == 0 || u.Why == "" {
			w.t.Errorf("unchecked %+v", u)
		}
	}
	if !slices.Equal(have, unchecked) {
		w.t.Errorf("not checked are %q, want %q", have, unchecked)
	}
	return got
}

func some(list []report.Finding) []report.Finding { return list[:min(3, len(list))] }

// spoil alters the table by hand, and a compare must name as many rows of a column as that
// touched, or as lost where there is no column.
func (w *fileWorld) spoil(column, set, where string) {
	w.t.Helper()
	d := w.cfg.Pipelines[0].Doris
	db, err := sql.Open("mysql", "root@tcp("+d.MySQL[0]+")/ods?interpolateParams=true")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	hand, class := "DELETE FROM ods.ODS_QL_JC_SSJC", domain.Lost
	if set != "" {
		hand, class = "UPDATE ods.ODS_QL_JC_SSJC SET "+set, domain.Altered
	}
	var n int64
	if err := db.QueryRowContext(w.t.Context(), "SELECT count(*) FROM ods.ODS_QL_JC_SSJC WHERE "+where).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	if _, err := db.ExecContext(w.t.Context(), hand+" WHERE "+where); err != nil {
		w.t.Fatal(err)
	}
	got := w.compared()
	var found int64
	for _, f := range got.Findings {
		if f.Class == class && f.Where == "doris" && f.Column == column {
			found++
		}
	}
	if n == 0 || found != n || got.Verdict != domain.Diverged {
		w.t.Errorf("%s where %s: %d of %d found, verdict %s: %s: %+v", hand, where, found, n, got.Verdict, got.Why, some(got.Findings))
	}
}

// produce sends values to partition 0 of a topic.
func (c *town) produce(t *testing.T, topic string, values ...string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, v := range values {
		// One moment for all: rows of two topics are as alike as can be.
		r := &kgo.Record{Topic: topic, Value: []byte(v), Timestamp: time.UnixMilli(1_700_000_000_123)}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// ran moves what is there until the table has n rows.
func (w *fileWorld) ran(n int) {
	w.t.Helper()
	w.start()
	w.untilRows(n)
	w.end()
}

// Rows of five topics of one city have the same code, partition and offset, and in a hub of
// four partitions two of the topics share theirs: the journal says which is which, also where
// rows are the same in all they say.
func TestReconcileSeveralTopics(t *testing.T) {
	topics := []string{"A", "B", "C", "D", "E"}
	one := newTown(t, topics...)
	w := newFileWorld(t, one.source("north", "topics: [A, B, C, D, E]"))
	for _, topic := range topics {
		one.produce(t, topic, "the same", "of "+topic, "the same again", "and "+topic)
	}
	w.ran(20)
	w.verdict(20)
	w.spoil("record", "record = 'x'", "record = 'of E' OR record = 'of A'")
	w.spoil("", "", "record = 'and D'")
}

// A topic that is taken from an entry's list is read to where the journal came, and another
// source with the code of a removed one is another source.
func TestReconcileRemovedTopicAndCodeTwice(t *testing.T) {
	one := newTown(t, "A", "B", "C")
	w := newFileWorld(t, one.source("north", "topics: [A, B]"))
	for _, topic := range []string{"A", "B", "C"} {
		one.produce(t, topic, "the same", "of "+topic)
	}
	w.ran(4)
	w.write(one.source("north", "topics: [A]"))
	w.load()
	w.start()
	w.state("north/B", "ended")
	w.end()
	one.produce(t, "B", "more")
	w.verdict(4)
	w.write(strings.Replace(one.source("north", "topic: C"), "north", "north-two", 1))
	w.load()
	w.ran(6)
	w.verdict(6, "city", "city") // A and B
	w.spoil("record", "record = 'x'", "record = 'of C' OR record = 'of A'")
}

// A pattern's topics that are found and those that nobody reads yet.
func TestReconcilePattern(t *testing.T) {
	one := newTown(t, "QL_1", "QL_2", "other")
	w := newFileWorld(t, one.source("north", `topic_pattern: "QL_.*"`))
	one.feed(t, "QL_1", 0, 20)
	one.feed(t, "QL_2", 0, 30)
	one.feed(t, "other", 0, 10)
	w.ran(100)
	w.verdict(100)
	cl, err := kgo.NewClient(kgo.SeedBrokers(one.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 2, 1, nil, "QL_3"); err != nil {
		t.Fatal(err)
	}
	one.produce(t, "QL_3", "new")
	w.verdict(100)
}

// A city that is not in the file any more is not read; its rows in the hub are held against
// the journal and the table, and are nobody's strays.
func TestReconcileRemovedCity(t *testing.T) {
	one, two := newTown(t, "QL"), newTown(t, "QL")
	north, south := one.source("north", "topic: QL"), two.source("south", "topic: QL")
	w := newFileWorld(t, north, south)
	one.feed(t, "QL", 0, 20)
	two.feed(t, "QL", 0, 30)
	w.ran(100)
	w.write(north)
	got := w.verdict(100, "city")
	if got.Unchecked[0].Source != "south" || got.Unchecked[0].Rows != 60 {
		t.Errorf("%+v", got.Unchecked)
	}
	w.spoil("city_ts", "city_ts = '2001-01-01 00:00:00'", "sscsdm = '320200' AND city_offset_id = 3")
	w.spoil("record", "record = 'x'", "sscsdm = '320200' AND city_offset_id = 4")
	w.double(t)
	if got := w.compared(); count(got, domain.Doubled) != 1 {
		t.Errorf("doubled: %+v", got.Findings)
	}
}

// Records that the reconciler reads another way, and those that it does not.
func TestReconcileRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("the plain run does this")
	}
	for name, c := range map[string]struct {
		source    string
		unchecked []string
		odd       string
	}{
		"bytes":  {"type: BYTES", nil, "\xff\x00\x80"},
		"latin":  {"charset: ISO-8859-1", nil, "caf\xe9"},
		"gbk":    {"charset: GBK", []string{"hub record"}, "\xc4\xcf\xbe\xa9"},
		"json":   {"format: json, columns: [{name: record, type: STRING}, {name: n, type: BIGINT}]", []string{"hub record"}, `{"record":"b","n":2}`},
		"failed": {"format: json, columns: [{name: record, type: STRING}, {name: n, type: BIGINT}]", []string{"hub record"}, `{"record":"b"}`},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := newTown(t, "QL"), newTown(t, "QL")
			format := ""
			if name == "bytes" {
				format = "{columns: [" + sixColumns("BYTES", "TIMESTAMP(6)") + "]}"
			}
			w := newFileWorld(t, one.source("north", "topic: QL"))
			w.format(format)
			w.write(one.source("north", "topic: QL, "+c.source), two.source("south", "topic: QL, "+c.source))
			w.load()
			one.produce(t, "QL", `{"record":"a","n":1}`, c.odd, `{"record":"c","n":3}`)
			two.produce(t, "QL", `{"record":"d","n":1}`)
			w.ran(4)
			unchecked := c.unchecked
			if len(unchecked) > 0 {
				unchecked = append(slices.Clone(unchecked), unchecked...) // of both
			}
			w.verdict(4, unchecked...)
			w.spoil("record", "record = 'x'", "sscsdm = '320100' AND city_offset_id = 1")
			w.spoil("", "", "sscsdm = '320100' AND city_offset_id = 2")
		})
	}
}

// sixColumns are the usual ones, with other types of the record and the times.
func sixColumns(record, timestamp string) string {
	return fmt.Sprintf("{name: sscsdm, type: STRING, from: city}, {name: extract_time, type: %s, from: extract_time}, {name: record, type: %s, from: record}, "+
		"{name: city_partition_id, type: BIGINT, from: partition}, {name: city_offset_id, type: BIGINT, from: offset}, {name: city_ts, type: %s, from: timestamp}", timestamp, record, timestamp)
}

// format gives the hub a format; the sources are written anew.
func (w *fileWorld) format(format string) {
	if format != "" {
		w.head = strings.Replace(w.head, "progress_topic: progress", "progress_topic: progress, format: "+format, 1)
	}
}

// Other hub formats: what each column must be is known, or it is listed as not checked; rows
// that do not name their city row are found by the journal.
func TestReconcileHubFormats(t *testing.T) {
	whole(t)
	for name, c := range map[string]struct {
		format    string
		unchecked []string
	}{
		"iso":       {"{timestamp_format: ISO-8601}", nil},
		"instants":  {"{columns: [" + sixColumns("STRING", "TIMESTAMP_LTZ(3)") + "]}", nil},
		"seconds":   {"{timestamp_format: ISO-8601, columns: [" + sixColumns("STRING", "TIMESTAMP(0)") + "]}", nil},
		"as text":   {"{columns: [" + sixColumns("STRING", "STRING") + "]}", []string{"hub extract_time", "hub city_ts", "doris city_ts", "doris extract_time"}},
		"key":       {"{key: pass, headers: pass}", []string{"hub (key)", "hub (headers)"}},
		"names":     {"{ignore_null_fields: true, columns: [{name: a, type: STRING, from: city}, {name: b, type: TIMESTAMP(6), from: extract_time}, {name: c, type: STRING, from: record}, {name: d, type: INT, from: partition}, {name: e, type: STRING, from: offset}, {name: f, type: TIMESTAMP(3), from: timestamp}, {name: g, type: STRING, from: \"null\"}]}", nil},
		"no record": {"{columns: [{name: sscsdm, type: STRING, from: city}, {name: extract_time, type: TIMESTAMP(6), from: extract_time}, {name: city_partition_id, type: BIGINT, from: partition}, {name: city_offset_id, type: BIGINT, from: offset}]}", []string{"doris city_ts", "doris record"}},
		"no lineage": {"{columns: [{name: sscsdm, type: STRING, from: city}, {name: extract_time, type: TIMESTAMP(6), from: extract_time}, {name: record, type: STRING, from: record}, " +
			"{name: city_partition_id, type: BIGINT, from: \"null\"}, {name: city_offset_id, type: BIGINT, from: \"null\"}, {name: city_ts, type: TIMESTAMP(6), from: \"null\"}]}", []string{"hub sscsdm", "doris sscsdm", "doris city_partition_id", "doris city_offset_id", "doris city_ts"}},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := newTown(t, "QL"), newTown(t, "QL")
			north, south := one.source("north", "topic: QL"), two.source("south", "topic: QL")
			w := newFileWorld(t, north, south)
			w.format(c.format)
			w.write(north, south)
			w.load()
			one.feed(t, "QL", 0, 20)
			two.feed(t, "QL", 0, 30)
			one.produce(t, "QL", "one", "two")
			w.ran(102)
			w.verdict(102, c.unchecked...)
			at := "sscsdm = '320100' AND city_partition_id = 0 AND city_offset_id = "
			if !slices.Contains(c.unchecked, "doris record") {
				w.spoil("record", "record = 'x'", at+"3")
			}
			if !slices.Contains(c.unchecked, "doris city_ts") {
				w.spoil("city_ts", "city_ts = '2001-01-01 00:00:00'", at+"4")
			}
			w.spoil("hw_ts", "hw_ts = '2001-01-01 00:00:00'", at+"6")
			w.spoil("", "", at+"5")
		})
	}
}

// A city that was removed, where the hub does not name the rows of any: their number and the
// table's columns but for the city's are all that can be held against the journal.
func TestReconcileRemovedCityWithoutLineage(t *testing.T) {
	one, two := newTown(t, "QL"), newTown(t, "QL")
	north, south := one.source("north", "topic: QL"), two.source("south", "topic: QL")
	w := newFileWorld(t, north)
	w.format("{columns: [{name: record, type: STRING, from: record}, {name: extract_time, type: TIMESTAMP(6), from: extract_time}]}")
	w.write(north, south)
	w.load()
	one.feed(t, "QL", 0, 20)
	two.feed(t, "QL", 0, 20)
	w.ran(80)
	blind := []string{"doris sscsdm", "doris city_partition_id", "doris city_offset_id", "doris city_ts"}
	w.verdict(80, blind...)
	w.write(north)
	w.verdict(80, append([]string{"city"}, blind...)...)
	w.spoil("record", "record = 'x'", "city_partition_id = 1 AND city_offset_id = 4")
	w.spoil("", "", "sscsdm = '320100' AND city_offset_id = 5")
	w.double(t)
	if got := w.compared(); count(got, domain.Strayed) != 1 {
		t.Errorf("with a row that nobody sent: %+v", got.Findings)
	}
}

// A source that is read uncommitted: rows of aborted transactions are rows.
func TestReconcileUncommitted(t *testing.T) {
	one := newTown(t, "QL")
	w := newFileWorld(t, one.source("north", "topic: QL, isolation: read_uncommitted"))
	one.feed(t, "QL", 0, 20)
	w.ran(60)
	w.verdict(60)
	// Read committed for a while, then not.
	w.write(one.source("north", "topic: QL"))
	w.load()
	one.feed(t, "QL", 20, 10)
	w.ran(80)
	w.write(one.source("north", "topic: QL, isolation: read_uncommitted"))
	w.load()
	one.feed(t, "QL", 30, 10)
	w.ran(110)
	w.verdict(110)
	w.spoil("", "", "city_offset_id = 12")
}

// Rows beyond the end of a bounded source, and beyond where a paused one stands, are not read
// and not on their way; a paused city's rows below are compared.
func TestReconcileBoundedAndPaused(t *testing.T) {
	one, two := newTown(t, "QL"), newTown(t, "QL")
	north, south := one.source("north", "topic: QL, bounded: latest-offset"), two.source("south", "topic: QL")
	w := newFileWorld(t, north, south)
	one.feed(t, "QL", 0, 20)
	two.feed(t, "QL", 0, 20)
	w.ran(80)
	w.write(north, two.source("south", "topic: QL, paused: true"))
	one.feed(t, "QL", 20, 15)
	two.feed(t, "QL", 20, 10)
	got := w.verdict(80)
	if all := sum(got, ""); all.Pending+all.PendingDoris != 0 || covered(got, report.CityJournal).Verified != 80 {
		t.Errorf("%+v %+v", all, got.Coverage)
	}
	w.spoil("", "", "sscsdm = '320200' AND city_offset_id = 3")
}
