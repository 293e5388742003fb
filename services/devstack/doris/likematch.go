package doris

import (
	"database/sql/driver"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// likeText is LIKE as Doris has it: letters count, case included; sqlite's own ignores case.
func likeText(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	text, ok := args[0].(string)
	pattern, _ := args[1].(string)
	if !ok {
		return nil, nil
	}
	return matches(text, pattern), nil
}

// matches says whether a whole text is like a pattern: % is anything, _ one letter, a backslash takes the next letter
// as it is.
func matches(text, pattern string) bool {
	back, from := -1, 0 // the last %: what follows it in the pattern, and how much of the text it has taken
	t, p := 0, 0
	for t < len(text) {
		_, n := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '%':
			p++
			back, from = p, t
			continue
		case p < len(pattern) && pattern[p] == '_':
			p++
			t += n
			continue
		}
		width, ok := sameLetter(text[t:t+n], pattern[p:])
		switch {
		case ok:
			t += n
			p += width
		case back >= 0:
			_, step := utf8.DecodeRuneInString(text[from:])
			from += step
			t, p = from, back
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}

// sameLetter compares one letter with the head of a pattern, and says how long that head is.
func sameLetter(letter, pattern string) (width int, same bool) {
	skip := 0
	if len(pattern) > 1 && pattern[0] == '\\' {
		skip = 1
	}
	if len(pattern) < skip+len(letter) {
		return 0, false
	}
	return skip + len(letter), pattern[skip:skip+len(letter)] == letter
}
