package flink

import (
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Row is one record of a city on its way: what the hub topic and the Doris table hold of
// it.
type Row struct {
	City        domain.City // column sscsdm
	ExtractTime int64       // when it was journaled, in microseconds since 1970 UTC
	// Record is the text of the record, as RecordReader makes it of the value that the city
	// sent; nil is null, which empty is not.
	Record []byte
	Fields []Value // of a json source: its declared columns

	CityPartition int32
	CityOffset    int64
	CityTimestamp int64 // milliseconds since 1970 UTC

	HubPartition int32 // the hub's three are not part of the hub's own text
	HubOffset    int64
	HubTimestamp int64 // milliseconds since 1970 UTC
}

// RowFormat writes rows as text, with the times in a pipeline's zone. It remembers the hour
// that each column was last in, so a RowFormat belongs to one goroutine.
type RowFormat struct {
	extract, city, hub hourText
}

// NewRowFormat returns a RowFormat that shows times on the wall clock of loc (the
// pipeline's timezone).
func NewRowFormat(loc *time.Location) *RowFormat {
	return &RowFormat{extract: hourText{loc: loc}, city: hourText{loc: loc}, hub: hourText{loc: loc}}
}

// AppendHubJSON appends the value of the hub record for r, byte for byte as the original
// Flink job wrote it (columns in the order of its sink table, see AppendJSONString and
// AppendTimestampMillis for the texts), and allocates only where dst lacks the capacity.
func (f *RowFormat) AppendHubJSON(dst []byte, r *Row) []byte {
	return append(f.appendCityColumns(dst, r), '}')
}

// AppendDorisJSON appends r as one line of a Stream Load body with read_json_by_line,
// without the line feed: the nine columns of the Doris table, in its order. A city may stamp
// a year that is not four digits long; it is written all the same, though no DATETIME of
// Doris can hold it: whether such a row is sent is not decided here.
func (f *RowFormat) AppendDorisJSON(dst []byte, r *Row) []byte {
	return f.appendHubColumns(f.appendCityColumns(dst, r), domain.Coord{Partition: r.HubPartition, Offset: r.HubOffset, Timestamp: r.HubTimestamp})
}

// appendHubColumns appends the three columns of the place in the hub, and closes the object.
func (f *RowFormat) appendHubColumns(dst []byte, at domain.Coord) []byte {
	dst = append(dst, `,"hw_partition_id":`...)
	dst = strconv.AppendInt(dst, int64(at.Partition), 10)
	dst = append(dst, `,"hw_offset_id":`...)
	dst = strconv.AppendInt(dst, at.Offset, 10)
	dst = append(dst, `,"hw_ts":"`...)
	dst = f.hub.appendMillis(dst, at.Timestamp)
	return append(dst, `"}`...)
}

// appendCityColumns appends the six columns that the hub and Doris share, and leaves the
// object open.
func (f *RowFormat) appendCityColumns(dst []byte, r *Row) []byte {
	dst = append(dst, `{"sscsdm":`...)
	dst = AppendJSONString(dst, []byte(r.City))
	dst = append(dst, `,"extract_time":"`...)
	dst = f.extract.appendMicros(dst, r.ExtractTime)
	dst = append(dst, `","record":`...)
	if r.Record == nil {
		dst = append(dst, "null"...)
	} else {
		dst = AppendJSONString(dst, r.Record)
	}
	dst = append(dst, `,"city_partition_id":`...)
	dst = strconv.AppendInt(dst, int64(r.CityPartition), 10)
	dst = append(dst, `,"city_offset_id":`...)
	dst = strconv.AppendInt(dst, r.CityOffset, 10)
	dst = append(dst, `,"city_ts":"`...)
	dst = f.city.appendMillis(dst, r.CityTimestamp)
	return append(dst, '"')
}
