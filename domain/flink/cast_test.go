package flink

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFlinkCast holds the casts of times to what Flink's own functions answer, by the line:
// testdata/flinkcast.txt.gz.
func TestFlinkCast(t *testing.T) {
	compared := 0
	eachLine(t, filepath.Join("testdata", "flinkcast.txt.gz"), func(line []byte) {
		words := strings.Split(string(line), "\t")
		ms, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		zone := loadZone(t, words[1])
		local := wallOf(wall{ms: ms}, zone)
		compared++
		for i, got := range []string{
			string(appendCast(nil, local, 3)), string(appendCast(nil, local, 6)), string(appendCast(nil, local, 0)),
			strconv.FormatInt(castEpoch(local, zone), 10),
			javaTime(local.cut(0)), javaTime(local.cut(1)),
		} {
			if want := words[2+i]; got != want {
				t.Errorf("%d in %s, column %d: %s, want %s", ms, zone, 2+i, got, want)
			}
		}
	})
	if compared < 800 {
		t.Errorf("compared %d times", compared)
	}
}

// javaTime is LocalDateTime.toString.
func javaTime(w wall) string {
	text := strings.Replace(string(appendTimestamp(nil, w)), " ", "T", 1)
	switch _, second, nano := w.split(); {
	case nano != 0:
		_, fraction, _ := strings.Cut(text, ".")
		return text + strings.Repeat("0", (9-len(fraction))%3)
	case second%60 == 0:
		return strings.TrimSuffix(text, ":00")
	}
	return text
}

// TestCutDigits: the digits of a time are cut, and a number of nanoseconds that is short
// enough is not, which is Flink's way (DateTimeUtils.truncate).
func TestCutDigits(t *testing.T) {
	for _, c := range []struct {
		nanos     int64
		precision int
		want      string
	}{
		{123_456_789, 9, ".123456789"},
		{123_456_789, 6, ".123456"},
		{123_456_789, 4, ".1234"},
		{123_456_789, 3, ".123"},
		{123_456_789, 0, ""},
		{1_234, 3, ""},
		{1_234, 4, ".000001234"},
		{12_345, 4, ""},
		{0, 0, ""},
	} {
		got := appendTimestamp(nil, wall{c.nanos / 1e6, c.nanos % 1e6}.cut(c.precision))
		if want := time.Unix(0, 0).UTC().Format(time.DateTime) + c.want; string(got) != want {
			t.Errorf("%d ns in %d digits: %s, want %s", c.nanos, c.precision, got, want)
		}
	}
}
