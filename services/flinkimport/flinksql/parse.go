package flinksql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// maxDepth bounds brackets in brackets, since reading them is recursive.
const maxDepth = 64

// parse reads the tokens by the grammar of what they begin with.
func (st *Statement) parse(g *grammar, tokens []token) (err error) {
	switch word(tokens, 0) {
	case "CREATE":
		if second := word(tokens, 1); second != "TABLE" && second != "TEMPORARY" && second != "OR" {
			st.Other = true
			return nil
		}
		if i := kindWord(tokens); i != "TABLE" {
			st.Other = true
			return nil
		}
		st.Create, err = tree(g.create, tokens)
	case "INSERT":
		st.Insert, err = tree(g.insert, tokens)
	case "SET":
		st.Set, err = tree(g.set, tokens)
	case "EXECUTE", "BEGIN", "END":
		_, err = tree(g.marker, tokens)
		st.Marker = err == nil
	default:
		st.Other = true
	}
	return err
}

// kindWord is what a CREATE makes: the first word that is no adverb.
func kindWord(tokens []token) string {
	for i := 1; i < len(tokens); i++ {
		switch w := word(tokens, i); w {
		case "OR", "REPLACE", "TEMPORARY":
		default:
			return w
		}
	}
	return ""
}

// grammar is what a script is read with. Building it costs more than reading a statement, and nothing global is kept.
type grammar struct {
	lexer  *lexer.StatefulDefinition
	create *participle.Parser[CreateTable]
	insert *participle.Parser[Insert]
	set    *participle.Parser[Set]
	marker *participle.Parser[marker]
}

func newGrammar() *grammar {
	def := words()
	return &grammar{def, parser[CreateTable](def), parser[Insert](def), parser[Set](def), parser[marker](def)}
}

// parser panics only where the tags of the trees are wrong, which every test of this package sees.
func parser[G any](def lexer.Definition) *participle.Parser[G] {
	return participle.MustBuild[G](participle.Lexer(def), participle.CaseInsensitive("Ident", "Keyword"), participle.UseLookahead(8))
}

// tree reads tokens as a G.
func tree[G any](p *participle.Parser[G], tokens []token) (*G, error) {
	last := tokens[len(tokens)-1]
	end := last.Pos
	end.Advance(last.Value)
	lex, err := lexer.Upgrade(&stream{tokens, end})
	if err != nil {
		return nil, err
	}
	out, err := p.ParseFromLexer(lex)
	if err != nil {
		return nil, err // a tree that is half full is none
	}
	return out, nil
}

// explain says for people where and why a statement could not be read.
func explain(err error, tokens []token) (Pos, string) {
	at, text := tokens[0].Pos, err.Error()
	var unexpected *participle.UnexpectedTokenError
	var other participle.Error
	switch {
	case errors.As(err, &unexpected):
		at = unexpected.Unexpected.Pos
		_, expected, _ := strings.Cut(unexpected.Message(), " (expected ")
		text = expect(unexpected.Unexpected, tokens, plain(strings.TrimSuffix(expected, ")")))
	case errors.As(err, &other):
		at, text = other.Position(), other.Message()
	}
	if long, ok := acrossLines(tokens); ok {
		text += fmt.Sprintf("; the text that begins at %d:%d goes over the end of its line: is a quote missing there?", long.Line, long.Column)
	}
	return at, text
}

// plain is the first thing that the grammar expects, in words; "" where half a grammar would be needed to say it.
func plain(expected string) string {
	if literal, is := strings.CutPrefix(expected, `"`); is {
		literal, _, _ = strings.Cut(literal, `"`)
		return `"` + literal + `"`
	}
	word, _, _ := strings.Cut(expected, " ")
	return map[string]string{
		"Text": "a text in '…'", "<string>": "a text in '…'", "Option": "'key' = 'value'", "SetText": "a value", "Expr": "a value", "Term": "a value",
		"Item": "a value", "Name": "a name", "<ident>": "a name", "Path": "a table's name", "TableRef": "a table's name", "Type": "a type",
		"Column": "a column", "Element": "a column", "Branch": `"SELECT"`, "Select": `"SELECT"`,
	}[word]
}

func expect(t lexer.Token, tokens []token, expected string) string {
	if expected != "" {
		expected = ": expected is " + expected
	}
	if t.EOF() {
		return head(tokens) + ": the statement ends too early" + expected
	}
	for i, known := range tokens {
		if known.Pos == t.Pos {
			if secret(tokens, i) {
				return head(tokens) + ": what stands here is not expected" + expected // it may be a password without its quotes
			}
			return head(tokens) + ": " + quote(known) + " is not expected here" + expected + hint(known)
		}
	}
	return head(tokens) + ": " + t.Value + " is not expected here" + expected
}

// secret says whether token i stands where a text has just spoken of a password.
func secret(tokens []token, i int) bool {
	for _, t := range tokens[max(i-3, 0):i] {
		if text := strings.ToLower(t.Value); t.kind == "String" && (strings.Contains(text, "pass") || strings.Contains(text, "secret") || strings.Contains(text, "jaas")) {
			return true
		}
	}
	return false
}

// quote is a token for people. The text of a string stays where it is: it may be a password.
func quote(t token) string {
	switch t.kind {
	case "String":
		return "the text '…'"
	case "Double":
		return "a text in double quotes"
	}
	return fmt.Sprintf("%q", t.Value)
}

// hint names the slip of the pen that a token is known for.
func hint(t token) string {
	switch {
	case t.kind == "Double":
		return "; Flink has '…' for texts and backticks for names"
	case t.kind == "Other" && strings.ContainsAny(t.Value, "，；（）：＝‘’“”、"):
		return "; it is a full-width or curly character, SQL has the plain one"
	case t.kind == "Other" && t.Value == "'":
		return "; a text begins here that has no end"
	case t.kind == "Other" && t.Value == "`":
		return "; a name in backticks begins here that has no end"
	case t.kind == "Keyword":
		return "; a column of that name wants backticks"
	}
	return ""
}

// acrossLines is the first text that goes over the end of its line.
func acrossLines(tokens []token) (Pos, bool) {
	for _, t := range tokens {
		if t.kind == "String" && strings.Contains(t.Value, "\n") {
			return t.Pos, true
		}
	}
	return Pos{}, false
}

// tooDeep is where brackets get too deep.
func tooDeep(tokens []token) (Pos, bool) {
	depth := 0
	for _, t := range tokens {
		switch {
		case t.is("(") || t.is("<"):
			depth++
		case t.is(")") || t.is(">"):
			depth = max(depth-1, 0)
		}
		if depth > maxDepth {
			return t.Pos, true
		}
	}
	return Pos{}, false
}
