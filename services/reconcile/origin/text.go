package origin

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/hefu-io/hefu/domain"
)

// recordText is what the hub and the table should have of a record's bytes.
type recordText struct {
	of  func(string) string // nil: this package cannot say
	why string              // it cannot
}

// textOf says how the records of a source become text.
func textOf(f domain.SourceFormat) recordText {
	switch charset := strings.ToUpper(strings.ReplaceAll(f.Charset, "_", "-")); {
	case f.Kind == domain.FormatJSON:
		return recordText{why: "the source's records are json, which the reconciler does not read"}
	case f.Binary:
		return recordText{of: func(in string) string { return base64.StdEncoding.EncodeToString([]byte(in)) }}
	case charset == "" || charset == "UTF-8" || charset == "UTF8":
		return recordText{of: javaText}
	case charset == "ISO-8859-1" || charset == "ISO8859-1" || charset == "LATIN1":
		return recordText{of: latin(0x100)}
	case charset == "US-ASCII" || charset == "ASCII":
		return recordText{of: latin(0x80)}
	default:
		return recordText{why: "the source's charset is " + f.Charset + ", which the reconciler does not read"}
	}
}

// latin makes a character of each byte below the limit, and U+FFFD of the others.
func latin(limit rune) func(string) string {
	return func(in string) string {
		out := make([]rune, len(in))
		for i := range len(in) {
			if out[i] = rune(in[i]); out[i] >= limit {
				out[i] = utf8.RuneError
			}
		}
		return string(out)
	}
}

// javaText is what java.lang.String makes of bytes as UTF-8: U+FFFD for what is malformed, one
// for each piece that the JDK's decoder calls malformed (golden/flink/README.md, section 1.7;
// JDK 17).
func javaText(in string) string {
	if utf8.ValidString(in) {
		return in
	}
	var out []rune
	for len(in) > 0 {
		r, n := javaRune(in)
		out = append(out, r)
		in = in[n:]
	}
	return string(out)
}

// javaRune decodes the first character, or says how many bytes are one malformed piece.
func javaRune(b string) (rune, int) {
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
