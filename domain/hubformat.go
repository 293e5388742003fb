package domain

// HubFormat says how a hub record is written. It is fixed for a pipeline's life. The words are
// those of Flink's JSON format (flink-contract.md §1.8).
type HubFormat struct {
	Columns    []Column // of the value, in this order
	Timestamps TimestampFormat
	IgnoreNull bool // json.encode.ignore-null-fields
	// DecimalAsPlain is json.encode.decimal-as-plain-number.
	DecimalAsPlain bool
	PassKey        bool // the city record's key is the hub record's; else it has none
	PassHeaders    bool // and so for headers
}

// TimestampFormat is json.timestamp-format.standard.
type TimestampFormat string

// The standards of Flink 2.2.
const (
	TimestampSQL TimestampFormat = "SQL"      // 2026-11-25 08:00:00.12, with a zone …12Z
	TimestampISO TimestampFormat = "ISO-8601" // 2026-11-25T08:00:00.12, with a zone …12Z
)

// Column is one column of the hub's value.
type Column struct {
	Name string
	Type string // Flink's SQL type, as in STRING, TIMESTAMP(6), TIMESTAMP_LTZ(3), BIGINT
	From From
	// Field is the declared column of a json source that is carried, with FromField only.
	Field string
	// Via is the type that a time had before Type, where that shows: TIMESTAMP(6) for
	// CAST(city_ts AS STRING) of a city_ts that was declared so. Empty: TIMESTAMP_LTZ(3),
	// which Kafka's timestamp and Flink's CURRENT_TIMESTAMP are.
	Via string
}

// From is where a column's value comes from.
type From string

// The sources of a column.
const (
	FromCity        From = "city"         // the source's city code
	FromExtractTime From = "extract_time" // when the row was journaled
	FromRecord      From = "record"       // the record's value
	FromPartition   From = "partition"    // the record's city coordinates
	FromOffset      From = "offset"
	FromTimestamp   From = "timestamp"
	FromField       From = "field" // a declared column of the record's JSON
	FromNull        From = "null"  // nothing: a column that the INSERT leaves out
)

// FlinkColumns are the six of the original job's hub table.
func FlinkColumns() []Column {
	return []Column{
		{Name: "sscsdm", Type: "STRING", From: FromCity},
		{Name: "extract_time", Type: "TIMESTAMP(6)", From: FromExtractTime},
		{Name: "record", Type: "STRING", From: FromRecord},
		{Name: "city_partition_id", Type: "BIGINT", From: FromPartition},
		{Name: "city_offset_id", Type: "BIGINT", From: FromOffset},
		{Name: "city_ts", Type: "TIMESTAMP(6)", From: FromTimestamp},
	}
}

// FlinkFormat is the original job's: Flink's JSON with its defaults, no key, no headers.
func FlinkFormat() HubFormat { return HubFormat{Columns: FlinkColumns(), Timestamps: TimestampSQL} }

// SourceFormat says how a source's records are read. It is fixed for a source's life. The zero
// value is raw UTF-8 text.
type SourceFormat struct {
	Kind    RecordFormat
	Charset string // raw.charset, as Java names it; empty: UTF-8
	// Binary says that a raw record is BYTES, written in base64; else it is STRING.
	Binary bool
	// Columns are what a json record is declared to hold.
	Columns       []Declared
	FailOnMissing bool            // json.fail-on-missing-field
	IgnoreErrors  bool            // json.ignore-parse-errors
	Timestamps    TimestampFormat // json.timestamp-format.standard; empty: SQL
}

// RecordFormat is Flink's format or value.format.
type RecordFormat string

// The formats in.
const (
	FormatRaw  RecordFormat = "raw" // also the empty one
	FormatJSON RecordFormat = "json"
)

// Declared is a column of a json source's table.
type Declared struct {
	Name string
	Type string // Flink's SQL type
}
