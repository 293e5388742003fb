package reconcile

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain/flink"
)

// The checker's texts are written once more, by other means than the movers'. Where the
// two do not agree, one is wrong: every row with such a byte or time would be a finding.

func TestJavaTextAgreesWithTheMovers(t *testing.T) {
	// Bytes that are malformed in every way are rare among all bytes.
	pieces := rapid.SampledFrom([]string{
		"a", "\x7f", "\x80", "\xbf", "\xc0", "\xc1", "\xc2", "\xdf", "\xe0", "\xe1", "\xed", "\xef", "\xf0", "\xf1", "\xf4", "\xf5", "\xff",
		"\x8f", "\x90", "\x9f", "\xa0", "é", "合", "\U0001F309", "\x00",
	})
	rapid.Check(t, func(t *rapid.T) {
		var in []byte
		for _, p := range rapid.SliceOf(pieces).Draw(t, "pieces") {
			in = append(in, p...)
		}
		if got, want := javaText(in), string(flink.JavaText(nil, in)); got != want {
			t.Fatalf("%x: the checker reads %q, the movers write %q", in, got, want)
		}
	})
}

func TestTimeTextAgreesWithTheMovers(t *testing.T) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Asia/Shanghai", "America/New_York", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		ms := rapid.Int64Range(-62_135_596_800_000+86_400_000, 400_000_000_000_000).Draw(t, "ms") // from year 1 to beyond 9999
		if got, want := timeText(time.UnixMilli(ms), zone), string(flink.AppendTimestampMillis(nil, ms, zone)); got != want {
			t.Fatalf("%d in %s: the checker reads %q, the movers write %q", ms, zone, got, want)
		}
	})
}
