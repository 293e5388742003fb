package target

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

func china(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func tableDigits() Digits {
	return Digits{proof.CityTime: 3, proof.HubTime: 3, proof.ExtractTime: 6}
}

func flinkFormat(t testing.TB, direct bool) *Format {
	t.Helper()
	f := domain.FlinkFormat()
	return NewFormat(&f, china(t), tableDigits(), direct)
}

func read(f *Format, value string) *HubRow {
	var row HubRow
	r := record{offset: 41, timestamp: 1_700_000_000_123, value: []byte(value)}
	newDecoder(f).row(3, &r, &row)
	return &row
}

// shown is a row for people: NULL for what is NULL.
func shown(r *HubRow) string {
	if r.Broken != "" {
		return "broken: " + r.Broken
	}
	out := make([]string, proof.Columns)
	for col := range out {
		if out[col] = r.Text[col]; r.Null.Has(col) {
			out[col] = "NULL"
		}
	}
	return strings.Join(out, "|")
}

// TestHubRow: what rows say, in the forms that JSON allows, and what is no row.
func TestHubRow(t *testing.T) {
	const (
		hub  = "|3|41|2023-11-15 06:13:20.123|"
		none = "broken: it is no JSON object"
	)
	for value, want := range map[string]string{
		`{"sscsdm":"320100","extract_time":"2024-05-01 12:00:00.12","record":"a\"\\\/\b\f\n\r\t\u5408\ud83c\udc04合","city_partition_id":0,"city_offset_id":9223372036854775807,"city_ts":"1970-01-01 07:59:59.999"}`: "320100|0|9223372036854775807|1970-01-01 07:59:59.999" + hub + "2024-05-01 12:00:00.120000|a\"\\/\b\f\n\r\t合🀄合",
		" {\"city_ts\" : \"2024-05-01 12:00:00\"\n,\"record\":\t\"\",\"extract_time\":\"9999-12-31 23:59:59.999999\", \"city_offset_id\":-7 ,\"sscsdm\":\"3\",\"city_partition_id\":12} ":                            "3|12|-7|2024-05-01 12:00:00.000" + hub + "9999-12-31 23:59:59.999999|",
		`{}`: "NULL|NULL|NULL|NULL" + hub + "NULL|NULL",
		`{"record":null,"more":{"a":[1,"}"]},"again":"x","again":1.5e3,"sscsdm":"1"}`: "1|NULL|NULL|NULL" + hub + "NULL|NULL",
		`{"record":"\ud800\u0041"}`:              "NULL|NULL|NULL|NULL" + hub + "NULL|\uFFFDA",
		`{"record":"\ud800x"}`:                   "NULL|NULL|NULL|NULL" + hub + "NULL|\uFFFDx",
		"{\"record\":\"\xff\"}":                  "NULL|NULL|NULL|NULL" + hub + "NULL|\uFFFD",
		`{"record":"\u0000"}`:                    "NULL|NULL|NULL|NULL" + hub + "NULL|\x00",
		`{"rec\u006frd":"r"}`:                    "NULL|NULL|NULL|NULL" + hub + "NULL|r",
		`{"city_ts":"+10000-01-01 07:59:59.99"}`: "NULL|NULL|NULL|+10000-01-01 07:59:59.990" + hub + "NULL|NULL",
		`{"city_ts":"2024-05-01 12:00:00.120"}`:  "NULL|NULL|NULL|" + misformed + "2024-05-01 12:00:00.120" + hub + "NULL|NULL",
		`{"city_ts":"2024-05-01T12:00:00"}`:      "NULL|NULL|NULL|" + misformed + "2024-05-01T12:00:00" + hub + "NULL|NULL",
		`{"record":"a","record":"b"}`:            "broken: column record is there twice",
		`{"record":1}`:                           "broken: column record is of another type",
		`{"city_offset_id":"1"}`:                 "broken: column city_offset_id is of another type",
		`{"city_offset_id":1.0}`:                 "broken: column city_offset_id is of another type",
		`{"city_offset_id":9223372036854775808}`: "broken: column city_offset_id is of another type",
		`{"city_offset_id":-0}`:                  "broken: column city_offset_id is of another type",
		`{"city_offset_id":01}`:                  none,
		`{"record":"a"}{}`:                       none,
		`{"record":"a",}`:                        none,
		`{"record":"a"`:                          none,
		"{\"record\":\"a\nb\"}":                  none,
		`{"record":"\x"}`:                        none,
		`[]`:                                     none,
		`null`:                                   none,
		``:                                       none,
	} {
		if got := shown(read(flinkFormat(t, false), value)); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", value, got, want)
		}
	}
	var row HubRow
	newDecoder(flinkFormat(t, false)).row(3, &record{offset: 41}, &row)
	if row.Broken != "it has no value" || row.Null != proof.All&^proof.MaskOf(proof.HubPartition, proof.HubOffset, proof.HubTime) {
		t.Errorf("%+v", row)
	}
	d := newDecoder(flinkFormat(t, false))
	for _, ms := range []int64{1_700_000_000_123, 1_700_000_000_123, 0, -1, 253_402_300_800_000} {
		d.row(3, &record{timestamp: ms}, &row)
		if want := time.UnixMilli(ms).In(china(t)).Format("2006-01-02 15:04:05.000"); strings.TrimPrefix(row.Text[proof.HubTime], "+") != want {
			t.Errorf("%d: %q, want %q", ms, row.Text[proof.HubTime], want)
		}
	}
	quick := newDecoder(flinkFormat(t, false))
	if !quick.fast([]byte(`{"x":-0.5e+10,"y":0,"z":"合\"","w":false,"record":"r"}`)) {
		t.Error("columns of others are read slowly")
	}
	row = *read(flinkFormat(t, false), `{"sscsdm":"320100","city_partition_id":7,"city_offset_id":5}`)
	if row.City != "320100" || row.CityPartition != 7 || row.CityOffset != 5 || row.Offset != 41 || row.Hub.Timestamp != 1_700_000_000_123 || row.Unplaced {
		t.Errorf("%+v", row)
	}
}

