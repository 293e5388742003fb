package reconcile

import "unicode/utf8"

// javaText is what java.lang.String makes of bytes as UTF-8: U+FFFD for what is
// malformed, one for each piece that the JDK's decoder calls malformed
// (golden/flink/README.md, section 1.7; JDK 17).
func javaText(in []byte) string {
	if utf8.Valid(in) {
		return string(in)
	}
	var out []rune
	for i := 0; i < len(in); {
		r, n := javaRune(in[i:])
		out = append(out, r)
		i += n
	}
	return string(out)
}

// javaRune decodes the first character, or says how many bytes are one malformed piece.
func javaRune(b []byte) (rune, int) {
	const bad = utf8.RuneError
	follows := func(i int) bool { return i < len(b) && b[i]&0xC0 == 0x80 }
	switch c := b[0]; {
	case c < 0x80:
		return rune(c), 1
	case c >= 0xC2 && c <= 0xDF:
		if !follows(1) {
			return bad, 1
		}
		return rune(c&0x1F)<<6 | rune(b[1]&0x3F), 2
	case c >= 0xE0 && c <= 0xEF:
		if !follows(1) || c == 0xE0 && b[1] < 0xA0 {
			return bad, 1
		}
		if !follows(2) {
			return bad, 2
		}
		r := rune(c&0x0F)<<12 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F)
		if r >= 0xD800 && r <= 0xDFFF {
			return bad, 3 // a surrogate is one malformed piece of three bytes
		}
		return r, 3
	case c >= 0xF0 && c <= 0xF4:
		if !follows(1) || c == 0xF0 && b[1] < 0x90 || c == 0xF4 && b[1] > 0x8F {
			return bad, 1
		}
		if !follows(2) {
			return bad, 2
		}
		if !follows(3) {
			return bad, 3
		}
		return rune(c&0x07)<<18 | rune(b[1]&0x3F)<<12 | rune(b[2]&0x3F)<<6 | rune(b[3]&0x3F), 4
	default:
		return bad, 1
	}
}
