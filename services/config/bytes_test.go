package config

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0B": 0, "1B": 1, "1KB": 1000, "1KiB": 1024, "16MiB": 16 << 20, "5MB": 5_000_000, "2GB": 2_000_000_000,
		"100GiB": 100 << 30, "1TB": 1_000_000_000_000, "1TiB": 1 << 40, "9223372036854775807B": math.MaxInt64,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "B", "1", "KiB", "-1B", "+1B", "1.5MiB", "1 MiB", "1mib", "1KiBB", "1_000B", "0x10B",
		"9223372036854775808B", "9007199254740992KiB", "8388608TiB",
	} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestBytesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Bytes(rapid.Int64Min(0).Draw(t, "bytes"))
		if got, err := ParseBytes(want.String()); err != nil || got != want {
			t.Fatalf("%d is written %s and read as %d, %v", want, want, got, err)
		}
	})
}
