package doris

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86400 * microsPerSecond
)

// parseDateTime reads Doris' datetime text into microseconds of the wall clock since 1970-01-01, rounded half up to
// scale digits. Accepted: YYYY-MM-DD, YYYY-MM-DD[ T]HH:MM:SS[.frac][zone], YYYYMMDDHHMMSS[.frac]. A zone shifts the
// value into loc (and is refused where loc is nil); without one the text is taken as it stands.
func parseDateTime(s []byte, scale int, loc *time.Location) (int64, bool) {
	s = bytes.TrimSpace(s)
	var f [6]int // year, month, day, hour, minute, second
	rest, ok := readFields(s, &f)
	if !ok {
		return 0, false
	}
	micros, ok := civil(&f)
	if !ok {
		return 0, false
	}
	frac, rest, ok := readFraction(rest, scale)
	if !ok {
		return 0, false
	}
	if rest = bytes.TrimSpace(rest); len(rest) > 0 {
		from, err := zone(string(rest))
		if err != nil || loc == nil {
			return 0, false
		}
		at := time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], 0, from).In(loc)
		_, offset := at.Zone()
		micros = (at.Unix() + int64(offset)) * microsPerSecond
	}
	return micros + frac, true
}

// readFields reads the digits up to the seconds, in either form.
func readFields(s []byte, f *[6]int) ([]byte, bool) {
	ok := true
	digits := func(at, n int) int {
		v := 0
		for _, c := range s[at : at+n] {
			ok = ok && c >= '0' && c <= '9'
			v = v*10 + int(c-'0')
		}
		return v
	}
	switch {
	case len(s) >= 19 && s[4] == '-' && s[7] == '-' && (s[10] == ' ' || s[10] == 'T') && s[13] == ':' && s[16] == ':':
		*f = [6]int{digits(0, 4), digits(5, 2), digits(8, 2), digits(11, 2), digits(14, 2), digits(17, 2)}
		return s[19:], ok
	case len(s) == 10 && s[4] == '-' && s[7] == '-':
		*f = [6]int{digits(0, 4), digits(5, 2), digits(8, 2)}
		return nil, ok
	case len(s) >= 14 && (len(s) == 14 || s[14] == '.'):
		*f = [6]int{digits(0, 4), digits(4, 2), digits(6, 2), digits(8, 2), digits(10, 2), digits(12, 2)}
		return s[14:], ok
	default:
		return nil, false
	}
}

// readFraction reads ".digits" and rounds to scale; the carry may reach the seconds.
func readFraction(s []byte, scale int) (int64, []byte, bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	n := 1
	var v int64
	step := int64(microsPerSecond)
	unit := int64(microsPerSecond)
	for range scale {
		unit /= 10
	}
	up := false
	for ; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
		if step > unit {
			step /= 10
			v += int64(s[n]-'0') * step
		} else if n == scale+1 {
			up = s[n] >= '5'
		}
	}
	if up {
		v += unit
	}
	return v, s[n:], n > 1
}

// civil turns a calendar date and time into microseconds since 1970 (Howard Hinnant's days_from_civil).
func civil(f *[6]int) (int64, bool) {
	y, m, d := f[0], f[1], f[2]
	if m < 1 || m > 12 || d < 1 || d > daysIn(y, m) || f[3] > 23 || f[4] > 59 || f[5] > 59 {
		return 0, false
	}
	if m <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	days := int64(era)*146097 + int64(doe) - 719468
	return days*microsPerDay + int64(f[3]*3600+f[4]*60+f[5])*microsPerSecond, true
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// appendDateTime prints micros with scale digits of fraction.
func appendDateTime(b []byte, micros int64, scale int) []byte {
	t := time.UnixMicro(micros).UTC()
	if scale == dateScale {
		return t.AppendFormat(b, time.DateOnly)
	}
	b = t.AppendFormat(b, time.DateTime)
	if scale == 0 {
		return b
	}
	frac := fmt.Appendf(nil, ".%06d", t.Nanosecond()/1000)
	return append(b, frac[:scale+1]...)
}

// zone reads a time zone as Doris names them: CST is China's, offsets are +HH:MM, anything else is an IANA name.
func zone(name string) (*time.Location, error) {
	switch strings.ToUpper(name) {
	case "Z", "UTC", "GMT":
		return time.UTC, nil
	case "CST", "PRC", "ASIA/SHANGHAI":
		return time.FixedZone("Asia/Shanghai", 8*3600), nil
	}
	var sign byte
	var h, m int
	if n, err := fmt.Sscanf(name, "%c%2d:%2d", &sign, &h, &m); err == nil && n == 3 && (sign == '+' || sign == '-') && len(name) == 6 {
		secs := h*3600 + m*60
		if sign == '-' {
			secs = -secs
		}
		return time.FixedZone(name, secs), nil
	}
	if name == "" || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("Unknown or incorrect time zone: '%s'", name) //nolint:staticcheck // Doris' own words
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("Unknown or incorrect time zone: '%s'", name) //nolint:staticcheck // Doris' own words
	}
	return loc, nil
}
