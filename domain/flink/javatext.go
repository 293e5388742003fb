package flink

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// The text of a row is whatever java.lang.String makes of its bytes, because the hub's
// readers were built against a Flink job that did exactly that: the raw format hands the
// bytes over unchecked, the JSON writer decodes them with the JDK's UTF-8 decoder and
// escapes the result with Jackson. Measured byte for byte on Flink 1.20.3 and 2.2.1 (JDK
// 17); testdata/javatext.txt has a line for each rule. Neither []rune, strings.ToValidUTF8
// nor encoding/json gives these bytes.
const (
	replacement  = "\uFFFD"
	hexDigits    = "0123456789ABCDEF"
	shortEscapes = "\x00\x00\x00\x00\x00\x00\x00\x00btn\x00fr" // by control character; 0: there is none

	everyByte = 0x0101010101010101 // a byte times this stands in each of a word's eight bytes
	highBits  = 0x80 * everyByte
	stepRoom  = 16 // spare capacity that a step of the word loop may touch: a word and an escape
)

// AppendJSONString appends src as a JSON string, quotes included, with the bytes that
// Flink's JSON format writes for a STRING read by its raw format: quote and backslash
// escaped, \b \t \n \f \r short, other controls as \u00XX in upper case, characters beyond
// the BMP as an escaped surrogate pair, malformed UTF-8 as U+FFFD in Java's counts (see
// JavaText), all else as it is. The result is always valid JSON and never shorter than src.
//
// It allocates only where dst lacks the capacity. src must not overlap dst's spare
// capacity, and what that capacity holds beyond the result afterwards is undefined: words
// are stored whole and trimmed.
func AppendJSONString(dst, src []byte) []byte {
	dst = append(slices.Grow(dst, len(src)+2), '"')
	for len(src) > 0 {
		for len(src) >= 8 && cap(dst)-len(dst) >= stepRoom {
			word, end := binary.LittleEndian.Uint64(src), len(dst)
			dst = dst[:end+stepRoom]
			binary.LittleEndian.PutUint64(dst[end:], word)
			found := notPlain(word)
			if found == 0 {
				dst, src = dst[:end+8], src[8:]
				continue
			}
			plain := bits.TrailingZeros64(found) / 8
			c := src[plain]
			if c != '"' && c != '\\' {
				dst, src = appendSpecial(dst[:end+plain], src[plain:])
				continue
			}
			binary.LittleEndian.PutUint16(dst[end+plain:], '\\'|uint16(c)<<8)
			dst, src = dst[:end+plain+2], src[plain+1:]
		}
		// The last bytes of src, or of dst's capacity: append grows dst, and the word
		// loop takes over again.
		if len(src) > 0 {
			dst, src = appendSpecial(dst, src)
		}
	}
	return append(dst, '"')
}

// notPlain flags, by its high bit, the lowest byte of word that cannot be copied into a
// JSON string as it is: a control, a quote, a backslash, or anything that is not ASCII.
// Bytes above that one may be flagged wrongly (borrows).
//
// Flipping bit 1 moves the quote (22) to 20, next to the controls, and nothing else across
// 21. The high bit of a byte that is not ASCII survives one of the subtractions at least.
func notPlain(word uint64) uint64 {
	controlOrQuote := (word ^ 0x02*everyByte) - 0x21*everyByte
	backslash := (word ^ 0x5C*everyByte) - everyByte
	return (controlOrQuote | backslash) & highBits
}

// appendSpecial appends the JSON text of the first character of src, whatever it is, or of
// a whole run of characters that are not ASCII, and returns what is left of src, which must
// not be empty.
func appendSpecial(dst, src []byte) (text, rest []byte) {
	switch c := src[0]; {
	case c >= utf8.RuneSelf:
		return appendNonASCII(dst, src)
	case c == '"' || c == '\\':
		dst = append(dst, '\\', c)
	case c >= ' ':
		dst = append(dst, c)
	case int(c) < len(shortEscapes) && shortEscapes[c] != 0:
		dst = append(dst, '\\', shortEscapes[c])
	default:
		dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst, src[1:]
}

// appendNonASCII appends the JSON text of src up to its next ASCII byte. Runs inside the
// BMP, such as Chinese, are copied at once.
func appendNonASCII(dst, src []byte) (text, rest []byte) {
	at := 0
	for at < len(src) && src[at] >= utf8.RuneSelf {
		n, ok := sequence(src[at:])
		if ok && n < 4 {
			at += n
			continue
		}
		dst = append(dst, src[:at]...)
		if ok {
			dst = appendSurrogates(dst, src[at:])
		} else {
			dst = append(dst, replacement...)
		}
		src, at = src[at+n:], 0
	}
	return append(dst, src[:at]...), src[at:]
}

// appendSurrogates appends the character beyond the BMP that p begins with (four valid
// bytes) as two escaped UTF-16 units.
func appendSurrogates(dst, p []byte) []byte {
	char, _ := utf8.DecodeRune(p)
	high, low := utf16.EncodeRune(char)
	for _, unit := range [2]rune{high, low} {
		dst = append(dst, '\\', 'u',
			hexDigits[unit>>12], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
	}
	return dst
}

// JavaText appends src as java.lang.String decodes it, in UTF-8: valid text unchanged, and
// one U+FFFD for each malformed piece, cut as Java cuts it: the longest beginning of a
// well-formed character, a whole surrogate (ED A0 80) counting as one, else one byte. It is
// the text that a JSON reader gets back from AppendJSONString, and what Doris holds in the
// column record.
//
// src must not overlap dst's spare capacity.
func JavaText(dst, src []byte) []byte {
	if utf8.Valid(src) {
		return append(dst, src...)
	}
	at := 0
	for at < len(src) {
		if src[at] < utf8.RuneSelf {
			at++
			continue
		}
		n, ok := sequence(src[at:])
		if ok {
			at += n
			continue
		}
		dst = append(append(dst, src[:at]...), replacement...)
		src, at = src[at+n:], 0
	}
	return append(dst, src...)
}

// sequence measures the character that p begins with, p[0] not being ASCII: its n bytes,
// or, where it is malformed, the n bytes that Java replaces by one U+FFFD. The rules are
// those of JDK 17's String.decodeUTF8_UTF16: it takes surrogates for structure and rejects
// them whole, and treats a character cut off by the end like one cut off by another byte.
func sequence(p []byte) (n int, ok bool) {
	first, low, high := p[0], byte(0x80), byte(0xBF)
	switch {
	case first < 0xC2 || first > 0xF4: // a continuation, an overlong form, beyond U+10FFFF
		return 1, false
	case first == 0xE0:
		low = 0xA0 // below it is overlong
	case first == 0xF0:
		low = 0x90 // below it is overlong
	case first == 0xF4:
		high = 0x8F // above it is beyond U+10FFFF
	}
	switch {
	case len(p) < 2 || p[1] < low || p[1] > high:
		return 1, false
	case first < 0xE0:
		return 2, true
	case len(p) < 3 || p[2]&0xC0 != 0x80:
		return 2, false
	case first < 0xF0:
		return 3, first != 0xED || p[1] < 0xA0
	case len(p) < 4 || p[3]&0xC0 != 0x80:
		return 3, false
	}
	return 4, true
}
