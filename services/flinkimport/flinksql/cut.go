package flinksql

import (
	"strings"
	"unicode"
)

// piece is one statement's tokens, without its semicolon.
type piece struct {
	tokens []token
	elided []Note
}

// starts says whether a word can begin a statement of Flink SQL or of its client.
func starts(word string) bool {
	switch strings.ToUpper(word) {
	case "SELECT", "WITH", "VALUES", "DESCRIBE", "DESC", "LOAD", "UNLOAD", "ADD", "REMOVE", "ANALYZE", "CALL", "TRUNCATE", "UPDATE",
		"DELETE", "COMPILE", "QUIT", "EXIT", "HELP", "CLEAR":
		return true
	}
	return begins(word)
}

// begins says whether a word at the beginning of a line begins a new statement even where the semicolon before it was
// forgotten.
func begins(word string) bool {
	switch strings.ToUpper(word) {
	case "CREATE", "INSERT", "SET", "RESET", "EXECUTE", "BEGIN", "END", "USE", "DROP", "ALTER", "EXPLAIN", "SHOW":
		return true
	}
	return false
}

// cut splits the tokens into statements and notes what is none.
func (s *Script) cut(tokens []token) []piece {
	var out []piece
	for len(tokens) > 0 {
		t := tokens[0]
		switch {
		case t.is(";"):
			tokens = tokens[1:]
		case t.upper() != "" && starts(t.Value):
			p, n := one(tokens)
			tokens = tokens[n:]
			out = append(out, p)
		case t.first && prose(line(tokens)):
			l := line(tokens)
			tokens = tokens[len(l):]
			s.Prose = append(s.Prose, Note{Pos: t.Pos, Text: spell(l)})
		default:
			s.problem(t.Pos, "%s begins no statement of Flink SQL%s", quote(t), hint(t))
			_, n := one(tokens)
			tokens = tokens[n:]
		}
	}
	return out
}

// one takes the statement that the tokens begin with and says how many they are.
func one(tokens []token) (piece, int) {
	if word(tokens, 0) == "EXECUTE" && word(tokens, 1) == "INSERT" {
		p, n := one(tokens[1:]) // the same without it
		return p, n + 1
	}
	if word(tokens, 0) == "EXECUTE" && word(tokens, 3) == "BEGIN" {
		return piece{tokens: tokens[:4]}, 4 // the bracket of a statement set has no semicolon
	}
	p := piece{tokens: tokens[:1:1]}
	cases := 0
	for i := 1; i < len(tokens); i++ {
		t := tokens[i]
		switch word(tokens, i) {
		case "CASE":
			cases++
		case "END":
			cases--
		}
		if t.is(";") || t.first && (follows(tokens, i) && cases < 1 || heading(tokens, i)) {
			return p, i
		}
		if l := line(tokens[i:]); t.first && dots(l) {
			if n := len(p.elided); n == 0 || p.elided[n-1].last+1 < t.Pos.Line {
				p.elided = append(p.elided, Note{Pos: t.Pos, Text: spell(l)})
			}
			p.elided[len(p.elided)-1].last = t.Pos.Line
			i += len(l) - 1
			if last := len(p.tokens) - 1; p.tokens[last].is(",") && i+1 < len(tokens) && tokens[i+1].is(")") {
				p.tokens = p.tokens[:last]
			}
			continue
		}
		p.tokens = append(p.tokens, t)
	}
	return p, len(tokens)
}

// follows says whether a new statement begins at token i, which is the first of its line.
func follows(tokens []token, i int) bool {
	switch before := word(tokens, i-1); word(tokens, i) {
	case "SET":
		return before != "STATEMENT"
	case "BEGIN":
		return before != "SET"
	default:
		return begins(tokens[i].upper())
	}
}

// word is token i in capitals where it is a word.
func word(tokens []token, i int) string {
	if i < 0 || i >= len(tokens) {
		return ""
	}
	return tokens[i].upper()
}

// line is the tokens that are on the line of the first.
func line(tokens []token) []token {
	for i, t := range tokens {
		if i > 0 && t.first {
			return tokens[:i]
		}
	}
	return tokens
}

// prose says whether a line between statements is none: it has a number in front, as a heading, or words that are not
// written in Latin letters, or no letters at all. A misspelt statement is not prose.
func prose(l []token) bool {
	if l[0].kind == "Number" || dots(l) {
		return true
	}
	letters := false
	for _, t := range l {
		letters = letters || t.kind != "Operator" && t.kind != "Other"
		if foreign(t) {
			return true
		}
	}
	return !letters
}

// foreign says whether a token outside of quotes is written in other than Latin letters.
func foreign(t token) bool {
	return (t.kind == "Ident" || t.kind == "Other") && strings.ContainsFunc(t.Value, func(r rune) bool {
		return r != unicode.ReplacementChar && unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r)
	})
}

// heading says whether a line inside a statement is a heading that a forgotten semicolon stands before: a number or #,
// then words of which one is not written in Latin letters; and nothing that a number could belong to before it.
func heading(tokens []token, i int) bool {
	l := line(tokens[i:])
	numbered := l[0].kind == "Number" || l[0].kind == "Other" && l[0].Value == "#"
	if before := tokens[i-1]; !numbered || before.kind == "Operator" && before.Value != ")" || before.upper() == "SELECT" {
		return false
	}
	for _, t := range l[1:] {
		if foreign(t) {
			return true
		}
	}
	return false
}

// dots says whether a line says that something was left out.
func dots(l []token) bool {
	for _, t := range l {
		if !strings.ContainsAny(t.Value, ".…。·") || t.kind != "Operator" && t.kind != "Other" {
			return false
		}
	}
	return true
}

// spell writes tokens as they may have stood on their line.
func spell(l []token) string {
	var b strings.Builder
	for i, t := range l {
		if i > 0 && t.Pos.Offset > l[i-1].Pos.Offset+len(l[i-1].Value) {
			b.WriteByte(' ')
		}
		b.WriteString(t.Value)
	}
	return b.String()
}
