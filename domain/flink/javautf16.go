package flink

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUTF16 appends text in Java's UTF-16: by its byte order mark, big-endian without.
func appendUTF16(dst, src []byte) []byte {
	if len(src) >= 2 {
		switch binary.BigEndian.Uint16(src) {
		case 0xFEFF:
			return appendUTF16Units(dst, src[2:], true)
		case 0xFFFE:
			return appendUTF16Units(dst, src[2:], false)
		}
	}
	return appendUTF16Units(dst, src, true)
}

// appendUTF16Units appends text as java.lang.String decodes UTF-16: one U+FFFD for half a
// pair, together with the unit that stands where the other half should, and for what is
// left at the end.
func appendUTF16Units(dst, src []byte, bigEndian bool) []byte {
	unit := binary.LittleEndian.Uint16
	if bigEndian {
		unit = binary.BigEndian.Uint16
	}
	for len(src) >= 2 {
		c := rune(unit(src))
		switch {
		case !utf16.IsSurrogate(c):
			dst, src = utf8.AppendRune(dst, c), src[2:]
		case c >= 0xDC00:
			dst, src = append(dst, replacement...), src[2:]
		case len(src) < 4:
			return append(dst, replacement...)
		default:
			dst, src = utf8.AppendRune(dst, utf16.DecodeRune(c, rune(unit(src[2:])))), src[4:]
		}
	}
	if len(src) > 0 {
		dst = append(dst, replacement...)
	}
	return dst
}
