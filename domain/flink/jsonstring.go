package flink

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text moves over the string that begins here and appends what it says to dst: UTF-8, in
// which surrogates that stand alone have three bytes each, as if they were characters.
func (t *jsonText) text(dst []byte) ([]byte, error) {
	t.at++
	for start := t.at; t.at < len(t.b); {
		c := t.b[t.at]
		if c != '"' && c != '\\' && c < utf8.RuneSelf {
			t.at++
			continue
		}
		dst = append(dst, t.b[start:t.at]...)
		var err error
		switch c {
		case '"':
			t.at++
			return dst, nil
		case '\\':
			dst, err = t.escape(dst)
		default:
			dst, err = t.character(dst)
		}
		if err != nil {
			return dst, err
		}
		start = t.at
	}
	return dst, t.malformed("a string does not end")
}

// escape appends what an escape stands for.
func (t *jsonText) escape(dst []byte) ([]byte, error) {
	if t.at+1 >= len(t.b) {
		return dst, t.malformed("a string does not end")
	}
	c := t.b[t.at+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		unit := 0
		for i := t.at + 2; i < t.at+6; i++ {
			digit := -1
			if i < len(t.b) {
				digit = hexValue(t.b[i])
			}
			if digit < 0 {
				return dst, t.malformed("an escape without four hex digits")
			}
			unit = unit<<4 | digit
		}
		t.at += 6
		return appendUnit(dst, uint16(unit)), nil
	default:
		return dst, t.malformed("an escape that is none")
	}
	t.at += 2
	return append(dst, c), nil
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	default:
		return -1
	}
}

// character appends the character of more than one byte that stands here. Jackson looks at
// the first byte and at the mark of those that follow, and computes: what UTF-8 forbids
// beyond that gives other characters, or surrogates, as Java's arithmetic has it.
func (t *jsonText) character(dst []byte) ([]byte, error) {
	first := t.b[t.at]
	var n int
	switch {
	case first&0xE0 == 0xC0:
		n = 2
	case first&0xF0 == 0xE0:
		n = 3
	case first&0xF8 == 0xF0:
		n = 4
	default:
		return dst, t.malformed("not UTF-8")
	}
	if t.at+n > len(t.b) {
		return dst, t.malformed("not UTF-8")
	}
	char := int32(first) & (0x7F >> n)
	for _, c := range t.b[t.at+1 : t.at+n] {
		if c&0xC0 != 0x80 {
			return dst, t.malformed("not UTF-8")
		}
		char = char<<6 | int32(c&0x3F)
	}
	t.at += n
	if n < 4 {
		return appendUnit(dst, uint16(char)), nil
	}
	char -= 0x10000
	return appendUnit(appendUnit(dst, uint16(0xD800|char>>10)), uint16(0xDC00|char&0x3FF)), nil
}

// appendUnit appends a UTF-16 unit; the second half of a pair takes the first one's place.
func appendUnit(dst []byte, unit uint16) []byte {
	if !utf16.IsSurrogate(rune(unit)) {
		return utf8.AppendRune(dst, rune(unit))
	}
	if n := len(dst) - 3; unit >= 0xDC00 && n >= 0 && dst[n] == 0xED && dst[n+1] >= 0xA0 && dst[n+1] < 0xB0 {
		high := 0xD000 | rune(dst[n+1]&0x3F)<<6 | rune(dst[n+2]&0x3F)
		return utf8.AppendRune(dst[:n], utf16.DecodeRune(high, rune(unit)))
	}
	return append(dst, byte(0xE0|unit>>12), byte(0x80|unit>>6&0x3F), byte(0x80|unit&0x3F))
}
