package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size in bytes. In text it is a whole number with its unit: 16MiB, 500KB, 0B.
type Bytes int64

// units are tried in this order: String wants the largest that divides, ParseBytes the longest that fits ("B" ends all).
func units() [9]struct {
	name string
	size int64
} {
	return [...]struct {
		name string
		size int64
	}{
		{"TiB", 1 << 40},
		{"TB", 1e12},
		{"GiB", 1 << 30},
		{"GB", 1e9},
		{"MiB", 1 << 20},
		{"MB", 1e6},
		{"KiB", 1 << 10},
		{"KB", 1e3},
		{"B", 1},
	}
}

// ParseBytes reads a size. A number without a unit is an error: it has been taken for KiB, for MB and for bytes.
func ParseBytes(text string) (Bytes, error) {
	for _, u := range units() {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil {
			break
		}
		if n > math.MaxInt64/uint64(u.size) {
			return 0, errors.New("more than a size can hold")
		}
		return Bytes(n) * Bytes(u.size), nil
	}
	return 0, errors.New("not a whole number with a unit")
}

// String writes b in the largest unit that divides it; ParseBytes reads it back.
func (b Bytes) String() string {
	for _, u := range units() {
		if size := Bytes(u.size); b != 0 && b%size == 0 {
			return strconv.FormatInt(int64(b/size), 10) + u.name
		}
	}
	return "0B"
}

// MarshalText is String, for encoders.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is ParseBytes, for decoders and flags.
func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBytes(string(text))
	return err
}
