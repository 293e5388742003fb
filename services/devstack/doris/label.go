package doris

import (
	"unicode"
	"unicode/utf8"
)

const (
	labelRegex = `^[\-_A-Za-z0-9:\p{L}]{1,128}$`
	labelMax   = 128
)

// checkLabel applies the front end's label rule (its unicode form, the default since 2025).
func checkLabel(label string) error {
	if label == "" {
		return refuse("empty label in begin request")
	}
	ok := utf8.ValidString(label) && utf8.RuneCountInString(label) <= labelMax
	for _, c := range label {
		ok = ok && (c == '-' || c == '_' || c == ':' || c >= '0' && c <= '9' || unicode.IsLetter(c))
	}
	if !ok {
		return refuse("Label format error. regex: %s, label: %s", labelRegex, label)
	}
	return nil
}