// TestFormats: what a format leaves out is not in its mask, and what is in a form that nobody knows here is named.
func TestFormats(t *testing.T) {
	all := domain.FlinkColumns()
	with := func(change func(*domain.HubFormat)) *Format {
		f := domain.FlinkFormat()
		f.Columns = append([]domain.Column{}, all...)
		change(&f)
		return NewFormat(&f, china(t), tableDigits(), false)
	}
	const hubs = proof.Mask(1<<proof.HubPartition | 1<<proof.HubOffset | 1<<proof.HubTime)
	const places = proof.Mask(1<<proof.City | 1<<proof.CityPartition | 1<<proof.CityOffset)
	for name, c := range map[string]struct {
		change func(*domain.HubFormat)
		mask   proof.Mask
		others string
		value  string
		want   string
	}{
		"as it is": {func(*domain.HubFormat) {}, proof.All, "[]", `{"sscsdm":"3"}`, "3|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|NULL|NULL"},
		"no lineage": {func(f *domain.HubFormat) {
			f.Columns = f.Columns[:3]
			f.PassKey, f.PassHeaders = true, true
		}, hubs | 1<<proof.ExtractTime | 1<<proof.Record, "[sscsdm (key) (headers)]", `{"sscsdm":"3","record":"r"}`, "NULL|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|NULL|r"},
		"numbers in texts, other names": {func(f *domain.HubFormat) {
			f.Columns[3].Type, f.Columns[4].Type, f.Columns[4].Name = "STRING", "VARCHAR(20)", `o"f`
		}, proof.All, "[]", `{"sscsdm":"3","o\"f":"12","city_partition_id":"0"}`, "3|0|12|NULL|3|41|2023-11-15 06:13:20.123|NULL|NULL"},
		"a number in a text that is none": {func(f *domain.HubFormat) { f.Columns[3].Type = "STRING" }, proof.All, "[]", `{"city_partition_id":"+5"}`, "broken: column city_partition_id is of another type"},
		"times in texts and numbers": {func(f *domain.HubFormat) {
			f.Columns[1].Type, f.Columns[5].Type = "BIGINT", "STRING"
		}, proof.All &^ (1<<proof.ExtractTime | 1<<proof.CityTime), "[extract_time city_ts]", `{"extract_time":5}`, "NULL|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|NULL|NULL"},
		"UTC, ISO, few digits": {func(f *domain.HubFormat) {
			f.Columns[1].Type, f.Columns[5].Type, f.Timestamps = "TIMESTAMP_LTZ(3)", "timestamp(1)", domain.TimestampISO
		}, proof.All, "[]", `{"extract_time":"2024-02-29T23:00:00.12Z","city_ts":"2024-05-01T12:00:00.5"}`, "NULL|NULL|NULL|2024-05-01 12:00:00.5|3|41|2023-11-15 06:13:20.123|2024-03-01 07:00:00.120|NULL"},
		"UTC, a day that there is not": {func(f *domain.HubFormat) { f.Columns[1].Type = "TIMESTAMP_LTZ(3)" }, proof.All, "[]", `{"extract_time":"2024-02-30 23:00:00Z"}`, "NULL|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|" + misformed + "2024-02-30 23:00:00Z|NULL"},
		"a field of json": {func(f *domain.HubFormat) {
			f.Columns[2] = domain.Column{Name: "record", Type: "STRING", From: domain.FromField, Field: "record"}
			f.Columns = append(f.Columns, domain.Column{Name: "jcsj", Type: "STRING", From: domain.FromField, Field: "jcsj"}, domain.Column{Name: "again", Type: "STRING", From: domain.FromCity})
		}, proof.All, "[jcsj again]", `{"record":"r","jcsj":"x","again":"y"}`, "NULL|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|NULL|r"},
		"a field of json that is a number": {func(f *domain.HubFormat) {
			f.Columns[2] = domain.Column{Name: "record", Type: "BIGINT", From: domain.FromField, Field: "record"}
		}, hubs | places | 1<<proof.CityTime | 1<<proof.ExtractTime, "[record]", `{"record":1}`, "NULL|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|NULL|NULL"},
	} {
		f := with(c.change)
		if f.Mask() != c.mask || fmt.Sprint(f.Others()) != c.others || f.Unplaced() != (name == "no lineage") {
			t.Errorf("%s: %b %v %t", name, f.Mask(), f.Others(), f.Unplaced())
		}
		if got := shown(read(f, c.value)); got != c.want {
			t.Errorf("%s\ngot  %q\nwant %q", name, got, c.want)
		}
	}
	nulls := with(func(f *domain.HubFormat) {
		f.Columns = append(f.Columns, domain.Column{Name: "load", Type: "STRING", From: domain.FromNull})
	})
	for value, want := range map[string]string{`{"load":null}`: "", `{}`: "", `{"load":"x"}`: "load", `{"load":{"a":[]}}`: "load", `{"load":0}`: "load"} {
		if got := read(nulls, value); got.Filled != want || got.Broken != "" {
			t.Errorf("%s: %q %q", value, got.Filled, got.Broken)
		}
	}
	if d := with(func(f *domain.HubFormat) { f.Columns[1].Type = "TIMESTAMP(3)" }).Digits(); d != (Digits{proof.CityTime: 3, proof.HubTime: 3, proof.ExtractTime: 3}) {
		t.Errorf("digits %v", d)
	}
}

