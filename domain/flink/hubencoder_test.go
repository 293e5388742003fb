package flink

import (
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// TestHubColumnsAreChecked: what a format cannot be is said when its encoder is made.
func TestHubColumnsAreChecked(t *testing.T) {
	json := domain.SourceFormat{Kind: domain.FormatJSON, Columns: []domain.Declared{{Name: "n", Type: "INT"}, {Name: "d", Type: "DECIMAL(10, 2)"}, {Name: "record", Type: "BYTES"}, {Name: "bad", Type: "ROW<a INT>"}}}
	for _, c := range []struct {
		column domain.Column
		source domain.SourceFormat
		want   string
	}{
		{domain.Column{Name: "x", Type: "STRIN", From: domain.FromCity}, json, `hub column x: type "STRIN": allowed: STRING, CHAR(n), VARCHAR(n),`},
		{domain.Column{Name: "x", Type: "TIMESTAMP(10)", From: domain.FromTimestamp}, json, `hub column x: type "TIMESTAMP(10)": a time has 0 to 9 digits of a second`},
		{domain.Column{Name: "x", Type: "DECIMAL(39, 1)", From: domain.FromNull}, json, `a DECIMAL has 1 to 38 digits`},
		{domain.Column{Name: "x", Type: "DECIMAL(3, 4)", From: domain.FromNull}, json, `a DECIMAL has 1 to 38 digits`},
		{domain.Column{Name: "x", Type: "VARCHAR(0)", From: domain.FromCity}, json, `a length is at least 1`},
		{domain.Column{Name: "x", Type: "INT(3)", From: domain.FromCity}, json, `type "INT(3)": allowed: `},
		{domain.Column{Name: "x", Type: "ARRAY<INT>", From: domain.FromNull}, json, `type "ARRAY<INT>": allowed: `},
		{domain.Column{Name: "x", Type: "BIGINT", From: domain.FromCity}, json, "hub column x of type BIGINT cannot be from city; allowed: [STRING]"},
		{domain.Column{Name: "x", Type: "INT", From: domain.FromOffset}, json, "hub column x of type INT cannot be from offset; allowed: [BIGINT STRING]"},
		{domain.Column{Name: "x", Type: "DATE", From: domain.FromTimestamp}, json, "hub column x of type DATE cannot be from timestamp; allowed: [TIMESTAMP TIMESTAMP_LTZ STRING BIGINT]"},
		{domain.Column{Name: "x", Type: "INT", From: "hub"}, json, `hub column x is from "hub"; allowed: city, extract_time,`},
		{domain.Column{Name: "x", Type: "BYTES", From: domain.FromRecord}, domain.SourceFormat{}, "hub column x: type BYTES, the record is STRING; allowed: STRING"},
		{domain.Column{Name: "x", Type: "STRING", From: domain.FromRecord}, domain.SourceFormat{Binary: true}, "hub column x: type STRING, the record is BYTES; allowed: BYTES"},
		{domain.Column{Name: "x", Type: "STRING", From: domain.FromRecord}, json, "hub column x: type STRING, the record is BYTES; allowed: BYTES"},
		{domain.Column{Name: "x", Type: "STRING", From: domain.FromRecord}, domain.SourceFormat{Kind: domain.FormatJSON, Columns: json.Columns[:1]}, "hub column x: the source's json declares no column record"},
		{domain.Column{Name: "x", Type: "INT", From: domain.FromField, Field: "m"}, json, `hub column x: field "m" is not declared by the source, whose format is json`},
		{domain.Column{Name: "x", Type: "INT", From: domain.FromField, Field: "m"}, domain.SourceFormat{}, `hub column x: field "m" is not declared by the source, whose format is raw`},
		{domain.Column{Name: "x", Type: "SMALLINT", From: domain.FromField, Field: "n"}, json, "hub column x: type SMALLINT, field n is declared INT; allowed: INT, or a wider number"},
		{domain.Column{Name: "x", Type: "DECIMAL(11, 2)", From: domain.FromField, Field: "d"}, json, "hub column x: type DECIMAL(11, 2), field d is declared DECIMAL(10, 2); allowed: DECIMAL(10, 2)"},
		{domain.Column{Name: "x", Type: "STRING", From: domain.FromField, Field: "bad"}, json, `hub column x: field bad: type "ROW<a INT>": allowed: `},
		{domain.Column{Name: "x", Type: "STRING", From: domain.FromTimestamp, Via: "DATE"}, json, "hub column x: in between is DATE; allowed: TIMESTAMP(p), TIMESTAMP_LTZ(p)"},
		{domain.Column{Name: "x", Type: "TIMESTAMP(3)", From: domain.FromTimestamp, Via: "TIMESTAMP(6)"}, json, "a type in between (TIMESTAMP(6)) is for a time in a STRING or a BIGINT"},
		{domain.Column{Name: "x", Type: "STRING", From: domain.FromTimestamp, Via: "TIMESTAMP(x)"}, json, `hub column x: in between: type "TIMESTAMP(x)": allowed: `},
	} {
		_, err := NewHubEncoder(domain.HubFormat{Columns: []domain.Column{c.column}}, c.source, time.UTC)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.column, err, c.want)
		}
	}
	twice := domain.Column{Name: "x", Type: "STRING", From: domain.FromCity}
	for want, f := range map[string]domain.HubFormat{
		"the hub's value has no columns":                 {},
		"hub column x is there twice":                    {Columns: []domain.Column{twice, twice}},
		`timestamp format "RFC": allowed: SQL, ISO-8601`: {Columns: []domain.Column{twice}, Timestamps: "RFC"},
	} {
		if err := CheckHub(f); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestSourceFormatsAreChecked: so is what a source's format cannot be.
func TestSourceFormatsAreChecked(t *testing.T) {
	columns := []domain.Declared{{Name: "a", Type: "INT"}}
	for want, f := range map[string]domain.SourceFormat{
		`record format "avro": allowed: raw, json`:                                                      {Kind: "avro"},
		"fail_on_missing_field and ignore_parse_errors exclude each other, as in Flink":                 {Kind: domain.FormatJSON, Columns: columns, FailOnMissing: true, IgnoreErrors: true},
		"a json source declares no columns":                                                             {Kind: domain.FormatJSON},
		"column a is declared twice":                                                                    {Kind: domain.FormatJSON, Columns: append(columns, columns...)},
		`timestamp format "RFC": allowed: SQL, ISO-8601`:                                                {Kind: domain.FormatJSON, Columns: columns, Timestamps: "RFC"},
		"column record is INT; allowed: STRING, BYTES, since it is the record of the hub and the table": {Kind: domain.FormatJSON, Columns: []domain.Declared{{Name: "record", Type: "INT"}}},
	} {
		if err := CheckSource(f); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := CheckSource(domain.SourceFormat{}); err != nil {
		t.Errorf("the zero format is raw text: %v", err)
	}
}

// TestSQLTypes: synonyms and defaults are Flink's.
func TestSQLTypes(t *testing.T) {
	for text, want := range map[string]string{
		"string": "STRING", "varchar(10)": "STRING", " char ( 3 ) ": "STRING", "Integer": "INT", "double precision": "DOUBLE", "dec": "DECIMAL(10, 0)",
		"NUMERIC(5)": "DECIMAL(5, 0)", "decimal( 5 , 2 )": "DECIMAL(5, 2)", "varbinary(4)": "BYTES", "timestamp": "TIMESTAMP(6)", "time": "TIME(0)",
		"TIMESTAMP(3) WITHOUT TIME ZONE": "TIMESTAMP(3)", "timestamp(3) with local time zone": "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ": "TIMESTAMP_LTZ(6)",
	} {
		if got, err := ParseSQLType(text); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "INT NOT NULL", "TIMESTAMP(", "TIMESTAMP(3", "TIMESTAMP(3) WITH TIME ZONE", "DECIMAL(1,2,3)", "TIME(10)", "BYTES(3)", "VARCHAR(99999999999999999999)"} {
		if got, err := ParseSQLType(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// TestEmptyRow: without a column that has a value there is an empty object.
func TestEmptyRow(t *testing.T) {
	for ignore, want := range map[bool]string{true: "before{}", false: `before{"a":null,"b\"":null}`} {
		f := domain.HubFormat{Columns: []domain.Column{{Name: "a", Type: "INT", From: domain.FromNull}, {Name: `b"`, Type: "STRING", From: domain.FromNull}}, IgnoreNull: ignore}
		e, err := NewHubEncoder(f, domain.SourceFormat{}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Append([]byte("before"), &Row{}); string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestHubEncoderAllocatesNothing, also where the hour changes with each row.
func TestHubEncoderAllocatesNothing(t *testing.T) {
	for name, record := range benchRecords() {
		e := flinkEncoder(t)
		row := Row{City: "320100", Record: record, ExtractTime: 1714536000120000}
		dst := make([]byte, 0, len(e.Append(nil, &row))+20)
		if allocs := testing.AllocsPerRun(100, func() {
			row.ExtractTime += time.Hour.Microseconds()
			e.Append(dst, &row)
		}); allocs != 0 {
			t.Errorf("%s: %v allocations a row", name, allocs)
		}
	}
}

func flinkEncoder(t testing.TB) *HubEncoder {
	t.Helper()
	e, err := NewHubEncoder(domain.FlinkFormat(), domain.SourceFormat{}, loadZone(t, "Asia/Shanghai"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// BenchmarkHubEncoder writes the original's columns; compare BenchmarkAppendHubJSON, which
// knows them by heart.
func BenchmarkHubEncoder(b *testing.B) {
	for name, record := range benchRecords() {
		b.Run(name, func(b *testing.B) {
			e := flinkEncoder(b)
			row := Row{City: "320100", ExtractTime: 1714536000120000, Record: record, CityOffset: 1_000_000, CityTimestamp: 1714536000000}
			dst := make([]byte, 0, 16<<10)
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			for b.Loop() {
				row.CityOffset++
				row.CityTimestamp++
				dst = e.Append(dst[:0], &row)
			}
		})
	}
}
