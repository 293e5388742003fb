package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// simple reads a value as encoding/json does: the last of each name.
func simple(f *Format, value []byte) string {
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(value, &columns); err != nil || columns == nil {
		return "broken"
	}
	d := newDecoder(f)
	d.begin()
	for at := range f.fields {
		raw, has := columns[f.fields[at].name]
		if has && d.take(at, &f.fields[at], raw) != "" {
			return "broken"
		}
	}
	return said(d)
}

// twice reports whether an object has a name twice: then one that is broken makes the row so.
func twice(value []byte) bool {
	in, seen := json.NewDecoder(bytes.NewReader(value)), map[json.Token]bool{}
	_, _ = in.Token()
	for in.More() {
		name, err := in.Token()
		var raw json.RawMessage
		if err != nil || in.Decode(&raw) != nil || seen[name] {
			return err == nil
		}
		seen[name] = true
	}
	return false
}

// said is what a decoder has read.
func said(d *decoder) string {
	out := fmt.Sprintf("%b %q", d.null, d.filled)
	for col, b := range d.bounds {
		if !d.null.Has(col) {
			out += fmt.Sprintf(" %d=%q", col, d.text[b[0]:b[1]])
		}
	}
	return out
}

// FuzzHubRow: the fast way says what the slow way says, and that what encoding/json says of the whole.
func FuzzHubRow(f *testing.F) {
	for _, seed := range []string{
		`{"sscsdm":"320100","extract_time":"2024-05-01 12:00:00.12","record":"{\"a\":1,\"b\":\"合\"}","city_partition_id":0,"city_offset_id":12,"city_ts":"2024-05-01 12:00:00","load":null}`,
		` {"record" : "\ud83c\udc04\u00e9\ud800" , "load":1, "x":{"y":[]}, "record":null}`, `{"city_offset_id":-12e3,"city_ts":"x"}`, `{}`, `{"a":"\"}`, `[1]`, ``, `{"sscsdm":true}`,
		`{"x":-0.5e+10,"y":0,"z":1E9,"more":"\u00e9合\"","load":"\n"}`, `{"x":01}`, `{"x":1.}`, `{"x":-}`, `{"x":1e}`, `{"x":+1}`,
	} {
		f.Add([]byte(seed))
	}
	flink := domain.FlinkFormat()
	flink.Columns = append(flink.Columns, domain.Column{Name: "load", Type: "STRING", From: domain.FromNull})
	formats := []*Format{NewFormat(&flink, china(f), tableDigits(), false), NewFormat(&flink, china(f), tableDigits(), true)}
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, format := range formats {
			d := newDecoder(format)
			d.begin()
			quick := "slow"
			if d.fast(value) {
				quick = said(d)
			}
			d.begin()
			full := "broken"
			if d.slow(value) == "" {
				full = said(d)
			}
			if quick != "slow" && quick != full {
				t.Fatalf("fast: %s\nslow: %s", quick, full)
			}
			if want := simple(format, value); full != want && (full != "broken" || !twice(value)) {
				t.Fatalf("%t: %s\nencoding/json: %s", format.direct, full, want)
			}
		}
	})
}

// TestReadsWhatIsWritten: rows that the movers write, read here: each column is what it was. Where the two do not agree, one
// is wrong: every such row would be a finding.
func TestReadsWhatIsWritten(t *testing.T) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Asia/Shanghai", "America/New_York", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		format := domain.FlinkFormat()
		if rapid.Bool().Draw(t, "iso") {
			format.Timestamps = domain.TimestampISO
		}
		format.IgnoreNull = rapid.Bool().Draw(t, "ignore null")
		format.Columns[5].Type = rapid.SampledFrom([]string{"TIMESTAMP(6)", "TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "TIMESTAMP(1)", "TIMESTAMP(0)", "TIMESTAMP_LTZ(9)"}).Draw(t, "type")
		format.Columns[3].Type = rapid.SampledFrom([]string{"BIGINT", "STRING", "INT"}).Draw(t, "number")
		row := flink.Row{
			City: "320100", CityPartition: rapid.Int32().Draw(t, "partition"), CityOffset: rapid.Int64().Draw(t, "offset"),
			CityTimestamp: rapid.Int64Range(-62_135_596_800_000+86_400_000, 400_000_000_000_000).Draw(t, "ms"), // from year 1 to beyond 9999
			ExtractTime:   rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, "us"),
		}
		if row.CityTimestamp < 86_400_000 { // Flink cuts digits off towards 1970
			format.Columns[5].Type = "TIMESTAMP(3)"
		}
		if rapid.Bool().Draw(t, "record") {
			row.Record = []byte(rapid.String().Draw(t, "text"))
		}
		e, err := flink.NewHubEncoder(format, domain.SourceFormat{}, zone)
		if err != nil {
			t.Fatal(err)
		}
		f := NewFormat(&format, zone, DefaultDigits(), false)
		value := e.Append(nil, &row)
		d := newDecoder(f)
		d.begin()
		if !d.fast(value) {
			t.Fatalf("%s is not read fast", value)
		}
		var got HubRow
		newDecoder(f).row(0, &record{value: value}, &got)
		text := func(at time.Time, digits int) string {
			s := at.In(zone).Format("2006-01-02 15:04:05.000000")
			if at.In(zone).Year() > 9999 {
				s = "+" + s
			}
			if digits == 0 {
				return s[:len(s)-7]
			}
			return s[:len(s)-6+digits]
		}
		want := [proof.Columns]string{
			"320100", fmt.Sprint(row.CityPartition), fmt.Sprint(row.CityOffset), text(time.UnixMilli(row.CityTimestamp), f.Digits()[proof.CityTime]),
			"0", "0", text(time.UnixMilli(0), 6), text(time.UnixMicro(row.ExtractTime), 6), string(row.Record),
		}
		if got.Broken != "" || got.Text != want || got.Null.Has(proof.Record) != (row.Record == nil) {
			t.Fatalf("%s\ngot  %q %s\nwant %q", value, got.Text, got.Broken, want)
		}
	})
}

func rowOf(n int) []byte {
	return fmt.Appendf(nil, `{"sscsdm":"320100","extract_time":"2024-05-01 12:00:00.123456","record":"{\"id\":%d,\"name\":\"plain text of a row\",\"at\":\"2024-05-01\",\"n\":17.5}","city_partition_id":3,"city_offset_id":%d,"city_ts":"2024-05-01 12:00:00.12"}`, n, n)
}

// BenchmarkHubRow: a record of some 230 bytes to a row, and to a row with its digest.
func BenchmarkHubRow(b *testing.B) {
	for _, digest := range []bool{false, true} {
		b.Run(fmt.Sprintf("digest=%t", digest), func(b *testing.B) {
			d := newDecoder(flinkFormat(b, false))
			r := record{timestamp: 1_700_000_000_123, value: rowOf(1234567)}
			var row HubRow
			b.ReportAllocs()
			b.SetBytes(int64(len(r.value)))
			for b.Loop() {
				r.offset++
				d.row(3, &r, &row)
				if row.Broken != "" {
					b.Fatal(row.Broken)
				}
				if digest {
					_ = proof.Digest(&row.Row, proof.All)
				}
			}
		})
	}
}
