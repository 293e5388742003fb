package origin

import (
	"strconv"
	"time"
)

// Digits are how many digits of a second each time column shows: those of the table's DATETIME,
// or of the hub's column where that has fewer. The zero value is what deploy's table has.
type Digits struct {
	CityTime, HubTime, ExtractTime int
}

func (d Digits) orDefault() Digits {
	if d == (Digits{}) {
		return Digits{CityTime: 3, HubTime: 3, ExtractTime: 6}
	}
	return d
}

// clock writes the times of one column on the wall clock of a zone, with all digits of its
// fraction, as Doris shows a DATETIME: 2026-11-25 08:00:00.120. What lies beyond them is cut off.
// A time that no DATETIME holds is written as the hub has it from Java: with a sign where the
// year is not of four digits, and, some six million years from now, with the day of a calendar
// that counts days in 32 bits. It remembers what it wrote last, and belongs to one goroutine.
type clock struct {
	zone   *time.Location
	digits int

	micro  int64 // of text
	text   string
	utc    int64 // the second that offset is of
	offset int64 // of the zone, in seconds
	known  bool  // whether it is of any
	second int64 // of prefix, as the zone's clock counts it
	prefix string
}

// millis is the text of a time in milliseconds since 1970.
func (c *clock) millis(ms int64) string {
	utc, _ := floor(ms, 1000)
	local, milli := floor(ms+1000*c.zoneAt(utc), 1000)
	return c.at(local, milli*1000)
}

// micros is the text of a time in microseconds since 1970.
func (c *clock) micros(us int64) string {
	if c.text != "" && us == c.micro {
		return c.text
	}
	utc, micro := floor(us, 1_000_000)
	c.micro, c.text = us, c.at(utc+c.zoneAt(utc), micro)
	return c.text
}

func (c *clock) zoneAt(utc int64) int64 {
	if !c.known || utc != c.utc {
		_, offset := time.Unix(utc, 0).In(c.zone).Zone()
		c.known, c.utc, c.offset = true, utc, int64(offset)
	}
	return c.offset
}

// at writes a second that the zone's clock shows, and what is past of it.
func (c *clock) at(second, micro int64) string {
	if c.prefix == "" || second != c.second {
		day, inDay := floor(second, 24*60*60)
		shown := time.Unix(int64(int32(day))*24*60*60+inDay, 0).UTC()
		c.second, c.prefix = second, shown.Format("2006-01-02 15:04:05")
		if shown.Year() > 9999 {
			c.prefix = "+" + c.prefix
		}
	}
	if c.digits == 0 {
		return c.prefix
	}
	fraction := strconv.FormatInt(1_000_000+micro, 10)[1:] // six digits
	for len(fraction) < c.digits {
		fraction += "0"
	}
	return c.prefix + "." + fraction[:c.digits]
}

// floor divides, rounding down.
func floor(n, by int64) (quotient, rest int64) {
	if quotient, rest = n/by, n%by; rest < 0 {
		return quotient - 1, rest + by
	}
	return quotient, rest
}
