// Package flinksql reads the statements of a Flink SQL job into trees that know their line and column.
//
// People keep such jobs in documents, so what is read may be one: headings between the statements, lines of dots where
// something was left out, a semicolon that was forgotten before the next statement. A script is cut into statements
// first (cut.go), with a rule for each of these and a note of what was passed over; a statement is then read by a grammar
// (grammar.go, expr.go). Nothing is guessed beyond that: what is not understood is a Problem with its place.
package flinksql

import (
	"fmt"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Pos is a place in the file: line and column begin at 1, columns count characters. It prints as file:line:column.
type Pos = lexer.Position

// Script is what a file holds.
type Script struct {
	Statements []*Statement
	Prose      []Note    // lines between the statements that are no SQL
	Elisions   []Note    // lines of dots inside statements: something was left out there
	Problems   []Problem // what could not be read; the statement it is in has no tree then
}

// Note is a piece of the file that is no SQL: lines of dots that follow each other are one.
type Note struct {
	Pos  Pos
	Text string // of its first line
	last int    // line
}

// Problem is something that could not be read.
type Problem struct {
	Pos  Pos
	Text string
}

// Statement is one of them; at most one of the trees is there, and none where a Problem says why.
type Statement struct {
	Pos     Pos
	End     Pos    // of its last word
	Head    string // its first words, as in CREATE TABLE t
	Clauses []Clause
	Elided  []Note

	Create *CreateTable
	Insert *Insert
	Set    *Set
	Other  bool // USE, DROP, CREATE CATALOG …: Head says which
	Marker bool // the brackets of a statement set
}

// maxText bounds a file: the largest job that anybody would read is far smaller.
const maxText = 1 << 20

// Parse reads a script. name stands for the file in positions. It always returns one; Problems say what is missing.
func Parse(name string, text []byte) *Script {
	s := new(Script)
	if len(text) > maxText {
		s.problem(Pos{Filename: name, Line: 1, Column: 1}, "%d bytes are more than a job has; at most %d", len(text), maxText)
		return s
	}
	g := newGrammar()
	tokens, err := scan(g.lexer, name, text)
	if err != nil {
		s.problem(Pos{Filename: name, Line: 1, Column: 1}, "%v", err)
		return s
	}
	for _, p := range s.cut(tokens) {
		s.read(g, p)
	}
	return s
}

func (s *Script) problem(at Pos, format string, args ...any) {
	s.Problems = append(s.Problems, Problem{at, fmt.Sprintf(format, args...)})
}

// read gives a piece its tree.
func (s *Script) read(g *grammar, p piece) {
	last := p.tokens[len(p.tokens)-1]
	st := &Statement{Pos: p.tokens[0].Pos, End: last.Pos, Head: head(p.tokens), Elided: p.elided}
	s.Statements = append(s.Statements, st)
	s.Elisions = append(s.Elisions, p.elided...)
	if at, ok := tooDeep(p.tokens); ok {
		s.problem(at, "brackets in brackets, more than %d deep", maxDepth)
		return
	}
	st.Clauses = clauses(p.tokens)
	if len(st.Clauses) > 0 && !onlyWhere(st.Clauses) {
		return // refused by name; the grammar does not know these
	}
	err := st.parse(g, p.tokens)
	if err == nil {
		return
	}
	at, text := explain(err, p.tokens)
	s.problem(at, "%s", text)
}

// head is how a statement begins, for people.
func head(tokens []token) string {
	var words []string
	for _, t := range tokens {
		if t.is("(") || t.is("=") || len(words) == 4 {
			break
		}
		if t.is(".") && len(words) > 0 {
			words[len(words)-1] += "."
			continue
		}
		if n := len(words); n > 0 && strings.HasSuffix(words[n-1], ".") {
			words[n-1] += t.Value
			continue
		}
		if t.upper() == "SELECT" {
			break
		}
		words = append(words, t.Value)
	}
	for i, w := range words {
		if reserved(w) || starts(w) || strings.EqualFold(w, "STATEMENT") {
			words[i] = strings.ToUpper(w)
		}
	}
	return strings.Join(words, " ")
}
