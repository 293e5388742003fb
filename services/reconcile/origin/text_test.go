package origin

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
)

// TestTextOf: what a record's bytes become, format by format, beside what the movers make of
// them.
func TestTextOf(t *testing.T) {
	for _, f := range []domain.SourceFormat{
		{}, {Charset: "utf8"}, {Charset: "UTF-8"}, {Binary: true}, {Charset: "ISO-8859-1"}, {Charset: "latin1"}, {Charset: "us_ascii"},
	} {
		reader, err := flink.NewRecordReader(f)
		must(t, err)
		text := textOf(f)
		if text.of == nil {
			t.Fatalf("%+v: %s", f, text.why)
		}
		for _, in := range []string{
			"", "plain", "名字", "\x00\x7f", "\xff", "a\xc0\x80b", "\xe4\xb8", "\xe4\xb8z", "\xed\xa0\x80", "\xed\xa0\x80\xed\xb0\x80", "\xf0\x9f\x98\x80",
			"\xf0\x9f\x98", "\xf0\x9f\x98z", "\xf0\x9f", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xe0\x80\x80", "\xc2", "\xc2\x41", "\xf5\x80\x80\x80", "\x80\x81",
		} {
			var row flink.Row
			must(t, reader.Read(&row, []byte(in)))
			var want string // as whoever reads the hub's JSON has it
			must(t, json.Unmarshal(flink.AppendJSONString(nil, row.Record), &want))
			if got := text.of(in); got != want {
				t.Errorf("%+v %q: %q, want %q", f, in, got, want)
			}
		}
	}
	for _, f := range []domain.SourceFormat{{Kind: domain.FormatJSON}, {Charset: "GBK"}, {Charset: "GB18030"}, {Charset: "UTF-16"}, {Charset: "EBCDIC"}} {
		if text := textOf(f); text.of != nil || text.why == "" {
			t.Errorf("%+v is read", f)
		}
	}
}

// TestClock: the text of a time is the hub's, filled up to the column's digits.
func TestClock(t *testing.T) {
	times := []int64{
		0, -1, 1, 999, 1000, timeOf, timeOf + 7, 253_402_300_799_999, 253_402_300_800_000, -62_135_596_800_001, -62_167_219_200_000,
		-62_167_219_200_001, -99_999_999_999_999, 1 << 57, -1 << 57, math.MaxInt64, math.MinInt64, math.MaxInt64 - 40_000_000,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		times = append(times, int64(random.Uint64())>>random.IntN(64))
	}
	for _, name := range []string{"Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		must(t, err)
		for _, digits := range []int{0, 3, 6} {
			c := clock{zone: zone, digits: digits}
			for _, at := range times {
				for _, text := range [][2]string{
					{c.millis(at), string(flink.AppendTimestampMillis(nil, at, zone))},
					{c.micros(at), string(flink.AppendTimestampMicros(nil, at, zone))},
				} {
					whole, fraction, _ := strings.Cut(text[1], ".")
					want := whole
					if digits > 0 {
						want += "." + (fraction + "000000")[:digits]
					}
					if text[0] != want {
						t.Fatalf("%s, %d digits, %d: %s, want %s", name, digits, at, text[0], want)
					}
				}
			}
		}
	}
}
