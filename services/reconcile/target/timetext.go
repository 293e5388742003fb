package target

import (
	"strconv"
	"time"
)

// timeForm is how the hub writes a time: the wall clock of the pipeline's zone, or UTC and a
// Z; so many digits of a second at most, and of them no zeros at the end.
type timeForm struct {
	utc       bool
	separator byte // between date and time
	digits    int
}

// misformed stands before a text that is no time of its column's form: no column shows that.
const misformed = "a time in another form: "

// wallClock is a time's text taken apart.
type wallClock struct {
	year     []byte // with its sign
	rest     []byte // -01-02 15:04:05, whatever stands between date and time
	fraction []byte // its digits
	zone     []byte // what comes after
}

// takeApart reads the places of a time's text. It does not look whether there is such a day.
func takeApart(text []byte) (w wallClock, ok bool) {
	years := 0
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		years = 1
	}
	for years < len(text) && isDigit(text[years]) {
		years++
	}
	const after = len("-01-02 15:04:05")
	if years < len("2006") || len(text) < years+after {
		return w, false
	}
	w.year, w.rest, text = text[:years], text[years:years+after], text[years+after:]
	for i, c := range w.rest {
		switch i {
		case 0, 3:
			ok = c == '-'
		case 6:
			ok = true
		case 9, 12:
			ok = c == ':'
		default:
			ok = isDigit(c)
		}
		if !ok {
			return w, false
		}
	}
	if len(text) > 0 && text[0] == '.' {
		end := 1
		for end < len(text) && isDigit(text[end]) {
			end++
		}
		if w.fraction, text = text[1:end], text[end:]; len(w.fraction) == 0 {
			return w, false
		}
	}
	w.zone = text
	return w, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// separator is what stands between date and time.
func (w *wallClock) separator() byte { return w.rest[6] }

// in is the moment that the text means in a zone; false where there is no such day or hour.
func (w *wallClock) in(zone *time.Location) (time.Time, bool) {
	n := func(b []byte) int { return int(b[0]-'0')*10 + int(b[1]-'0') }
	year, err := strconv.Atoi(string(w.year))
	month, day, hour, minute, second := n(w.rest[1:]), n(w.rest[4:]), n(w.rest[7:]), n(w.rest[10:]), n(w.rest[13:])
	var nanos int
	for i := range 9 {
		nanos *= 10
		if i < len(w.fraction) {
			nanos += int(w.fraction[i] - '0')
		}
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone)
	wall := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	there := wall.Year() == year && int(wall.Month()) == month && wall.Day() == day && hour < 24 && minute < 60 && second < 60
	return at, err == nil && there
}

// appendWall appends a moment as a clock of its zone shows it: years beyond 9999 with a plus
// sign, the digits of a second that are asked for, the others cut off.
func appendWall(dst []byte, at time.Time, digits int) []byte {
	if at.Year() > 9999 {
		dst = append(dst, '+')
	}
	dst = at.AppendFormat(dst, time.DateTime)
	var nanos [9]byte
	for i, n := len(nanos)-1, at.Nanosecond(); i >= 0; i, n = i-1, n/10 {
		nanos[i] = byte('0' + n%10)
	}
	return appendFraction(dst, nanos[:], digits)
}

// appendFraction appends so many digits of a second, with zeros for those that are not there.
func appendFraction(dst, fraction []byte, digits int) []byte {
	if digits == 0 {
		return dst
	}
	dst = append(dst, '.')
	for i := range digits {
		if i < len(fraction) {
			dst = append(dst, fraction[i])
		} else {
			dst = append(dst, '0')
		}
	}
	return dst
}

// appendHub appends what a column of the table shows of a text that Hefu wrote into the hub;
// of one that it did not write so, what no column shows.
func (t *timeForm) appendHub(dst, text []byte, zone *time.Location, digits int) []byte {
	w, ok := takeApart(text)
	n := len(w.fraction)
	if ok = ok && w.separator() == t.separator && n <= t.digits && (n == 0 || w.fraction[n-1] != '0') && fourOrSigned(w.year); ok && !t.utc && len(w.zone) == 0 {
		dst = append(dst, w.year...)
		at := len(dst)
		dst = append(dst, w.rest...)
		dst[at+6] = ' '
		return appendFraction(dst, w.fraction, digits)
	}
	if ok && t.utc && string(w.zone) == "Z" {
		if at, is := w.in(time.UTC); is {
			return appendWall(dst, at.In(zone), digits)
		}
	}
	return append(append(dst, misformed...), text...)
}

// fourOrSigned reports whether a year is written as Flink writes it.
func fourOrSigned(year []byte) bool {
	switch year[0] {
	case '+':
		return len(year) > len("+9999") && year[1] != '0'
	case '-':
		return len(year) == len("-0001") || len(year) > len("-0001") && year[1] != '0'
	default:
		return len(year) == len("2006")
	}
}

// appendAny appends what a column of the table shows of a text in any of the forms that Flink
// reads, on the wall clock of zone: Doris rounds the digits that the column does not keep.
// False: it is no time that a DATETIME holds.
func appendAny(dst, text []byte, zone *time.Location, digits int) ([]byte, bool) {
	w, ok := takeApart(text)
	if !ok || len(w.year) != len("2006") || !isDigit(w.year[0]) || w.separator() != ' ' && w.separator() != 'T' || len(w.fraction) > 9 {
		return dst, false
	}
	from, is := time.UTC, true // the wall clock itself
	switch {
	case len(w.zone) == 0:
	case string(w.zone) == "Z":
	case len(w.zone) == len("+08:00") && (w.zone[0] == '+' || w.zone[0] == '-') && w.zone[3] == ':':
		var offset time.Time
		var err error
		offset, err = time.Parse("-07:00", string(w.zone))
		from, is = offset.Location(), err == nil
	default:
		is = false
	}
	at, there := w.in(from)
	if !is || !there {
		return dst, false
	}
	if len(w.zone) > 0 {
		at = at.In(zone)
		_, offset := at.Zone()
		at = at.UTC().Add(time.Duration(offset) * time.Second)
	}
	unit := time.Second
	for range digits {
		unit /= 10
	}
	if at = at.Round(unit); at.Year() < 0 || at.Year() > 9999 {
		return dst, false
	}
	return appendWall(dst, at, digits), true
}

// clock shows milliseconds as text, and remembers the last one: the rows of a transaction have
// all the same.
type clock struct {
	zone   *time.Location
	digits int
	at     int64
	text   []byte
}

func (c *clock) append(dst []byte, ms int64) []byte {
	if c.text == nil || c.at != ms {
		c.at, c.text = ms, appendWall(c.text[:0], time.UnixMilli(ms).In(c.zone), c.digits)
	}
	return append(dst, c.text...)
}
