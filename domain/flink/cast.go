package flink

import (
	"math"
	"time"
)

// Times that Flink does not write as a TIMESTAMP: cast to a STRING, turned into epoch
// milliseconds, or cut to a lower precision. Measured on Flink 2.2.1 (JDK 17):
// testdata/flinkcast.txt has what its own functions answer.

// wall is what a clock shows, or an instant as UTC shows it: Flink's TimestampData.
type wall struct {
	ms   int64 // since 1970
	nano int64 // in the millisecond
}

// wallOf is the wall clock of loc for an instant: Flink's cast of a TIMESTAMP_LTZ to a
// TIMESTAMP, whose sum wraps around.
func wallOf(at wall, loc *time.Location) wall {
	sec, _ := floorDiv(at.ms, millisPerSec)
	_, offset := time.Unix(sec, 0).In(loc).Zone()
	return wall{at.ms + int64(offset)*millisPerSec, at.nano}
}

// cut takes away the digits of a second that a precision has no room for, as Flink's cast
// does: before 1970 towards 1970, and not at all where the digits of the nanoseconds, read
// as a number, are that few.
func (w wall) cut(precision int) wall {
	_, inSecond := floorDiv(w.ms, millisPerSec)
	if inSecond*1e6+w.nano < pow10(precision) {
		return w
	}
	if precision <= 3 {
		unit := pow10(3 - precision)
		return wall{w.ms / unit * unit, 0}
	}
	unit := pow10(9 - precision)
	return wall{w.ms, w.nano / unit * unit}
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// split is the days since 1970, the second of the day and the nanosecond of the second.
func (w wall) split() (days, second, nano int64) {
	days, inDay := floorDiv(w.ms, secondsPerDay*millisPerSec)
	return days, inDay / millisPerSec, inDay%millisPerSec*1e6 + w.nano
}

// appendTimestamp appends a TIMESTAMP, whose date wraps around beyond ±2^31 days.
func appendTimestamp(dst []byte, w wall) []byte {
	days, second, nano := w.split()
	return appendTimeOfDay(append(appendDate(dst, int64(int32(days))), ' '), second, nano)
}

// appendInstant appends a TIMESTAMP_LTZ, which Flink's JSON writes in UTC.
func appendInstant(dst []byte, w wall) []byte {
	days, second, nano := w.split()
	return append(appendTimeOfDay(append(appendDate(dst, days), ' '), second, nano), 'Z')
}

// appendDate appends yyyy-MM-dd.
func appendDate(dst []byte, days int64) []byte {
	year, month, day := time.Unix(days*secondsPerDay, 0).UTC().Date()
	dst = appendPair(append(appendYear(dst, year), '-'), int64(month))
	return appendPair(append(dst, '-'), int64(day))
}

// appendTimeOfDay appends HH:mm:ss[.f].
func appendTimeOfDay(dst []byte, second, nano int64) []byte {
	dst = appendPair(dst, second/secondsPerHour)
	dst = appendPair(append(dst, ':'), second/60%60)
	dst = appendPair(append(dst, ':'), second%60)
	if nano == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := int64(1e8); nano > 0; unit /= 10 {
		dst = append(dst, byte('0'+nano/unit))
		nano %= unit
	}
	return dst
}

// appendCast appends what Flink's CAST to STRING makes of a time: four digits of the year,
// whatever it is, each of which is a sign below 0 where the year is negative, and as many
// digits of the second as the type has.
func appendCast(dst []byte, w wall, digits int) []byte {
	days, second, nano := w.split()
	year, month, day := time.Unix(int64(int32(days))*secondsPerDay, 0).UTC().Date()
	for unit := 1000; unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+year/unit%10))
	}
	dst = appendPair(append(dst, '-'), int64(month))
	dst = appendPair(append(dst, '-'), int64(day))
	dst = appendTimeOfDay(append(dst, ' '), second, 0)
	if digits > 0 {
		dst = append(dst, '.')
	}
	for unit := int64(1e8); digits > 0; digits-- {
		dst = append(dst, byte('0'+nano/unit%10))
		unit /= 10
	}
	return dst
}

// castEpoch is UNIX_TIMESTAMP(CAST(time AS STRING)) * 1000, as jobs turn a time into a
// number: whole seconds, from a text of which java.util's calendar reads the date. It is
// Julian before 1582-10-15, knows no zone's history before 1900, and does not read a year
// below 0, for which Flink's product is 0.
func castEpoch(w wall, loc *time.Location) int64 {
	days, second, _ := w.split()
	year, month, day := time.Unix(int64(int32(days))*secondsPerDay, 0).UTC().Date()
	if year < 0 {
		return 0
	}
	local := calendarDay(year%10_000, month, day)*secondsPerDay + second
	return (local - calendarOffset(local, loc)) * millisPerSec
}

// cutover is 1582-10-15, from when on java.util's calendar is Gregorian, in days since 1970.
const cutover = -141_427

// calendarDay is the day since 1970 that java.util.GregorianCalendar takes a date for.
func calendarDay(year int, month time.Month, day int) int64 {
	gregorian := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	if gregorian >= cutover {
		return gregorian
	}
	// Every fourth year is a leap year: the years up to the one before this March, and the
	// days of the months from March on.
	y, m := int64(year), int64(month)
	if m <= 2 {
		y, m = y-1, m+12
	}
	quads, _ := floorDiv(1461*(y+4716), 4)
	return quads + 306*(m+1)/10 + int64(day) - 2_442_112
}

// firstTransition is 1900-01-01 UTC: java.util.TimeZone knows nothing before it and takes
// the zone's present standard time.
const firstTransition = -2_208_988_800

// calendarOffset is the UTC offset, in seconds, by which java.util reads a wall clock: of
// an hour that is there twice the later one is meant, one that is left out is read by the
// offset before it.
func calendarOffset(local int64, loc *time.Location) int64 {
	at := time.Unix(firstTransition, 0).In(loc)
	_, offset := at.Zone()
	if local < firstTransition+int64(offset) {
		return standardOffset(loc)
	}
	const twoDays = 2 * secondsPerDay // more than any offset
	at = time.Unix(max(firstTransition, local-twoDays), 0).In(loc)
	_, offset = at.Zone()
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || !end.After(at) {
			return int64(offset)
		}
		_, next := end.Zone()
		if end.Unix()+int64(next) > local {
			return int64(offset)
		}
		at, offset = end, next
	}
}

// standardOffset is the offset of a zone without summer time, as its rules are now.
func standardOffset(loc *time.Location) int64 {
	least := int64(math.MaxInt64)
	for _, month := range []time.Month{time.January, time.July} {
		_, offset := time.Date(2037, month, 1, 0, 0, 0, 0, loc).Zone()
		least = min(least, int64(offset))
	}
	return least
}
