package flink

import (
	"bytes"
	"math"
	"strconv"
)

// Numbers are written as Jackson writes those of Java: a DOUBLE as Double.toString, in
// quotes where JSON has no such number, a DECIMAL as BigDecimal.toString.

// appendJavaFloat appends a FLOAT (bits 32) or DOUBLE (bits 64): the fewest digits that
// read back as the same number, but at least one behind the point; with an exponent below
// 10^-3 and from 10^7 on. (JDK 17 writes some numbers beyond 10^20 with digits that are not
// needed; later ones do not.)
func appendJavaFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	case f == 0 && math.Signbit(f):
		return append(dst, "-0.0"...)
	case f == 0:
		return append(dst, "0.0"...)
	}
	if size := math.Abs(f); size >= 1e-3 && size < 1e7 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		if bytes.IndexByte(dst[start:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	var buffer [32]byte
	text := strconv.AppendFloat(buffer[:0], f, 'e', -1, bits)
	e := bytes.IndexByte(text, 'e')
	if bytes.IndexByte(text[:e], '.') < 0 {
		// Of two digits the nearest are taken, which differ from one digit and a zero at
		// the smallest numbers (4.9E-324).
		text = strconv.AppendFloat(buffer[:0], f, 'e', 1, bits)
		e = bytes.IndexByte(text, 'e')
	}
	dst = append(append(dst, text[:e]...), 'E')
	exponent, _ := strconv.Atoi(string(text[e+1:])) // as FormatFloat writes it
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// decimal is a number as a sign and digits: ±digits / 10^scale. The digits have no zeros in
// front; zero has none at all.
type decimal struct {
	negative bool
	digits   []byte
	scale    int64
}

// parseDecimal reads what java.math.BigDecimal reads: an optional sign, digits with one
// point among them or around them, an exponent. The digits are appended to buffer.
func parseDecimal(text, buffer []byte) (d decimal, ok bool) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative, text = text[0] == '-', text[1:]
	}
	mantissa, exponent := text, int64(0)
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		n, err := strconv.ParseInt(string(text[e+1:]), 10, 32)
		if err != nil {
			return d, false
		}
		mantissa, exponent = text[:e], n
	}
	start, some, point := len(buffer), false, false
	for _, c := range mantissa {
		switch {
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return d, false
		default:
			some = true
			if point {
				d.scale++
			}
			if c != '0' || len(buffer) > start {
				buffer = append(buffer, c)
			}
		}
	}
	d.scale -= exponent
	d.digits = buffer[start:]
	return d, some && d.scale == int64(int32(d.scale))
}

// round is the number with so many digits behind the point, halves away from zero. It may
// write over the digits and behind them. It is false for a number of more digits than
// precision, which a DECIMAL has no room for; Flink makes NULL of it.
func (d decimal) round(precision, scale int) (decimal, bool) {
	drop := d.scale - int64(scale)
	d.scale = int64(scale)
	n := int64(len(d.digits))
	switch {
	case n == 0 || drop > n:
		d.digits = d.digits[:0]
	case n-drop > int64(precision):
		return d, false
	case drop <= 0:
		for ; drop < 0; drop++ {
			d.digits = append(d.digits, '0')
		}
	default:
		up := d.digits[n-drop] >= '5'
		d.digits = d.digits[:n-drop]
		if up {
			d.digits = increment(d.digits)
		}
	}
	return d, len(d.digits) <= precision
}

// increment adds one to a row of digits.
func increment(digits []byte) []byte {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] != '9' {
			digits[i]++
			return digits
		}
		digits[i] = '0'
	}
	digits = append(digits, '0')
	digits[0] = '1'
	return digits
}

// strip takes the zeros from the end: BigDecimal.stripTrailingZeros.
func (d decimal) strip() decimal {
	if len(d.digits) == 0 {
		d.scale = 0
	}
	for len(d.digits) > 0 && d.digits[len(d.digits)-1] == '0' {
		d.digits, d.scale = d.digits[:len(d.digits)-1], d.scale-1
	}
	return d
}

// appendPlain appends the number without an exponent: BigDecimal.toPlainString. Its scale
// is not negative.
func (d decimal) appendPlain(dst []byte) []byte {
	digits := d.digits
	if d.negative && len(digits) > 0 {
		dst = append(dst, '-')
	}
	whole := int64(len(digits)) - d.scale
	if whole <= 0 {
		dst = append(dst, '0')
	} else {
		dst, digits = append(dst, digits[:whole]...), digits[whole:]
	}
	if d.scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for ; whole < 0; whole++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// append appends the number as BigDecimal.toString does: with an exponent where the scale
// is negative or the number below 10^-6.
func (d decimal) append(dst []byte) []byte {
	n := max(int64(len(d.digits)), 1) // zero has one digit
	adjusted := n - 1 - d.scale
	if d.scale >= 0 && adjusted >= -6 {
		return d.appendPlain(dst)
	}
	if d.negative && len(d.digits) > 0 {
		dst = append(dst, '-')
	}
	if len(d.digits) == 0 {
		dst = append(dst, '0')
	} else {
		dst = append(dst, d.digits[0])
	}
	if n > 1 {
		dst = append(append(dst, '.'), d.digits[1:]...)
	}
	dst = append(dst, 'E')
	if adjusted >= 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, adjusted, 10)
}
