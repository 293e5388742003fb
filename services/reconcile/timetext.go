package reconcile

import (
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
