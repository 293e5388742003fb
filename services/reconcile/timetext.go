package reconcile

import (
	"errors"
	"strings"
	"time"
)

// timeText is a time as Flink writes TIMESTAMP columns: local wall clock, fraction
// without trailing zeros.
func timeText(t time.Time, zone *time.Location) string {
	s := t.In(zone).Format("2006-01-02 15:04:05.999999")
	if t.In(zone).Year() > 9999 {
		return "+" + s
	}
	return s
}

// sameTime compares two texts of a time: a table gives all digits of its fraction, the
// hub none that are zero.
func sameTime(a, b string) bool { return trimFraction(a) == trimFraction(b) }

func trimFraction(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// sameMoment compares a time that the hub's JSON says, in any of the forms that Flink reads,
// with what the table shows of it: the wall clock of the zone, rounded to the column's
// digits.
func sameMoment(hub, table string, zone *time.Location) bool {
	if hub == nullText || table == nullText {
		return hub == table
	}
	var at time.Time
	err := errNoTime
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z07:00"} {
		if at, err = time.Parse(layout, hub); err == nil {
			if strings.HasSuffix(layout, "Z07:00") {
				wall := at.In(zone)
				_, offset := wall.Zone()
				at = at.UTC().Add(time.Duration(offset) * time.Second)
			}
			break
		}
	}
	shows, err2 := time.Parse("2006-01-02 15:04:05", table)
	if err != nil || err2 != nil {
		return false
	}
	digit := time.Second
	if _, fraction, has := strings.Cut(table, "."); has {
		for range fraction {
			digit /= 10
		}
	}
	return at.Round(digit).Equal(shows)
}

var errNoTime = errors.New("no time")
