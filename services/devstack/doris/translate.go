package doris

import (
	"fmt"
	"strconv"
	"strings"
)

// valueType is what an expression yields.
type valueType struct {
	kind  Kind
	scale int  // of a datetime or a decimal
	null  bool // the literal NULL: any kind
	sum   bool // a LARGEINT that sqlite holds as text already
}

func (t valueType) String() string {
	return [...]string{"BIGINT", "STRING", "DATETIME", "BOOLEAN", "LARGEINT", "DOUBLE", "DECIMAL"}[t.kind]
}

// sourceColumn is a column that a statement may name.
type sourceColumn struct {
	name string
	typ  valueType
}

// source is what a SELECT reads from.
type source struct {
	sql     string // sqlite's table expression
	name    string // as qualified columns call it
	columns []sourceColumn
	rows    bool // of a table, which back ends have
}

// translator writes sqlite's SQL for expressions over one source, and refuses what sqlite would answer differently
// from Doris. Literals are written out: no parameters, because GROUP BY and ORDER BY repeat expressions.
type translator struct {
	from      source
	vars      func(name string) (string, bool)
	now       func(name string) (string, bool) // functions of the session: database(), version(), ...
	aliases   map[string]expr
	aggregate bool     // an aggregate was met
	distinct  []string // what SELECT DISTINCT selects
	inside    bool     // within an aggregate
}

// piece is a translated expression.
type piece struct {
	sql string
	typ valueType
	lit *litText // a text literal, which other kinds may take in
}

func (t *translator) expr(e expr) (piece, error) {
	switch e := e.(type) {
	case litInt:
		return piece{sql: strconv.FormatInt(e.v, 10)}, nil
	case litText:
		return piece{sql: sqlText(e.v), typ: valueType{kind: KindText}, lit: &e}, nil
	case litBool:
		return piece{sql: map[bool]string{true: "1", false: "0"}[e.v], typ: valueType{kind: KindBool}}, nil
	case litNull:
		return piece{sql: "NULL", typ: valueType{null: true}}, nil
	case variable:
		v, ok := t.vars(e.name)
		if !ok {
			return piece{}, refuse("Unknown system variable '%s'", e.name)
		}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return piece{sql: strconv.FormatInt(n, 10)}, nil
		}
		return piece{sql: sqlText(v), typ: valueType{kind: KindText}}, nil
	case columnRef:
		return t.column(e)
	case binaryOp:
		return t.binary(e)
	case not:
		return t.wrap("NOT ", e.e, KindBool)
	case negate:
		return t.wrap("- ", e.e, KindInt)
	case inList:
		return t.in(e)
	case between:
		return t.between(e)
	case isNull:
		p, err := t.expr(e.e)
		return piece{sql: "(" + p.sql + " IS " + notWord(e.not) + "NULL)", typ: valueType{kind: KindBool}}, err
	case like:
		p, err := t.expr(e.e)
		if err == nil && p.typ.kind != KindText && !p.typ.null {
			err = refuse("stand-in does not support LIKE of %s", p.typ)
		}
		return piece{sql: "(" + notWord(e.not) + "dx_like(" + p.sql + ", " + sqlText(e.pattern) + "))", typ: valueType{kind: KindBool}}, err
	case call:
		return t.call(e)
	case cast:
		return t.cast(e)
	}
	return piece{}, refuse("stand-in does not support expression %T", e)
}

// truth refuses what is no condition: sqlite would read a text as a number.
func truth(p piece, where string) error {
	if p.typ.null || p.typ.kind == KindBool || p.typ.kind == KindInt {
		return nil
	}
	return refuse("stand-in does not support %s as a condition of %s", p.typ, where)
}

func notWord(n bool) string {
	if n {
		return "NOT "
	}
	return ""
}

