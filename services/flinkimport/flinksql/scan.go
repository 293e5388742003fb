package flinksql

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// words are the kinds of token. Keyword stands for the reserved ones among the identifiers; scan tells them apart, since
// a pattern cannot do it in any script of letters.
func words() *lexer.StatefulDefinition {
	return lexer.MustSimple([]lexer.SimpleRule{
		{Name: "Comment", Pattern: `--[^\n]*|/\*\*/|(?s:/\*[^+].*?\*/)`},
		{Name: "HintStart", Pattern: `/\*\+`},
		{Name: "HintEnd", Pattern: `\*/`},
		{Name: "String", Pattern: `'(?:[^']|'')*'`},
		{Name: "Quoted", Pattern: "`(?:[^`]|``)+`"},
		{Name: "Double", Pattern: `"[^"\n]*"`},
		{Name: "Number", Pattern: `\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`},
		{Name: "Keyword", Pattern: `\bSELECT\b`},
		{Name: "Ident", Pattern: `[\pL_$][\pL\pN_$]*`},
		{Name: "Operator", Pattern: `<>|!=|<=|>=|=>|\|\||[-+*/%=<>(),.;:\[\]]`},
		{Name: "Space", Pattern: `[\s\x{a0}\x{3000}\x{feff}]+`},
		{Name: "Other", Pattern: `(?s:.)`},
	})
}

// kinds are the symbols of words by name.
type kinds map[string]lexer.TokenType

// token is one that means something: no space, no comment.
type token struct {
	lexer.Token
	kind  string
	first bool // of its line
}

func (t token) is(text string) bool { return t.kind == "Operator" && t.Value == text }

// upper is the word in capitals where it is one that is not in quotes, else "".
func (t token) upper() string {
	if t.kind == "Ident" || t.kind == "Keyword" {
		return strings.ToUpper(t.Value)
	}
	return ""
}

// scan splits a text into tokens.
func scan(def *lexer.StatefulDefinition, name string, text []byte) ([]token, error) {
	lex, err := def.LexString(name, string(text))
	if err != nil {
		return nil, err
	}
	symbols := kinds(def.Symbols())
	names := lexer.SymbolsByRune(def)
	var out []token
	line := 0
	for {
		t, err := lex.Next()
		if err != nil {
			return nil, err
		}
		if t.EOF() {
			return out, nil
		}
		kind := names[t.Type]
		if kind == "Space" || kind == "Comment" {
			continue
		}
		if kind == "Ident" && reserved(t.Value) {
			kind, t.Type = "Keyword", symbols["Keyword"]
		}
		out = append(out, token{t, kind, t.Pos.Line != line})
		line = t.Pos.Line + strings.Count(t.Value, "\n")
	}
}

// reserved says whether a word may not be a name without backticks.
func reserved(word string) bool {
	switch strings.ToUpper(word) {
	case "SELECT", "DISTINCT", "FROM", "WHERE", "UNION", "ALL", "AS", "WITH", "INSERT", "INTO", "OVERWRITE", "CREATE", "TABLE",
		"PRIMARY", "CONSTRAINT", "WATERMARK", "LIKE", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ON", "GROUP", "BY",
		"HAVING", "ORDER", "LIMIT", "FETCH", "INTERSECT", "EXCEPT", "VALUES", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "NULL", "NOT",
		"AND", "OR", "IN", "IS", "BETWEEN", "EXISTS", "TRUE", "FALSE", "INTERVAL", "OVER", "WINDOW", "LATERAL", "UNNEST", "MATCH_RECOGNIZE",
		"SET", "DROP", "ALTER", "EXECUTE", "BEGIN", "TABLESAMPLE":
		return true
	}
	return false
}

// stream gives the grammar the tokens of one statement.
type stream struct {
	tokens []token
	end    Pos
}

// Next is the next of them.
func (s *stream) Next() (lexer.Token, error) {
	if len(s.tokens) == 0 {
		return lexer.EOFToken(s.end), nil
	}
	t := s.tokens[0].Token
	s.tokens = s.tokens[1:]
	return t, nil
}
