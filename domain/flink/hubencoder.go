package flink

import (
	"bytes"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// HubEncoder writes hub records of one source: what Flink's JSON format makes of a row of
// the sink table. Like a RowFormat it remembers the hour that each time was last in, so it
// belongs to one goroutine. What it gives depends on the formats and the zone only, so that
// a batch of a later owner has the same bytes.
type HubEncoder struct {
	usual      *RowFormat // of the original job's format, which it writes in less time; else nil
	columns    []hubColumn
	iso        bool // a T between date and time
	ignoreNull bool
	plain      bool // decimals without an exponent
	zone       *time.Location
}

// hubColumn is a column as it is written.
type hubColumn struct {
	prefix []byte // ,"name": and, of a time, its quote
	write  hubWrite
	typ    SQLType
	field  int         // of Row.Fields
	from   domain.From // of a time: FromExtractTime or FromTimestamp
	hour   hourText    // of a time
	digits int         // of a time in a STRING
	cut    int         // of a field: the precision to cut to, 9 for none
}

// hubWrite says how a column is written.
type hubWrite uint8

const (
	writeNull hubWrite = iota
	writeCity
	writeRecord
	writeJavaRecord // of a json source: surrogates may stand alone in it
	writePartition
	writePartitionText
	writeOffset
	writeOffsetText
	writeExtract   // TIMESTAMP(6) and above: the usual one
	writeTimestamp // TIMESTAMP(3) and above: the usual one
	writeTime      // every other TIMESTAMP
	writeInstant   // TIMESTAMP_LTZ
	writeTimeText  // a time in a STRING
	writeEpoch     // a time in a BIGINT
	writeField
)

// Append appends the value of the hub record for r, and allocates only where dst lacks the
// capacity. r.Record and r.Fields are what the RecordReader of the same source made.
func (e *HubEncoder) Append(dst []byte, r *Row) []byte {
	if e.usual != nil {
		return e.usual.AppendHubJSON(dst, r)
	}
	start := len(dst)
	for i := range e.columns {
		c := &e.columns[i]
		before := len(dst)
		dst = append(dst, c.prefix...)
		null := false
		switch c.write {
		case writeCity:
			dst = AppendJSONString(dst, []byte(r.City))
		case writeRecord:
			if null = r.Record == nil; !null {
				dst = AppendJSONString(dst, r.Record)
			}
		case writeJavaRecord:
			if null = r.Record == nil; !null {
				dst = appendJavaString(dst, r.Record)
			}
		case writePartition:
			dst = strconv.AppendInt(dst, int64(r.CityPartition), 10)
		case writeOffset:
			dst = strconv.AppendInt(dst, r.CityOffset, 10)
		case writeExtract:
			at := len(dst)
			dst = append(e.separate(c.hour.appendMicros(dst, r.ExtractTime), at), '"')
		case writeTimestamp:
			at := len(dst)
			dst = append(e.separate(c.hour.appendMillis(dst, r.CityTimestamp), at), '"')
		case writeField:
			v := &r.Fields[c.field]
			if null = v.Null; !null {
				dst = e.appendField(dst, c, v)
			}
		case writeNull:
			null = true
		default:
			dst = e.appendSeldom(dst, c, r)
		}
		switch {
		case null && e.ignoreNull:
			dst = dst[:before]
		case null:
			dst = append(dst, "null"...)
		}
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{' // in place of the first comma
	return append(dst, '}')
}

// separate puts the T of ISO-8601 into a time that begins at dst[at].
func (e *HubEncoder) separate(dst []byte, at int) []byte {
	if e.iso {
		dst[at+bytes.IndexByte(dst[at:], ' ')] = 'T'
	}
	return dst
}

// appendSeldom writes what the original job does not.
func (e *HubEncoder) appendSeldom(dst []byte, c *hubColumn, r *Row) []byte {
	switch c.write {
	case writePartitionText:
		return append(strconv.AppendInt(append(dst, '"'), int64(r.CityPartition), 10), '"')
	case writeOffsetText:
		return append(strconv.AppendInt(append(dst, '"'), r.CityOffset, 10), '"')
	default: // a time
	}
	at := wall{ms: r.CityTimestamp}
	if c.from == domain.FromExtractTime {
		ms, micro := floorDiv(r.ExtractTime, 1_000)
		at = wall{ms, micro * 1_000}
	}
	start := len(dst)
	switch c.write {
	case writeInstant:
		dst = e.separate(e.appendUTC(dst, c, at.cut(c.typ.Precision)), start)
	case writeTime:
		dst = e.separate(appendTimestamp(dst, wallOf(at, e.zone).cut(c.typ.Precision)), start)
	case writeTimeText:
		dst = appendCast(dst, wallOf(at, e.zone), c.digits)
	default: // writeEpoch, a number
		return strconv.AppendInt(dst, castEpoch(wallOf(at, e.zone), e.zone), 10)
	}
	return append(dst, '"')
}

// The milliseconds of the years 0000 to 9999 in UTC, for which an hour is kept.
const (
	firstKept = -62_167_219_200_000
	afterKept = 253_402_300_800_000
)

// appendUTC writes a TIMESTAMP_LTZ, by the kept hour where there is one.
func (e *HubEncoder) appendUTC(dst []byte, c *hubColumn, at wall) []byte {
	if at.ms < firstKept || at.ms >= afterKept {
		return appendInstant(dst, at)
	}
	return append(c.hour.appendMicros(dst, at.ms*1_000+at.nano/1_000), 'Z')
}

// appendField writes a column of a json source.
func (e *HubEncoder) appendField(dst []byte, c *hubColumn, v *Value) []byte {
	at := len(dst)
	switch c.typ.Kind {
	case SQLString:
		return appendJavaString(dst, v.Text)
	case SQLBytes:
		return append(append(append(dst, '"'), v.Text...), '"')
	case SQLBoolean:
		return strconv.AppendBool(dst, v.Int != 0)
	case SQLFloat:
		return appendJavaFloat(dst, v.Float, 32)
	case SQLDouble:
		return appendJavaFloat(dst, v.Float, 64)
	case SQLDecimal:
		return e.appendDecimal(dst, v.Text)
	case SQLDate:
		return append(appendDate(append(dst, '"'), v.Int), '"')
	case SQLTime:
		// Flink writes whole seconds.
		return append(appendTimeOfDay(append(dst, '"'), v.Int/millisPerSec, 0), '"')
	case SQLTimestamp:
		dst = appendTimestamp(append(dst, '"'), wall{v.Int, v.Nano}.cut(c.cut))
	case SQLTimestampLTZ:
		dst = appendInstant(append(dst, '"'), wall{v.Int, v.Nano}.cut(c.cut))
	default:
		return strconv.AppendInt(dst, v.Int, 10)
	}
	return append(e.separate(dst, at), '"')
}

// appendDecimal writes a DECIMAL of which the plain text is given: Jackson takes the zeros
// from its end, unless plain numbers are asked for.
func (e *HubEncoder) appendDecimal(dst, text []byte) []byte {
	if e.plain {
		return append(dst, text...)
	}
	var buffer [40]byte
	d, _ := parseDecimal(text, buffer[:0]) // made by decimal.appendPlain
	return d.strip().append(dst)
}

// appendJavaString is AppendJSONString for text in which surrogates may stand alone, in
// three bytes as if they were characters: they are escaped, as Jackson does.
func appendJavaString(dst, text []byte) []byte {
	if bytes.IndexByte(text, 0xED) < 0 {
		return AppendJSONString(dst, text)
	}
	dst = append(dst, '"')
	for at := 0; at < len(text); {
		next := at
		for next < len(text) && !aloneAt(text, next) {
			next++
		}
		if next > at {
			quoted := len(dst)
			dst = AppendJSONString(dst, text[at:next])
			dst = append(dst[:quoted], dst[quoted+1:len(dst)-1]...)
		}
		if at = next; at < len(text) {
			b1, b2 := text[at+1], text[at+2]
			dst = append(dst, '\\', 'u', 'D', hexDigits[b1>>2&15], hexDigits[b1<<2&12|b2>>4&3], hexDigits[b2&15])
			at += 3
		}
	}
	return append(dst, '"')
}

// aloneAt reports whether a surrogate stands at text[at:].
func aloneAt(text []byte, at int) bool {
	return text[at] == 0xED && at+2 < len(text) && text[at+1] >= 0xA0
}
