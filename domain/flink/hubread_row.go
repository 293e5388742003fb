package flink

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// ExcludedNoHubRow is why a direct pipeline leaves a record out; Detail says what is wrong
// with it.
const ExcludedNoHubRow = "not a row of the hub's format"

// HubRow is what the value of a hub record says. nil is NULL: the original job leaves its
// lineage columns so, and a column that is missing is read like one that is null.
type HubRow struct {
	City, Record  []byte // text
	Extract       []byte // as a DATETIME of Doris takes it, on the wall clock of the pipeline's zone
	CityPartition *int64
	CityOffset    *int64
	CityTime      []byte // like Extract

	partition, offset int64
}

// HubReader reads the values of hub records, as Flink's JSON format writes them (SQL and
// ISO-8601 times) and others may: columns in any order, others among them, which are
// ignored; of a column that is given twice the last counts. JSON is what Flink's second job
// takes for JSON. It belongs to one goroutine.
type HubReader struct {
	zone *time.Location
	t    jsonText
	row  HubRow
	text []byte // the row's texts
}

// NewHubReader returns a HubReader that shows times which carry a zone of their own on the
// wall clock of zone, as those without one are.
func NewHubReader(zone *time.Location) *HubReader { return &HubReader{zone: zone} }

// Read takes a value apart. The row is valid until the next call. The error says what is
// wrong with the value, for people; it quotes no text of a row but that of a time.
func (r *HubReader) Read(value []byte) (*HubRow, error) {
	r.row, r.text = HubRow{}, r.text[:0]
	r.t.reset(value)
	switch {
	case value == nil:
		return nil, errors.New("the record has no value")
	case r.t.peek() != '{':
		return nil, errors.New("the value is no JSON object")
	}
	if err := r.t.object(r.column); err != nil {
		return nil, err
	}
	if r.t.peek(); r.t.at < len(value) {
		return nil, errors.New("the value is JSON and more")
	}
	return &r.row, nil
}

// column takes a member of the object.
func (r *HubReader) column(name []byte) (err error) {
	switch string(name) {
	case "sscsdm":
		r.row.City, err = r.string("sscsdm")
	case "record":
		r.row.Record, err = r.string("record")
	case "extract_time":
		r.row.Extract, err = r.time("extract_time")
	case "city_ts":
		r.row.CityTime, err = r.time("city_ts")
	case "city_partition_id":
		r.row.CityPartition, err = r.number("city_partition_id", &r.row.partition)
	case "city_offset_id":
		r.row.CityOffset, err = r.number("city_offset_id", &r.row.offset)
	default:
		return r.t.skip()
	}
	return err
}

// string is a text, nil for null.
func (r *HubReader) string(column string) ([]byte, error) {
	switch r.t.peek() {
	case '"':
		at := len(r.text)
		var err error
		r.text, err = r.t.text(r.text)
		return notNil(r.text[at:len(r.text):len(r.text)]), err
	case 'n':
		_, err := r.t.scalar()
		return nil, err
	default:
		return nil, fmt.Errorf("column %s is not a text", column)
	}
}

// time is a text that a DATETIME of Doris takes, nil for null.
func (r *HubReader) time(column string) ([]byte, error) {
	text, err := r.string(column)
	if err != nil || text == nil {
		return nil, err
	}
	at := len(r.text)
	var ok bool
	if r.text, ok = appendDateTime(r.text, text, r.zone); !ok {
		const shown = 40
		return nil, fmt.Errorf("column %s is %.*q, not a time that a DATETIME holds", column, shown, text)
	}
	return r.text[at:len(r.text):len(r.text)], nil
}

// number is a whole number of 64 bits, nil for null.
func (r *HubReader) number(column string, into *int64) (*int64, error) {
	if c := r.t.peek(); c != '-' && c != 'n' && (c < '0' || c > '9') {
		return nil, fmt.Errorf("column %s is not a whole number of 64 bits", column)
	}
	text, err := r.t.scalar()
	if err != nil || text[0] == 'n' {
		return nil, err
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("column %s is not a whole number of 64 bits", column)
	}
	*into = n
	return into, nil
}

// AppendHubRow appends a row of the hub topic at hub as one line of a Stream Load body, as
// AppendDorisJSON does a city's.
func (f *RowFormat) AppendHubRow(dst []byte, r *HubRow, hub domain.Coord) []byte {
	dst = appendTextOrNull(append(dst, `{"sscsdm":`...), r.City)
	dst = appendTextOrNull(append(dst, `,"extract_time":`...), r.Extract)
	dst = appendTextOrNull(append(dst, `,"record":`...), r.Record)
	dst = appendNumberOrNull(append(dst, `,"city_partition_id":`...), r.CityPartition)
	dst = appendNumberOrNull(append(dst, `,"city_offset_id":`...), r.CityOffset)
	dst = appendTextOrNull(append(dst, `,"city_ts":`...), r.CityTime)
	return f.appendHubColumns(dst, hub)
}

func appendTextOrNull(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return AppendJSONString(dst, text)
}

func appendNumberOrNull(dst []byte, n *int64) []byte {
	if n == nil {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, *n, 10)
}
