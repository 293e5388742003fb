package target

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// fast reads what Hefu writes, and all that is like it: a flat object, in any order and with
// any white space. It gives up, false, on whatever is seldom, or no row at all; the slow way
// then says what it is.
func (d *decoder) fast(v []byte) bool {
	i := space(v, 0)
	if i == len(v) || v[i] != '{' {
		return false
	}
	if i = space(v, i+1); i < len(v) && v[i] == '}' {
		return space(v, i+1) == len(v)
	}
	for next := 0; ; {
		at, end := d.key(v, i, next)
		if i = space(v, end); end < 0 || i == len(v) || v[i] != ':' {
			return false
		}
		if i = space(v, i+1); i == len(v) {
			return false
		}
		if at < 0 {
			end = d.skip(v, i)
		} else {
			next, end = at+1, d.value(v, i, at)
		}
		if i = space(v, end); end < 0 || i == len(v) || v[i] != ',' && v[i] != '}' {
			return false
		}
		if v[i] == '}' {
			return space(v, i+1) == len(v)
		}
		i = space(v, i+1)
	}
}

// space is the first place from i on that is no white space.
func space(v []byte, i int) int {
	for i >= 0 && i < len(v) && (v[i] == ' ' || v[i] == '\n' || v[i] == '\r' || v[i] == '\t') {
		i++
	}
	return i
}

// key finds the field that a name at i is of, -1 for another one's, most likely the next one;
// end is behind it, -1 where there is none that is easily read.
func (d *decoder) key(v []byte, i, next int) (at, end int) {
	if next < len(d.f.fields) {
		if q := d.f.fields[next].quoted; q != nil && bytes.HasPrefix(v[i:], q) {
			return next, i + len(q)
		}
	}
	if i == len(v) || v[i] != '"' {
		return -1, -1
	}
	end = plain(v, i+1)
	if end == len(v) || v[end] != '"' {
		return -1, -1
	}
	end++
	for at := range d.f.fields {
		if bytes.Equal(v[i:end], d.f.fields[at].quoted) {
			return at, end
		}
	}
	return -1, end
}

// plain is the first place from i on that needs a look inside a string.
func plain(v []byte, i int) int {
	for i < len(v) && v[i] >= ' ' && v[i] != '"' && v[i] != '\\' && v[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// value reads the value at i of a field; its end, or -1.
func (d *decoder) value(v []byte, i, at int) int {
	f := &d.f.fields[at]
	if d.seen[at] {
		return -1
	}
	d.seen[at] = true
	if v[i] == 'n' {
		return literal(v, i)
	}
	switch f.kind {
	case anything:
		d.filled = f.name
		return d.skip(v, i)
	case aText:
		text, end := appendString(d.text, v, i)
		if end > 0 {
			d.put(f.col, text)
		}
		return end
	case aNumber:
		return d.number(f, v, i)
	case numeral, aTime:
		end := plain(v, min(i+1, len(v)))
		if v[i] != '"' || end == len(v) || v[end] != '"' {
			return -1
		}
		text := v[i+1 : end]
		if f.kind == numeral && isWhole(text) {
			d.put(f.col, append(d.text, text...))
		} else if f.kind == numeral || !d.putTime(f, text) {
			return -1
		}
		return end + 1
	}
	return -1
}

func (d *decoder) number(f *field, v []byte, i int) int {
	end := i
	for end < len(v) && (isDigit(v[end]) || v[end] == '-') {
		end++
	}
	if !isWhole(v[i:end]) || end < len(v) && (v[end] == '.' || v[end]|0x20 == 'e') {
		return -1
	}
	d.put(f.col, append(d.text, v[i:end]...))
	return end
}

// skip passes over a value that is no object and no array; its end, or -1.
func (d *decoder) skip(v []byte, i int) int {
	switch c := v[i]; {
	case c == '"':
		_, end := appendString(d.text, v, i) // and nobody takes it
		return end
	case c == '-' || isDigit(c):
		return endOfNumber(v, i)
	}
	return literal(v, i)
}

// endOfNumber is the end of the number at i, or -1.
func endOfNumber(v []byte, i int) int {
	digits := func() bool {
		from := i
		for i < len(v) && isDigit(v[i]) {
			i++
		}
		return i > from
	}
	if v[i] == '-' {
		i++
	}
	if i < len(v) && v[i] == '0' {
		i++
	} else if !digits() {
		return -1
	}
	if i < len(v) && v[i] == '.' {
		if i++; !digits() {
			return -1
		}
	}
	if i < len(v) && v[i]|0x20 == 'e' {
		if i++; i < len(v) && (v[i] == '+' || v[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}

func literal(v []byte, i int) int {
	for _, word := range [...]string{"null", "true", "false"} {
		if len(v)-i >= len(word) && string(v[i:i+len(word)]) == word {
			return i + len(word)
		}
	}
	return -1
}

// appendString appends the string at i without its escapes; its end, or -1.
func appendString(dst, v []byte, i int) ([]byte, int) {
	if v[i] != '"' {
		return dst, -1
	}
	from, ascii := len(dst), true
	for i++; ; {
		end := plain(v, i)
		dst = append(dst, v[i:end]...)
		if i = end; i == len(v) {
			return dst, -1
		}
		switch c := v[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(dst[from:]) {
				return dst, -1
			}
			return dst, i + 1
		case c >= utf8.RuneSelf:
			for ascii = false; i < len(v) && v[i] >= utf8.RuneSelf; i++ {
				dst = append(dst, v[i])
			}
		case c == '\\':
			if dst, i = appendEscape(dst, v, i+1); i < 0 {
				return dst, -1
			}
		default:
			return dst, -1
		}
	}
}

// appendEscape appends what an escape means whose letter is at i; its end, or -1.
func appendEscape(dst, v []byte, i int) ([]byte, int) {
	if i == len(v) {
		return dst, -1
	}
	switch c := v[i]; c {
	case '"', '\\', '/':
		return append(dst, c), i + 1
	case 'b':
		return append(dst, '\b'), i + 1
	case 'f':
		return append(dst, '\f'), i + 1
	case 'n':
		return append(dst, '\n'), i + 1
	case 'r':
		return append(dst, '\r'), i + 1
	case 't':
		return append(dst, '\t'), i + 1
	case 'u':
		r, end := hex4(v, i+1)
		if end > 0 && utf16.IsSurrogate(r) {
			low := rune(-1)
			if end+1 < len(v) && v[end] == '\\' && v[end+1] == 'u' {
				low, end = hex4(v, end+2)
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError { // half a character
				return dst, -1
			}
		}
		return utf8.AppendRune(dst, r), end
	}
	return dst, -1
}

func hex4(v []byte, i int) (r rune, end int) {
	if i+4 > len(v) {
		return 0, -1
	}
	for _, c := range v[i : i+4] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, -1
		}
	}
	return r, i + 4
}
