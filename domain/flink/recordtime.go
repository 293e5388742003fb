package flink

import (
	"math"
	"strconv"
	"time"
)

// Times of a json source are read as java.time reads them by the formats of Flink
// (TimeFormats.java): the date of ISO-8601, a T or a blank, HH:mm:ss[.f], and Z behind a
// TIMESTAMP_LTZ. All but the DATE and the TIMESTAMP in ISO-8601 are lenient: 24:00:00 is
// the next day, and the 31st of a short month its last day.

// timeText is what is left to read of a time.
type timeText struct {
	rest string
	bad  bool
}

// number reads exactly n digits.
func (t *timeText) number(n int) int64 {
	if t.bad || len(t.rest) < n {
		t.bad = true
		return 0
	}
	value := int64(0)
	for _, c := range []byte(t.rest[:n]) {
		t.bad = t.bad || c < '0' || c > '9'
		value = value*10 + int64(c-'0')
	}
	t.rest = t.rest[n:]
	return value
}

// skip reads a character that has to be there.
func (t *timeText) skip(c byte) {
	if !t.next(c) {
		t.bad = true
		return
	}
	t.rest = t.rest[1:]
}

func (t *timeText) next(c byte) bool { return len(t.rest) > 0 && t.rest[0] == c }

// year reads a year: four digits, or more with a sign, which below 0 may have four too.
func (t *timeText) year() int64 {
	if t.next('+') || t.next('-') {
		negative, n := t.next('-'), 1
		for n < len(t.rest) && t.rest[n] >= '0' && t.rest[n] <= '9' {
			n++
		}
		value, err := strconv.ParseInt(t.rest[1:n], 10, 64)
		switch {
		case err != nil || value > 999_999_999 || n > 11,
			negative && (value == 0 || n < 5),
			!negative && n < 6:
			t.bad = true
		}
		t.rest = t.rest[n:]
		if negative {
			return -value
		}
		return value
	}
	return t.number(4)
}

// date reads yyyy-MM-dd as days since 1970.
func (t *timeText) date(lenient bool) int64 {
	year := t.year()
	t.skip('-')
	month := t.number(2)
	t.skip('-')
	day := t.number(2)
	if t.bad || month < 1 || month > 12 || day < 1 || day > 31 {
		t.bad = true
		return 0
	}
	last := int64(time.Date(int(year), time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day())
	if day > last {
		t.bad = t.bad || !lenient
		day = last
	}
	return time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
}

// clock reads HH:mm:ss[.f] as the second of the day and the nanosecond; seconds may be left
// out where short says so.
func (t *timeText) clock(lenient, short bool) (second, nano int64) {
	hour := t.number(2)
	t.skip(':')
	minute := t.number(2)
	if !short || t.next(':') {
		t.skip(':')
		second = t.number(2)
		nano = t.fraction()
	}
	whole := hour == 24 && minute == 0 && second == 0 && nano == 0 && lenient
	if hour > 23 && !whole || minute > 59 || second > 59 {
		t.bad = true
	}
	return hour*secondsPerHour + minute*60 + second, nano
}

// fraction reads a point and up to nine digits, or nothing.
func (t *timeText) fraction() int64 {
	if !t.next('.') {
		return 0
	}
	t.rest = t.rest[1:]
	nano, unit := int64(0), int64(1e8)
	for unit > 0 && len(t.rest) > 0 && t.rest[0] >= '0' && t.rest[0] <= '9' {
		nano += int64(t.rest[0]-'0') * unit
		unit /= 10
		t.rest = t.rest[1:]
	}
	return nano
}

// time reads a time as the type of its column.
func (r *jsonReader) time(v *Value, typ SQLType, text string) error {
	t := &timeText{rest: text}
	switch typ.Kind {
	case SQLDate:
		v.Int = int64(int32(t.date(false))) // Flink keeps it in an int
	case SQLTime:
		second, nano := t.clock(true, false)
		v.Int = second%secondsPerDay*millisPerSec + nano/1e6
	default:
		r.timestamp(t, v, typ.Kind == SQLTimestampLTZ)
	}
	if t.bad || t.rest != "" {
		return errUnfit
	}
	return nil
}

// timestamp reads a TIMESTAMP, or a TIMESTAMP_LTZ, which ends with a Z.
func (r *jsonReader) timestamp(t *timeText, v *Value, zoned bool) {
	lenient := !r.iso || zoned
	days := t.date(lenient)
	switch {
	case !r.iso:
		t.skip(' ')
	case !zoned && t.next('t'):
		t.skip('t')
	default:
		t.skip('T')
	}
	second, nano := t.clock(lenient, r.iso)
	if zoned {
		t.skip('Z')
		// An instant has to fit into the milliseconds of a long; a wall clock wraps around.
		t.bad = t.bad || days > math.MaxInt64/(secondsPerDay*millisPerSec)-1 || days < math.MinInt64/(secondsPerDay*millisPerSec)+1
	}
	v.Int = days*secondsPerDay*millisPerSec + second*millisPerSec + nano/1e6
	v.Nano = nano % 1e6
}
