package kafkaconn

import "strings"

// The kinds of tokens; any other is the character that stands for itself.
const (
	jaasWord   rune = -1 // a word, or a text in quotes
	jaasNumber rune = -2 // which Kafka takes for no value at all
)

// jaasTokens splits a text as java.io.StreamTokenizer does with the settings of
// Kafka's JaasConfig: comments of both kinds, and '-', '_' and '$' in words. A
// lone '/' begins a comment, too, which is why a path needs quotes.
type jaasTokens struct {
	rest []rune
	kind rune
	text string // of a word
}

// next reads one token, and is false at the end.
func (t *jaasTokens) next() bool {
	t.skip()
	if len(t.rest) == 0 {
		t.kind, t.text = 0, ""
		return false
	}
	c := t.rest[0]
	switch {
	case t.startsNumber():
		t.kind, t.text = jaasNumber, t.while(isJAASDigit)
	case isJAASLetter(c):
		t.kind, t.text = jaasWord, t.while(func(c rune) bool { return isJAASLetter(c) || isJAASDigit(c) })
	case c == '"' || c == '\'':
		t.kind, t.text = jaasWord, t.quoted(c)
	default:
		t.kind, t.text, t.rest = c, "", t.rest[1:]
	}
	return true
}

// skip passes over white space and comments.
func (t *jaasTokens) skip() {
	for len(t.rest) > 0 {
		switch {
		case t.rest[0] <= ' ':
			t.rest = t.rest[1:]
		case t.rest[0] == '/' && len(t.rest) > 1 && t.rest[1] == '*':
			end := strings.Index(string(t.rest[2:]), "*/")
			if end < 0 {
				t.rest = nil
				return
			}
			t.rest = []rune(string(t.rest[2:])[end+2:])
		case t.rest[0] == '/':
			t.while(func(c rune) bool { return c != '\n' && c != '\r' })
		default:
			return
		}
	}
}

// while takes the characters that ok is true of.
func (t *jaasTokens) while(ok func(rune) bool) string {
	n := 0
	for n < len(t.rest) && ok(t.rest[n]) {
		n++
	}
	text := string(t.rest[:n])
	t.rest = t.rest[n:]
	return text
}

// startsNumber says whether a digit comes, or a full stop, or a minus before
// one of these; another minus stands for itself.
func (t *jaasTokens) startsNumber() bool {
	c := t.rest[0]
	if c == '-' {
		return len(t.rest) > 1 && t.rest[1] != '-' && isJAASDigit(t.rest[1])
	}
	return isJAASDigit(c)
}

// isJAASLetter is true of what a word begins with.
func isJAASLetter(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$' || c >= 128+32
}

func isJAASDigit(c rune) bool { return '0' <= c && c <= '9' || c == '.' || c == '-' }

// quoted reads a text in quotes, which a line break ends as well.
func (t *jaasTokens) quoted(quote rune) string {
	var b strings.Builder
	t.rest = t.rest[1:]
	for len(t.rest) > 0 && t.rest[0] != quote && t.rest[0] != '\n' && t.rest[0] != '\r' {
		c := t.rest[0]
		t.rest = t.rest[1:]
		if c == '\\' && len(t.rest) > 0 {
			c = t.escaped()
		}
		b.WriteRune(c)
	}
	if len(t.rest) > 0 && t.rest[0] == quote {
		t.rest = t.rest[1:]
	}
	return b.String()
}

// escaped reads what comes after a backslash.
func (t *jaasTokens) escaped() rune {
	c := t.rest[0]
	if '0' <= c && c <= '7' {
		most := 2 // \377 is the highest
		if c <= '3' {
			most = 3
		}
		var n rune
		for i := 0; i < most && len(t.rest) > 0 && '0' <= t.rest[0] && t.rest[0] <= '7'; i++ {
			n, t.rest = n<<3+(t.rest[0]-'0'), t.rest[1:]
		}
		return n
	}
	t.rest = t.rest[1:]
	if i := strings.IndexRune("abfnrtv", c); i >= 0 {
		return []rune("\a\b\f\n\r\t\v")[i]
	}
	return c
}
