package flinksql

import (
	"slices"
	"strings"
)

// Expr is terms with operators between them, in the order in which they stand: who reads it wants to know what it is
// made of, not what it is worth.
type Expr struct {
	Pos   Pos
	Signs []string `parser:"@( '-' | '+' | 'NOT' )*"`
	First *Term    `parser:"@@"`
	Rest  []*Op    `parser:"@@*"`
}

// Op is an operator and what follows it.
type Op struct {
	Pos   Pos
	Test  string   `parser:"( @( 'IS' 'NOT'? ( 'NULL' | 'TRUE' | 'FALSE' ) )"`
	In    []*Expr  `parser:"| 'NOT'? 'IN' '(' @@ ( ',' @@ )* ')'"`
	Sign  string   `parser:"| @( 'NOT'? ( 'LIKE' | 'BETWEEN' ) | 'AND' | 'OR' | '+' | '-' | '*' | '/' | '%' | '=' | '<>' | '!=' | '<=' | '>=' | '<' | '>' | '||' )"`
	Signs []string `parser:"@( '-' | '+' | 'NOT' )*"`
	Term  *Term    `parser:"@@ )"`
}

// Term is one operand.
type Term struct {
	Pos      Pos
	Cast     *Cast     `parser:"@@"`
	Time     *Time     `parser:"| @@"`
	Call     *Call     `parser:"| @@"`
	Text     *Text     `parser:"| @@"`
	Number   string    `parser:"| @Number"`
	Null     bool      `parser:"| @'NULL'"`
	Truth    string    `parser:"| @( 'TRUE' | 'FALSE' )"`
	Interval *Interval `parser:"| @@"`
	Column   *Path     `parser:"| @@"`
	Brackets *Expr     `parser:"| '(' @@ ')'"`
}

// Cast is CAST(x AS type).
type Cast struct {
	Pos  Pos
	Word string `parser:"@( 'CAST' | 'TRY_CAST' ) '('"`
	Expr *Expr  `parser:"@@ 'AS'"`
	Type *Type  `parser:"@@ ')'"`
}

// Time is a literal: TIMESTAMP '2024-05-01 12:00:00', DATE, TIME.
type Time struct {
	Pos  Pos
	Word string `parser:"@( 'TIMESTAMP' | 'DATE' | 'TIME' )"`
	Text Text   `parser:"@@"`
}

// Interval is INTERVAL '5' SECOND.
type Interval struct {
	Pos  Pos
	Text Text   `parser:"'INTERVAL' @@"`
	Unit string `parser:"@Ident ( '(' Number ')' )? ( 'TO' Ident )?"`
}

// Call is a function with its arguments.
type Call struct {
	Pos  Pos
	Name Path    `parser:"@@ '('"`
	Args []*Expr `parser:"( '*' | @@ ( ',' @@ )* )? ')'"`
}

// Only is the term that the expression is, where it is just one, with any brackets taken off.
func (e *Expr) Only() (*Term, bool) {
	if len(e.Signs) > 0 || len(e.Rest) > 0 {
		return nil, false
	}
	if e.First.Brackets != nil {
		return e.First.Brackets.Only()
	}
	return e.First, true
}

// Type is a data type as it is written.
type Type struct {
	Pos      Pos
	Word     string      `parser:"@Ident ( 'PRECISION' | 'VARYING' )?"`
	Args     []string    `parser:"( '(' @Number ( ',' @Number )* ')'"`
	Of       []*Type     `parser:"| '<' @@ ( ',' @@ )* '>'"`
	Fields   []*RowField `parser:"| '<' @@ ( ',' @@ )* '>' )?"`
	Zone     []string    `parser:"( @( 'WITH' | 'WITHOUT' ) @'LOCAL'? @'TIME' @'ZONE' )?"`
	Nullable []string    `parser:"( 'NOT'? @'NULL' )?"`
}

// RowField is a field of a ROW type.
type RowField struct {
	Name Name  `parser:"@@"`
	Type *Type `parser:"@@"`
}

// String is the type as Flink writes it: in capitals, with the precision that a time has when none is said.
func (t *Type) String() string {
	word, args := strings.ToUpper(t.Word), t.Args
	if slices.ContainsFunc(t.Zone, func(w string) bool { return strings.EqualFold(w, "LOCAL") }) {
		word = "TIMESTAMP_LTZ"
	}
	if t.Times() && len(args) == 0 {
		args = []string{"6"} // Flink's default
	}
	switch {
	case len(args) > 0:
		return word + "(" + strings.Join(args, ", ") + ")"
	case len(t.Of) > 0:
		var of []string
		for _, o := range t.Of {
			of = append(of, o.String())
		}
		return word + "<" + strings.Join(of, ", ") + ">"
	case len(t.Fields) > 0:
		return word + "<…>"
	}
	return word
}

// Times says whether it is a TIMESTAMP, with a zone or without.
func (t *Type) Times() bool {
	return strings.EqualFold(t.Word, "TIMESTAMP") || strings.EqualFold(t.Word, "TIMESTAMP_LTZ")
}
