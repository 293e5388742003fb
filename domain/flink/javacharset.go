package flink

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// charset appends text in a charset of Java's as UTF-8, with U+FFFD where Java puts it.
type charset func(dst, src []byte) []byte

// findCharset finds a charset by a name that Java knows, in any case. UTF-8 is nil: its
// text is kept as it came and decoded where it is written (javatext.go). Of those that
// Java has these are the ones whose every byte was compared (testdata/charsets.txt).
func findCharset(name string) (charset, error) {
	switch strings.ReplaceAll(strings.ToUpper(name), "_", "-") {
	case "", "UTF-8", "UTF8":
		return nil, nil
	case "US-ASCII", "ASCII":
		return appendASCII, nil
	case "ISO-8859-1", "ISO8859-1", "LATIN1":
		return appendLatin1, nil
	case "UTF-16", "UTF16":
		return appendUTF16, nil
	case "UTF-16BE":
		return func(dst, src []byte) []byte { return appendUTF16Units(dst, src, true) }, nil
	case "UTF-16LE":
		return func(dst, src []byte) []byte { return appendUTF16Units(dst, src, false) }, nil
	case "GB2312", "EUC-CN":
		return newDoubleByte(gb2312Table(), nil).append, nil
	case "GBK", "CP936":
		return newDoubleByte(gbkTable(simplifiedchinese.GBK, gbkPrivate()), nil).append, nil
	case "GB18030":
		return newDoubleByte(gbkTable(simplifiedchinese.GB18030, gb18030Private()), simplifiedchinese.GB18030.NewDecoder()).append, nil
	}
	return nil, fmt.Errorf("charset %q is not known; allowed: UTF-8, UTF-16, UTF-16BE, UTF-16LE, US-ASCII, ISO-8859-1, GB2312, GBK, GB18030", name)
}

func appendASCII(dst, src []byte) []byte {
	for _, c := range src {
		if c < utf8.RuneSelf {
			dst = append(dst, c)
		} else {
			dst = append(dst, replacement...)
		}
	}
	return dst
}

func appendLatin1(dst, src []byte) []byte {
	for _, c := range src {
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}
