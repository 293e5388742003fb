package domain

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Sum is an exact sum of int64s, as Doris's LARGEINT: 128 bits in two's complement.
type Sum struct {
	Hi int64
	Lo uint64
}

// Add is the sum with one more number.
func (s Sum) Add(n int64) Sum {
	lo, carry := bits.Add64(s.Lo, uint64(n), 0)
	return Sum{s.Hi + n>>63 + int64(carry), lo}
}

// Plus is the sum of both.
func (s Sum) Plus(o Sum) Sum {
	lo, carry := bits.Add64(s.Lo, o.Lo, 0)
	return Sum{s.Hi + o.Hi + int64(carry), lo}
}

// Minus is the difference of both.
func (s Sum) Minus(o Sum) Sum {
	lo, borrow := bits.Sub64(s.Lo, o.Lo, 0)
	return Sum{s.Hi - o.Hi - int64(borrow), lo}
}

// MarshalText is the sum in decimal.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Sum) UnmarshalText(b []byte) (err error) { *s, err = ParseSum(string(b)); return err }

// String is the sum in decimal.
func (s Sum) String() string {
	const digits = 19 // of the lower part
	hi, lo, sign := uint64(s.Hi), s.Lo, ""
	if s.Hi < 0 {
		hi, lo = negated(hi, lo)
		sign = "-"
	}
	if hi == 0 {
		return sign + strconv.FormatUint(lo, 10)
	}
	upper, lower := bits.Div64(hi, lo, 1e19) // hi is at most 1<<63
	return fmt.Sprintf("%s%d%0*d", sign, upper, digits, lower)
}

func negated(hi, lo uint64) (uint64, uint64) {
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return hi, lo
}

// ParseSum reads a LARGEINT, which Doris sends as text (doris-wire.md §5.2).
func ParseSum(text string) (Sum, error) {
	digits, negative := strings.CutPrefix(text, "-")
	var hi, lo uint64
	ok := digits != ""
	for _, c := range []byte(digits) {
		var over, more, carry uint64
		over, hi = bits.Mul64(hi, 10)
		more, lo = bits.Mul64(lo, 10)
		lo, carry = bits.Add64(lo, uint64(c-'0'), 0)
		hi, carry = bits.Add64(hi, more, carry)
		if c < '0' || c > '9' || over != 0 || carry != 0 {
			ok = false
			break
		}
	}
	if negative {
		hi, lo = negated(hi, lo)
	}
	if s := (Sum{int64(hi), lo}); ok && (s.Hi < 0) == (negative && s != Sum{}) {
		return s, nil
	}
	return Sum{}, fmt.Errorf("%q is no LARGEINT", text)
}
