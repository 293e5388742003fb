package doris

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// parseDecimal reads a number as an integer of scale digits after the point, rounded half away from zero; ok says that
// it is a number, and has no more than total digits then.
func parseDecimal(b []byte, total, scale int) (v int64, ok bool) {
	text := string(bytes.TrimSpace(b))
	if strings.ContainsAny(text, "/xXoObBpP_") || len(text) > 64 { // what big.Rat reads and SQL does not
		return 0, false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt(power(scale)))
	half := big.NewRat(int64(r.Sign()), 2)
	n := new(big.Int).Quo(r.Add(r, half).Num(), r.Denom())
	return n.Int64(), n.CmpAbs(power(total)) < 0
}

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// appendDecimal prints v, an integer of scale digits after the point.
func appendDecimal(b []byte, v int64, scale int) []byte {
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	digits := strconv.FormatInt(v, 10)
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	b = append(b, digits[:len(digits)-scale]...)
	if scale > 0 {
		b = append(append(b, '.'), digits[len(digits)-scale:]...)
	}
	return b
}

// parseDate reads YYYYMMDD, or the day of whatever parseDateTime reads.
func parseDate(s []byte, loc *time.Location) (int64, bool) {
	if s = bytes.TrimSpace(s); len(s) == 8 {
		s = append(append(append(append(append([]byte{}, s[:4]...), '-'), s[4:6]...), '-'), s[6:]...)
	}
	micros, ok := parseDateTime(s, 6, loc)
	day := micros % microsPerDay
	if day < 0 {
		day += microsPerDay
	}
	return micros - day, ok
}