func sqlText(s string) string {
	if strings.ContainsRune(s, 0) { // sqlite would end the statement there
		return fmt.Sprintf("CAST(x'%x' AS TEXT)", s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func (t *translator) column(c columnRef) (piece, error) {
	if c.table == "" || strings.EqualFold(c.table, t.from.name) {
		for _, have := range t.from.columns {
			if strings.EqualFold(have.name, c.name) {
				return piece{sql: quote(have.name), typ: have.typ}, nil
			}
		}
	}
	if e, ok := t.aliases[strings.ToLower(c.name)]; ok && c.table == "" {
		delete(t.aliases, strings.ToLower(c.name)) // an alias does not mean itself
		defer func() { t.aliases[strings.ToLower(c.name)] = e }()
		return t.expr(e)
	}
	return piece{}, refuse("Unknown column '%s' in 'table list'", c.name)
}

func (t *translator) wrap(op string, e expr, kind Kind) (piece, error) {
	p, err := t.expr(e)
	if err != nil {
		return p, err
	}
	if p.typ.kind != kind && !(kind == KindBool && p.typ.kind == KindInt) {
		return p, refuse("stand-in does not support %s of %s", strings.TrimSpace(op), p.typ)
	}
	return piece{sql: "(" + op + p.sql + ")", typ: valueType{kind: kind}}, nil
}

func (t *translator) binary(b binaryOp) (piece, error) {
	l, err := t.expr(b.l)
	if err != nil {
		return l, err
	}
	r, err := t.expr(b.r)
	if err != nil {
		return r, err
	}
	switch b.op {
	case "AND", "OR":
		for _, side := range []piece{l, r} {
			if err := truth(side, b.op); err != nil {
				return side, err
			}
		}
		return piece{sql: "(" + l.sql + " " + b.op + " " + r.sql + ")", typ: valueType{kind: KindBool}}, nil
	case "+", "-", "*", "DIV", "%":
		if l.typ.kind != KindInt || r.typ.kind != KindInt {
			return l, refuse("stand-in does not support %s %s %s", l.typ, b.op, r.typ)
		}
		op := b.op
		if op == "DIV" {
			op = "/" // of two integers sqlite's division drops the fraction, as DIV does; by zero both give NULL
		}
		return piece{sql: "(" + l.sql + " " + op + " " + r.sql + ")"}, nil
	}
	if err := comparable2(&l, &r); err != nil {
		return l, err
	}
	return piece{sql: "(" + l.sql + " " + b.op + " " + r.sql + ")", typ: valueType{kind: KindBool}}, nil
}

// comparable2 brings two sides of a comparison to one kind, or refuses.
func comparable2(l, r *piece) error {
	if l.typ.null || r.typ.null {
		return nil
	}
	if l.lit != nil && r.lit == nil {
		l, r = r, l
	}
	switch lk, rk := group(l.typ.kind), group(r.typ.kind); {
	case l.typ.sum || r.typ.sum:
	case lk == KindDecimal && l.typ.scale != r.typ.scale:
	case lk == rk:
		return nil
	case r.lit != nil && lk == KindDateTime:
		v, ok := parseDateTime([]byte(r.lit.v), 6, nil)
		if !ok {
			break
		}
		r.sql, r.typ = strconv.FormatInt(v, 10), valueType{kind: KindDateTime}
		return nil
	case r.lit != nil && l.typ.kind == KindBool:
		v, ok := parseBool([]byte(r.lit.v))
		if !ok {
			break
		}
		r.sql, r.typ = strconv.FormatInt(v, 10), valueType{kind: KindBool}
		return nil
	case r.lit != nil && lk == KindInt:
		v, ok := parseInt([]byte(r.lit.v), 64)
		if !ok {
			break
		}
		r.sql, r.typ = strconv.FormatInt(v, 10), valueType{}
		return nil
	}
	return refuse("stand-in does not support comparing %s with %s", l.typ, r.typ)
}

// group puts the kinds together that compare as numbers.
func group(k Kind) Kind {
	if k == KindBool || k == KindLarge {
		return KindInt
	}
	return k
}

func (t *translator) in(e inList) (piece, error) {
	l, err := t.expr(e.e)
	if err != nil {
		return l, err
	}
	var all []string
	for _, item := range e.list {
		r, err := t.expr(item)
		if err == nil {
			left := l
			err = comparable2(&left, &r)
			if left.sql != l.sql {
				err = refuse("stand-in does not support a literal before IN")
			}
		}
		if err != nil {
			return r, err
		}
		all = append(all, r.sql)
	}
	sql := "(" + l.sql + " " + notWord(e.not) + "IN (" + strings.Join(all, ", ") + "))"
	return piece{sql: sql, typ: valueType{kind: KindBool}}, nil
}

func (t *translator) between(e between) (piece, error) {
	p, err := t.expr(binaryOp{"AND", binaryOp{">=", e.e, e.lo}, binaryOp{"<=", e.e, e.hi}})
	if err == nil && e.not {
		p.sql = "(NOT " + p.sql + ")"
	}
	return p, err
}

func (t *translator) cast(c cast) (piece, error) {
	p, err := t.expr(c.e)
	if err != nil {
		return p, err
	}
	switch {
	case c.to == "LARGEINT" && p.typ.kind == KindInt:
		return piece{sql: p.sql, typ: valueType{kind: KindLarge}}, nil
	case c.to == "BIGINT" && p.typ.kind == KindInt:
		return piece{sql: p.sql}, nil
	case (c.to == "STRING" || c.to == "VARCHAR" || c.to == "CHAR") && p.typ.kind == KindText:
		return p, nil
	case (c.to == "STRING" || c.to == "VARCHAR" || c.to == "CHAR") && (p.typ.kind == KindInt || p.typ.kind == KindLarge): // a BOOLEAN's text is another in each version
		return piece{sql: "CAST(" + p.sql + " AS TEXT)", typ: valueType{kind: KindText}}, nil
	case (c.to == "STRING" || c.to == "VARCHAR" || c.to == "CHAR") && p.typ.kind == KindDateTime:
		return piece{sql: fmt.Sprintf("dx_datetime(%s, %d)", p.sql, p.typ.scale), typ: valueType{kind: KindText}}, nil
	}
	return p, refuse("stand-in does not support cast of %s to %s", p.typ, c.to)
}
