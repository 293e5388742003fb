package flink

import "time"

// A time of the hub is carried with the digits that it has: Flink's SQL form, its ISO-8601
// form, and, of a TIMESTAMP_LTZ, with the zone Z behind it. DATETIME knows no zone, so a
// text that carries one is written on the wall clock of the pipeline's, as the columns
// without one are and as Flink's second job would have it; any offset is understood, since
// others may write to the hub. Doris rounds digits of a second that its column has no room
// for, as it did for that job.

const (
	dateTimeDigits = len("2006-01-02 15:04:05")
	maxFraction    = 9 // digits of a second that Flink writes at most
)

// appendDateTime appends a time of the hub as Doris takes it, yyyy-MM-dd HH:mm:ss[.f]; ok is
// false for what is no such time, or none of the years 0000 to 9999.
func appendDateTime(dst, text []byte, zone *time.Location) (out []byte, ok bool) {
	if len(text) < dateTimeDigits {
		return dst, false
	}
	at, err := time.Parse(time.DateTime, string(text[:10])+" "+string(text[11:dateTimeDigits]))
	if err != nil || text[10] != ' ' && text[10] != 'T' {
		return dst, false
	}
	rest := text[dateTimeDigits:]
	fraction := 0
	if len(rest) > 0 && rest[0] == '.' {
		for fraction = 1; fraction < len(rest) && rest[fraction] >= '0' && rest[fraction] <= '9'; fraction++ {
		}
		if fraction == 1 || fraction > 1+maxFraction {
			return dst, false
		}
	}
	if offset := string(rest[fraction:]); offset != "" {
		// The layout takes Z and ±hh:mm.
		written, err := time.Parse("Z07:00", offset)
		if err != nil {
			return dst, false
		}
		_, seconds := written.Zone()
		at = at.Add(-time.Duration(seconds) * time.Second).In(zone)
	}
	if at.Year() < 0 || at.Year() > 9999 {
		return dst, false
	}
	dst = at.AppendFormat(dst, time.DateTime)
	return append(dst, rest[:fraction]...), true
}