// TestDirectRows: what others wrote into the hub, as Flink reads it and Doris rounds it.
func TestDirectRows(t *testing.T) {
	f := flinkFormat(t, true)
	for text, want := range map[string]string{
		"2024-05-01 12:00:00":            "2024-05-01 12:00:00.000",
		"2024-05-01 12:00:00.120":        "2024-05-01 12:00:00.120",
		"2024-05-01T12:00:00.123456789":  "2024-05-01 12:00:00.123",
		"2024-05-01T12:00:00.1235":       "2024-05-01 12:00:00.124",
		"2024-12-31 23:59:59.9995":       "2025-01-01 00:00:00.000",
		"2024-05-01 04:00:00.120Z":       "2024-05-01 12:00:00.120",
		"2024-05-01T23:00:00Z":           "2024-05-02 07:00:00.000",
		"2024-05-01 12:00:00.5-01:30":    "2024-05-01 21:30:00.500",
		"1988-07-01 00:00:00Z":           "1988-07-01 09:00:00.000", // summer time
		"1986-05-04 02:30:00":            "1986-05-04 02:30:00.000", // an hour that the zone passed over
		"0000-01-01 00:00:00":            "0000-01-01 00:00:00.000",
		"9999-12-31 23:59:59.999":        "9999-12-31 23:59:59.999",
		"9999-12-31T16:00:00Z":           "", // the year 10000 in China
		"9999-12-31 23:59:59.9995":       "",
		"+10000-01-01 07:59:59.999":      "",
		"-0007-01-01 00:00:00":           "",
		"2024-02-30 00:00:00":            "",
		"2024-05-01":                     "",
		"2024-05-01 12:00":               "",
		"2024-05-01 24:00:00":            "",
		"2024-05-01 12:00:60":            "",
		"2024-05-01_12:00:00":            "",
		"2024-05-01 12:00:00.":           "",
		"2024-05-01 12:00:00.1234567890": "",
		"2024-05-01 12:00:00 Z":          "",
		"2024-05-01 12:00:00Zx":          "",
		"2024-05-01 12:00:00+08":         "",
		" 2024-05-01 12:00:00":           "",
		"":                               "",
	} {
		value, err := json.Marshal(map[string]string{"city_ts": text})
		if err != nil {
			t.Fatal(err)
		}
		got := read(f, string(value))
		if want == "" && got.Broken != "column city_ts is no time that a DATETIME holds" || want != "" && (got.Broken != "" || got.Text[proof.CityTime] != want) {
			t.Errorf("%q: %q, %s; want %q", text, got.Text[proof.CityTime], got.Broken, want)
		}
	}
	if got := shown(read(f, `{"record":"a","sscsdm":"1","record":"b","sscsdm":null}`)); got != "NULL|NULL|NULL|NULL|3|41|2023-11-15 06:13:20.123|NULL|b" {
		t.Error(got)
	}
}
