package doris

import (
	"strings"
)

// lexKind is what a word of a statement is.
type lexKind uint8

const (
	lexEnd    lexKind = iota
	lexWord           // bare identifier or keyword
	lexName           // `quoted` identifier
	lexString         // 'text' or "text", unescaped
	lexNumber         // digits
	lexVar            // @@name, without scope
	lexSign           // operator or punctuation
)

// lexeme is one word, and where its text ends up in the statement.
type lexeme struct {
	kind     lexKind
	text     string
	from, to int
}

// lex cuts a statement into lexemes; the last is lexEnd.
func lex(sql string) ([]lexeme, error) {
	var out []lexeme
	for i := 0; i < len(sql); {
		c := sql[i]
		from := i
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case strings.HasPrefix(sql[i:], "--") || c == '#':
			i = skipTo(sql, i, "\n")
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = skipTo(sql, i, "*/")
			continue
		case c == '\'' || c == '"' || c == '`':
			text, end, err := quoted(sql, i)
			if err != nil {
				return nil, err
			}
			kind := lexString
			if c == '`' {
				kind = lexName
			}
			out = append(out, lexeme{kind, text, from, end})
			i = end
		case c >= '0' && c <= '9':
			for i < len(sql) && (isWord(sql[i]) || sql[i] == '.') {
				i++
			}
			out = append(out, lexeme{lexNumber, sql[from:i], from, i})
		case isWord(c):
			for i < len(sql) && isWord(sql[i]) {
				i++
			}
			out = append(out, lexeme{lexWord, sql[from:i], from, i})
		case strings.HasPrefix(sql[i:], "@@"):
			for i += 2; i < len(sql) && (isWord(sql[i]) || sql[i] == '.'); i++ {
			}
			name := strings.ToLower(sql[from+2 : i])
			name = strings.TrimPrefix(strings.TrimPrefix(name, "session."), "global.")
			out = append(out, lexeme{lexVar, name, from, i})
		default:
			i += signLen(sql[i:])
			out = append(out, lexeme{lexSign, sql[from:i], from, i})
		}
	}
	return append(out, lexeme{lexEnd, "", len(sql), len(sql)}), nil
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

func skipTo(sql string, i int, end string) int {
	if n := strings.Index(sql[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(sql)
}

func signLen(s string) int {
	for _, two := range [...]string{"<=>", "<>", "!=", "<=", ">=", "||", "&&"} {
		if strings.HasPrefix(s, two) {
			return len(two)
		}
	}
	return 1
}

// quoted reads a quoted text with MySQL's backslash escapes (none within backquotes) and doubled quotes.
func quoted(sql string, i int) (text string, end int, err error) {
	q := sql[i]
	var b strings.Builder
	for i++; i < len(sql); i++ {
		switch c := sql[i]; {
		case c == q && i+1 < len(sql) && sql[i+1] == q:
			b.WriteByte(q)
			i++
		case c == q:
			return b.String(), i + 1, nil
		case c == '\\' && q != '`' && i+1 < len(sql):
			i++
			b.WriteString(unescape(sql[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, refuse("mismatched quote %c in statement", q)
}

func unescape(c byte) string {
	switch c {
	case '0':
		return "\x00"
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case 'b':
		return "\b"
	case 'Z':
		return "\x1a"
	case '%', '_':
		return "\\" + string(c)
	default:
		return string(c)
	}
}
