package flink

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// value moves over the value that begins at the present place and reads it as the type of
// its column. errUnfit says that it is none of that type; it is moved over all the same.
func (r *jsonReader) value(v *Value, typ SQLType) error {
	switch c := r.t.peek(); {
	case c == '{' || c == '[':
		if typ.Kind == SQLString {
			return r.container(v)
		}
		if err := r.t.skip(); err != nil {
			return err
		}
		if typ.Kind == SQLBoolean {
			return nil // false: its text is a bracket
		}
		return errUnfit
	case c == '"':
		at := len(r.buf)
		var err error
		if r.buf, err = r.t.text(r.buf); err != nil {
			return err
		}
		return r.quoted(v, typ, r.buf[at:len(r.buf):len(r.buf)])
	}
	text, err := r.t.scalar()
	if err != nil {
		return err
	}
	if text[0] == 'n' {
		*v = Value{Null: true, Int: present}
		return nil
	}
	return r.scalar(v, typ, text)
}

// container keeps an object or an array as text.
func (r *jsonReader) container(v *Value) (err error) {
	at := len(r.buf)
	r.buf, err = r.tree.append(r.buf, &r.t)
	v.Text = r.buf[at:len(r.buf):len(r.buf)]
	return err
}

// scalar reads a number, true or false.
func (r *jsonReader) scalar(v *Value, typ SQLType, text []byte) error {
	number := text[0] <= '9'
	fraction := number && bytes.ContainsAny(text, ".eE")
	switch typ.Kind {
	case SQLString:
		v.Text = text
	case SQLBoolean:
		v.Int = int64(boolInt(text[0] == 't'))
	case SQLInt, SQLBigint:
		if fraction {
			return wholeOf(v, typ, text)
		}
		return whole(v, typ, text)
	case SQLTinyint, SQLSmallint:
		return whole(v, typ, text)
	case SQLFloat, SQLDouble:
		if !number {
			return errUnfit
		}
		return parseReal(v, typ, string(text))
	case SQLDecimal:
		if !number {
			return errUnfit
		}
		return r.decimal(v, typ, text)
	default: // a time, BYTES
		return errUnfit
	}
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// quoted reads a string.
func (r *jsonReader) quoted(v *Value, typ SQLType, text []byte) error {
	switch typ.Kind {
	case SQLString:
		v.Text = text
	case SQLBoolean:
		v.Int = int64(boolInt(strings.EqualFold(string(trim(text)), "true")))
	case SQLTinyint, SQLSmallint, SQLInt, SQLBigint:
		return whole(v, typ, arabicDigits(trim(text)))
	case SQLFloat, SQLDouble:
		return javaReal(v, typ, string(trim(text)))
	case SQLDecimal:
		return r.decimal(v, typ, arabicDigits(trim(text)))
	case SQLBytes:
		return base64Of(v, text)
	default:
		return r.time(v, typ, string(text))
	}
	return nil
}

// trim is String.trim.
func trim(text []byte) []byte {
	return bytes.TrimFunc(text, func(c rune) bool { return c <= ' ' })
}

// whole reads a whole number that the type has room for: Integer.parseInt and its like.
func whole(v *Value, typ SQLType, text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, typ.Kind.integer())
	if err != nil {
		return errUnfit
	}
	v.Int = n
	return nil
}

// wholeOf cuts the fraction off a number, which must lie between the ends of the type as a
// double: 2^63 is that of BIGINT, and becomes the last number before it.
func wholeOf(v *Value, typ SQLType, text []byte) error {
	f, _ := strconv.ParseFloat(string(text), 64)
	bits := typ.Kind.integer()
	first, last := -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)
	if bits < 64 {
		last-- // a double holds it
	}
	switch {
	case f < first || f > last:
		return errUnfit
	case f == math.Ldexp(1, 63):
		v.Int = math.MaxInt64
	default:
		v.Int = int64(f)
	}
	return nil
}

// parseReal reads a FLOAT or a DOUBLE; what is out of range is infinite, or zero.
func parseReal(v *Value, typ SQLType, text string) error {
	bits := 64
	if typ.Kind == SQLFloat {
		bits = 32
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil && f == 0 { // a syntax error; out of range is ±Inf
		return errUnfit
	}
	v.Float = f
	return nil
}

// javaReal reads what Double.parseDouble reads: also NaN and Infinity with a sign, a
// hexadecimal form, and a d or f at the end.
func javaReal(v *Value, typ SQLType, text string) error {
	unsigned := strings.TrimLeft(text, "+-")
	if len(text)-len(unsigned) > 1 {
		return errUnfit
	}
	switch {
	case unsigned == "NaN":
		v.Float = math.NaN()
		return nil
	case unsigned == "Infinity":
		v.Float = math.Inf(1)
		if text[0] == '-' {
			v.Float = math.Inf(-1)
		}
		return nil
	case unsigned == "" || unsigned[0] != '.' && (unsigned[0] < '0' || unsigned[0] > '9') || strings.Contains(text, "_"):
		return errUnfit
	}
	hex := len(unsigned) > 1 && unsigned[1]|0x20 == 'x'
	if last := text[len(text)-1] | 0x20; (last == 'd' || last == 'f') && (!hex || strings.ContainsAny(text, "pP")) {
		text = text[:len(text)-1]
	}
	return parseReal(v, typ, text)
}

// decimal reads a DECIMAL. One that has more digits before the point than there is room
// for is NULL, as in Flink.
func (r *jsonReader) decimal(v *Value, typ SQLType, text []byte) error {
	d, ok := parseDecimal(text, r.digits[:0])
	if !ok {
		return errUnfit
	}
	d, ok = d.round(typ.Precision, typ.Scale)
	r.digits = d.digits[:0]
	if !ok {
		*v = Value{Null: true, Int: present}
		return nil
	}
	at := len(r.buf)
	r.buf = d.appendPlain(r.buf)
	v.Text = r.buf[at:len(r.buf):len(r.buf)]
	return nil
}

// arabicDigits writes the digits of other scripts, as Character.digit knows them, as 0 to 9.
func arabicDigits(text []byte) []byte {
	if bytes.IndexFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }) < 0 {
		return text
	}
	return bytes.Map(func(c rune) rune {
		for _, r := range unicode.Nd.R16 {
			if uint16(c) >= r.Lo && uint16(c) <= r.Hi && c <= math.MaxUint16 {
				return '0' + (c-rune(r.Lo))%10
			}
		}
		return c
	}, text)
}

// base64Of reads BYTES as Jackson does: groups of four characters, each of them filled up,
// white space between them.
func base64Of(v *Value, text []byte) error {
	var out []byte
	for {
		text = bytes.TrimLeftFunc(text, func(c rune) bool { return c <= ' ' })
		if len(text) == 0 {
			v.Text = base64.StdEncoding.AppendEncode([]byte{}, out)
			return nil
		}
		if len(text) < 4 {
			return errUnfit
		}
		var err error
		if bytes.ContainsAny(text[:4], "\r\n") { // which Go would leave out
			return errUnfit
		}
		if out, err = base64.StdEncoding.AppendDecode(out, text[:4]); err != nil {
			return errUnfit
		}
		text = text[4:]
	}
}
