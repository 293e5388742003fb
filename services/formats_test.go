package services_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// sent is when the cities of these tests stamp their rows: 08:00:00.12 in China.
var sent = time.Date(2026, 11, 25, 0, 0, 0, 120_000_000, time.UTC)

// cityRecord is one record of a city, and what the hub and the table say of it: the column
// record in JSON, empty where the record does not read.
type cityRecord struct {
	source string
	value  []byte
	record string
}

// formatsWorld is one of sources whose records are read in different ways, each from a
// topic of one partition and with the id as its city.
type formatsWorld struct {
	*world
	offsets map[string]int64
	hub     map[string]string // by source and offset: the hub's value
	table   map[string]string // and the table's column record
	unread  []pipeline.Excluded
}

func newFormatsWorld(t *testing.T, sources map[string]config.Records) *formatsWorld {
	t.Helper()
	topics := []string{}
	for id := range sources {
		topics = append(topics, id)
	}
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "ODS"), kfake.SeedTopics(1, topics...))
	must(t, err)
	t.Cleanup(k.Close)
	w := &formatsWorld{worldOn(t, k.ListenAddrs()), map[string]int64{}, map[string]string{}, map[string]string{}, nil}
	p := &w.cfg.Pipelines[0]
	p.Sources = nil
	for id, r := range sources {
		s := config.DefaultSource()
		s.ID, s.City, s.Topic, s.Brokers, s.Records = id, id, id, w.kafka, r
		p.Sources = append(p.Sources, s)
	}
	return w
}

// send sends records to their cities and notes what must become of them.
func (w *formatsWorld) send(list []cityRecord) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(w.t, err)
	defer cl.Close()
	for _, r := range list {
		must(w.t, cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: r.source, Value: r.value, Timestamp: sent}).FirstErr())
		at := w.offsets[r.source]
		w.offsets[r.source]++
		if r.record == "" {
			w.unread = append(w.unread, pipeline.Excluded{
				Leg: domain.LegHub, Key: domain.PartitionKey{Source: domain.SourceID(r.source), Generation: 1}, Offset: at, Count: 1, Reason: domain.ExcludedUnreadable,
			})
			continue
		}
		key := fmt.Sprint(r.source, "/", at)
		w.table[key] = r.record
		w.hub[key] = fmt.Sprintf(`{"sscsdm":"%s","extract_time":"…","record":%s,"city_partition_id":0,"city_offset_id":%d,"city_ts":"2026-11-25 08:00:00.12"}`, r.source, r.record, at)
	}
}

