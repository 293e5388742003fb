package flink

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTimestampRules holds both ways of writing a timestamp to testdata/flinktime.txt.
func TestTimestampRules(t *testing.T) {
	eachLine(t, filepath.Join("testdata", "flinktime.txt"), func(line []byte) {
		fields := strings.Fields(string(line))
		ms, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		zone, want := loadZone(t, fields[1]), strings.Join(fields[2:], " ")
		hour := hourText{loc: zone}
		for name, got := range map[string][]byte{
			"AppendTimestampMillis": AppendTimestampMillis(nil, ms, zone),
			"hourText":              hour.appendMillis(nil, ms),
			"hourText again":        hour.appendMillis(nil, ms),
		} {
			if string(got) != want {
				t.Errorf("%s(%d, %s) = %s, want %s", name, ms, zone, got, want)
			}
		}
	})
}

// TestTimestampMicros has the precision that Kafka's clock has not.
func TestTimestampMicros(t *testing.T) {
	zone := loadZone(t, "Asia/Shanghai")
	for us, want := range map[int64]string{
		1714536000000000: "2024-05-01 12:00:00",
		1714536000000001: "2024-05-01 12:00:00.000001",
		1714536000123450: "2024-05-01 12:00:00.12345",
		1714536000100000: "2024-05-01 12:00:00.1",
		-1:               "1970-01-01 07:59:59.999999",
		math.MaxInt64:    "+294247-01-10 12:00:54.775807",
		math.MinInt64:    "-290308-12-22 04:04:48.224192",
	} {
		if got := AppendTimestampMicros(nil, us, zone); string(got) != want {
			t.Errorf("AppendTimestampMicros(%d) = %s, want %s", us, got, want)
		}
	}
}

// TestKeptHour walks through the years in small and large steps, across every change of
// each zone's clock, and compares what the kept hour gives with the standard library's own
// formatting of the same instant.
func TestKeptHour(t *testing.T) {
	const layout = "2006-01-02 15:04:05.999999"
	for _, name := range []string{"Asia/Shanghai", "UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Monrovia"} {
		zone, random := loadZone(t, name), rand.New(rand.NewPCG(3, 4))
		hour := hourText{loc: zone}
		check := func(us int64) {
			want := time.UnixMicro(us).In(zone).Format(layout)
			if got := hour.appendMicros(nil, us); string(got) != want {
				t.Fatalf("%s: appendMicros(%d) = %s, want %s", name, us, got, want)
			}
			if got := AppendTimestampMicros(nil, us, zone); string(got) != want {
				t.Fatalf("%s: AppendTimestampMicros(%d) = %s, want %s", name, us, got, want)
			}
			ms := time.UnixMicro(us).UnixMilli()
			want = time.UnixMilli(ms).In(zone).Format(layout)
			if got := hour.appendMillis(nil, ms); string(got) != want {
				t.Fatalf("%s: appendMillis(%d) = %s, want %s", name, ms, got, want)
			}
		}
		for at := time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2100; {
			_, change := at.In(zone).ZoneBounds()
			if change.IsZero() {
				break
			}
			for range 200 { // the two hours around the change, to and fro
				check(change.UnixMicro() + random.Int64N(2*3600e6) - 3600e6)
			}
			if change.Equal(at) { // Go 1.26 on the last day of a leap year, in zones with a rule for summer time
				change = at.Add(24 * time.Hour)
			}
			at = change
		}
		for us := int64(-5e15); us < 5e15; us += random.Int64N(1 << random.IntN(50)) {
			check(us)
		}
	}
}