// atHub reads the hub topic from its beginning to its end.
func (w *world) atHub() (out []*kgo.Record) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.ConsumeTopics("ODS"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	must(w.t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(w.t.Context(), "ODS")
	must(w.t, err)
	left := map[int32]int64{}
	for p, end := range ends["ODS"] {
		if end.Offset > 0 {
			left[p] = end.Offset
		}
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 60*time.Second)
	defer cancel()
	for len(left) > 0 {
		f := cl.PollFetches(ctx)
		must(w.t, f.Err())
		for _, r := range f.Records() {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
	}
	return out
}

var extractTime = regexp.MustCompile(`"extract_time":"\d{4}-\d\d-\d\d[ T][0-9:.]+"`)

// hubValue is a hub record's value without the time at which it was journaled.
func hubValue(r *kgo.Record) string {
	return extractTime.ReplaceAllString(string(r.Value), `"extract_time":"…"`)
}

var coordinates = regexp.MustCompile(`"sscsdm":"(\w+)".*"city_offset_id":(\d+)`)

// carried checks that hub and table hold every row once, and that the books list the rest.
func (w *formatsWorld) carried() {
	w.t.Helper()
	hub := map[string]string{}
	for _, r := range w.atHub() {
		at := coordinates.FindStringSubmatch(string(r.Value))
		if at == nil {
			w.t.Fatalf("hub row %d/%d: %s", r.Partition, r.Offset, r.Value)
		}
		hub[at[1]+"/"+at[2]] += hubValue(r)
	}
	if d := cmp.Diff(w.hub, hub); d != "" {
		w.t.Errorf("hub: %s", d)
	}
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	must(w.t, err)
	defer db.Close()
	rows, err := db.QueryContext(w.t.Context(), "SELECT sscsdm, city_offset_id, record FROM ods.ODS_QL_JC_SSJC")
	must(w.t, err)
	defer rows.Close()
	table := map[string]string{}
	for rows.Next() {
		var city, offset string
		var record sql.Null[[]byte]
		must(w.t, rows.Scan(&city, &offset, &record))
		text := []byte("null")
		if record.Valid {
			text = flink.AppendJSONString(nil, record.V)
		}
		table[city+"/"+offset] += string(text)
	}
	must(w.t, rows.Err())
	if d := cmp.Diff(w.table, table); d != "" {
		w.t.Errorf("table: %s", d)
	}
	b := w.books()
	byOffset := cmpopts.SortSlices(func(a, b pipeline.Excluded) bool { return a.Offset < b.Offset })
	if d := cmp.Diff(w.unread, b.Excluded, byOffset); d != "" || len(b.Findings) > 0 {
		w.t.Errorf("findings %v, left out: %s", b.Findings, d)
	}
}

// restarted sends more and more records, and stops the process now and then.
func (w *formatsWorld) restarted(list func(i int) []cityRecord) {
	w.t.Helper()
	for i := range 50 {
		w.send(list(i))
		if i%20 == 10 {
			w.end()
			w.start()
		}
	}
	w.untilRows(len(w.table))
	w.end()
	w.carried()
}

// Rows of four cities, each read in its own way, come into the hub and the table as text,
// once, over a restart under load; what does not read is in neither, and in the books, and
// what follows it goes on.
func TestFormatsToTable(t *testing.T) {
	w := newFormatsWorld(t, map[string]config.Records{
		"gbk":   {Format: "raw", Charset: "GBK"},
		"utf16": {Format: "raw", Charset: "UTF-16BE"},
		"json":  {Format: "json", Columns: []config.Declared{{Name: "record", Type: "STRING"}, {Name: "load", Type: "DOUBLE"}}},
		"utf8":  {Format: "raw"},
	})
	must(t, w.cfg.Validate())
	w.send([]cityRecord{
		{"gbk", []byte("\xC4\xCF\xBE\xA9 \"1\""), `"南京 \"1\""`},
		{"gbk", []byte("a\xFFb"), `"a�b"`},
		{"gbk", nil, "null"},
		{"utf16", []byte("\x00<\x53\x57\xD8\x3D\xDE\x00"), `"<南\uD83D\uDE00"`},
		{"utf16", []byte{}, `""`},
		{"json", []byte(`{"load":1.5,"record":"\u5357京\n"}`), `"南京\n"`},
		{"json", []byte(`"a text"`), ""},
		{"json", []byte(`{"record":{"a": [1, null]},"more":true}`), `"{\"a\":[1,null]}"`},
		{"json", []byte(`{"record":"x","load":"much"}`), ""},
		{"json", []byte(`{"load":2}`), "null"},
		{"utf8", []byte("南京 \xFF"), `"南京 �"`},
		{"utf8", []byte(`{"record":"as it is"}`), `"{\"record\":\"as it is\"}"`},
	})
	w.start()
	w.untilRows(len(w.table))
	w.restarted(func(i int) []cityRecord {
		return []cityRecord{
			{"json", []byte(`[`), ""},
			{"json", fmt.Appendf(nil, `{"record":%d}`, i), fmt.Sprintf(`"%d"`, i)},
			{"gbk", fmt.Appendf(nil, "\xCE\xDE\xCE\xFD %d", i), fmt.Sprintf(`"无锡 %d"`, i)},
		}
	})
}

// Records that are bytes are carried in base64, into a hub whose column is declared so.
func TestBytesToTable(t *testing.T) {
	w := newFormatsWorld(t, map[string]config.Records{
		"bytes": {Format: "raw", Type: "BYTES"},
		"json":  {Format: "json", Columns: []config.Declared{{Name: "record", Type: "BYTES"}}},
	})
	if w.cfg.Validate() == nil {
		t.Error("a hub column of STRING takes records of BYTES, which Flink's does not")
	}
	for _, c := range domain.FlinkColumns() {
		if c.From == domain.FromRecord {
			c.Type = "BYTES"
		}
		f := &w.cfg.Pipelines[0].Hub.Format
		f.Columns = append(f.Columns, config.Column{Name: c.Name, Type: c.Type, From: string(c.From)})
	}
	must(t, w.cfg.Validate())
	w.send([]cityRecord{
		{"bytes", []byte{0, 0xFF, 1}, `"AP8B"`},
		{"bytes", []byte{}, `""`},
		{"bytes", nil, "null"},
		{"json", []byte(`{"record":"AP8B"}`), `"AP8B"`},
		{"json", []byte(`{"record":"AP8B!"}`), ""},
		{"json", []byte(`{"record":null}`), "null"},
	})
	w.start()
	w.restarted(func(i int) []cityRecord {
		return []cityRecord{
			{"json", []byte(`{"record":{}}`), ""},
			{"bytes", []byte{0, 0, byte(i % 2)}, `"` + [2]string{"AAAA", "AAAB"}[i%2] + `"`},
		}
	})
}

// A hub whose rows are written in another way than the original's: times of ISO 8601, no
// fields for NULL, a column out of the record and one of nothing, the key and the headers.
func TestHubFormat(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.HubFormat)
		want   []string
		passes bool
	}{
		"as it can be": {
			func(f *config.HubFormat) {
				f.TimestampFormat, f.IgnoreNullFields, f.Key, f.Headers = "ISO-8601", true, config.FormatPass, config.FormatPass
			}, []string{
				`{"city":"json","extract_time":"…","record":"x","offset":0,"city_ts":"2026-11-25T08:00:00.12","utc":"2026-11-25T00:00:00.12Z","load":1.5}`,
				`{"city":"json","extract_time":"…","offset":1,"city_ts":"2026-11-25T08:00:00.12","utc":"2026-11-25T00:00:00.12Z","load":2.0}`,
				`{"city":"json","extract_time":"…","record":"y","offset":3,"city_ts":"2026-11-25T08:00:00.12","utc":"2026-11-25T00:00:00.12Z"}`,
			}, true,
		},
		"by default": {func(*config.HubFormat) {}, []string{
			`{"city":"json","extract_time":"…","record":"x","offset":0,"city_ts":"2026-11-25 08:00:00.12","utc":"2026-11-25 00:00:00.12Z","load":1.5,"none":null}`,
			`{"city":"json","extract_time":"…","record":null,"offset":1,"city_ts":"2026-11-25 08:00:00.12","utc":"2026-11-25 00:00:00.12Z","load":2.0,"none":null}`,
			`{"city":"json","extract_time":"…","record":"y","offset":3,"city_ts":"2026-11-25 08:00:00.12","utc":"2026-11-25 00:00:00.12Z","load":null,"none":null}`,
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFormatsWorld(t, map[string]config.Records{
				"json": {Format: "json", Columns: []config.Declared{{Name: "record", Type: "STRING"}, {Name: "load", Type: "DOUBLE"}}},
			})
			p := &w.cfg.Pipelines[0]
			p.Doris, p.Sources[0].Bounded = nil, string(domain.StopLatest)
			p.Hub.Format.Columns = []config.Column{
				{Name: "city", Type: "STRING", From: string(domain.FromCity)},
				{Name: "extract_time", Type: "TIMESTAMP(6)", From: string(domain.FromExtractTime)},
				{Name: "record", Type: "STRING", From: string(domain.FromRecord)},
				{Name: "offset", Type: "BIGINT", From: string(domain.FromOffset)},
				{Name: "city_ts", Type: "TIMESTAMP(6)", From: string(domain.FromTimestamp)},
				{Name: "utc", Type: "TIMESTAMP_LTZ(3)", From: string(domain.FromTimestamp)},
				{Name: "load", Type: "DOUBLE", From: string(domain.FromField), Field: "load"},
				{Name: "none", Type: "STRING", From: string(domain.FromNull)},
			}
			c.change(&p.Hub.Format)
			must(t, w.cfg.Validate())
			key, headers := []byte("k\xFF"), []kgo.RecordHeader{{Key: "trace", Value: []byte{0xFF}}, {Key: "trace"}}
			cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...))
			must(t, err)
			defer cl.Close()
			for _, value := range []string{`{"record":"x","load":1.5}`, `{"load":2}`, `no object`, `{"record":"y"}`} {
				must(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "json", Key: key, Headers: headers, Value: []byte(value), Timestamp: sent}).FirstErr())
			}
			w.runs()
			if !c.passes {
				key, headers = nil, nil
			}
			var got []string
			for _, r := range w.atHub() {
				got = append(got, hubValue(r))
				if d := cmp.Diff(key, r.Key) + cmp.Diff(headers, r.Headers, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("key or headers: %s", d)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("hub: %s", d)
			}
			b := w.books()
			if len(b.Findings) > 0 || len(b.Excluded) != 1 || b.Excluded[0].Offset != 2 || b.Excluded[0].Reason != domain.ExcludedUnreadable {
				t.Errorf("findings %v, left out %+v", b.Findings, b.Excluded)
			}
		})
	}
}
