package doris

import (
	"strconv"
	"strings"
)

// expr is an expression of a statement.
type expr interface{ isExpr() }

type (
	litInt    struct{ v int64 }
	litText   struct{ v string }
	litBool   struct{ v bool }
	litNull   struct{}
	variable  struct{ name string }
	columnRef struct{ table, name string }
	binaryOp  struct {
		op   string // =, <>, <, <=, >, >=, AND, OR, +, -, *, DIV, %
		l, r expr
	}
	not    struct{ e expr }
	negate struct{ e expr }
	inList struct {
		e    expr
		list []expr
		not  bool
	}
	between struct {
		e, lo, hi expr
		not       bool
	}
	isNull struct {
		e   expr
		not bool
	}
	like struct {
		e       expr
		pattern string
		not     bool
	}
	call struct {
		name     string // lower case
		args     []expr
		distinct bool
		star     bool
	}
	cast struct {
		e  expr
		to string // upper case
	}
)

func (litInt) isExpr()    {}
func (litText) isExpr()   {}
func (litBool) isExpr()   {}
func (litNull) isExpr()   {}
func (variable) isExpr()  {}
func (columnRef) isExpr() {}
func (binaryOp) isExpr()  {}
func (not) isExpr()       {}
func (negate) isExpr()    {}
func (inList) isExpr()    {}
func (between) isExpr()   {}
func (isNull) isExpr()    {}
func (like) isExpr()      {}
func (call) isExpr()      {}
func (cast) isExpr()      {}

// Precedence, loosest first: OR, AND, NOT, comparison, sum, product, sign.

func (p *parser) expr() (expr, error) {
	return p.chain(p.conjunction, map[string]string{"OR": "OR", "||": ""})
}

func (p *parser) conjunction() (expr, error) {
	return p.chain(p.negation, map[string]string{"AND": "AND", "&&": "AND"})
}

func (p *parser) sum() (expr, error) {
	return p.chain(p.product, map[string]string{"+": "+", "-": "-"})
}

func (p *parser) product() (expr, error) {
	return p.chain(p.sign, map[string]string{"*": "*", "DIV": "DIV", "%": "%", "MOD": "%", "/": ""})
}

// chain reads left-associative operators of one precedence; an operator that maps to "" is not supported.
func (p *parser) chain(operand func() (expr, error), ops map[string]string) (expr, error) {
	l, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		op, ok := ops[strings.ToUpper(p.peek().text)]
		if k := p.peek().kind; !ok || k != lexWord && k != lexSign {
			return l, nil
		}
		if op == "" {
			return nil, p.unsupported()
		}
		p.at++
		r, err := operand()
		if err != nil {
			return nil, err
		}
		l = binaryOp{op, l, r}
	}
}

func (p *parser) negation() (expr, error) {
	if p.accept("NOT") {
		e, err := p.negation()
		return not{e}, err
	}
	return p.comparison()
}

func (p *parser) comparison() (expr, error) {
	l, err := p.sum()
	if err != nil {
		return nil, err
	}
	switch op := p.peek().text; {
	case p.peek().kind == lexSign && (op == "=" || op == "<>" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">="):
		p.at++
		if op == "!=" {
			op = "<>"
		}
		r, err := p.sum()
		return binaryOp{op, l, r}, err
	case p.accept("IS"):
		n := p.accept("NOT")
		return isNull{l, n}, p.expect("NULL")
	}
	n := p.accept("NOT")
	switch {
	case p.accept("IN"):
		list, err := p.list()
		return inList{l, list, n}, err
	case p.accept("BETWEEN"):
		lo, err := p.sum()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		hi, err := p.sum()
		return between{l, lo, hi, n}, err
	case p.accept("LIKE"):
		pattern, err := p.text()
		if err == nil && p.is("ESCAPE") {
			err = p.unsupported()
		}
		return like{l, pattern, n}, err
	case n:
		return nil, p.unsupported()
	}
	return l, nil
}

// list reads (e, e, ...).
func (p *parser) list() ([]expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var all []expr
	for {
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if p.accept(")") {
			return all, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) sign() (expr, error) {
	if !p.accept("-") {
		return p.primary()
	}
	if l := p.peek(); l.kind == lexNumber { // -9223372036854775808 is one number
		if v, err := strconv.ParseInt("-"+l.text, 10, 64); err == nil {
			p.at++
			return litInt{v}, nil
		}
	}
	e, err := p.sign()
	return negate{e}, err
}

func (p *parser) primary() (expr, error) {
	l := p.peek()
	switch {
	case l.kind == lexNumber:
		v, err := p.integer()
		return litInt{v}, err
	case l.kind == lexString:
		p.at++
		return litText{l.text}, nil
	case l.kind == lexVar:
		p.at++
		return variable{l.text}, nil
	case p.accept("("):
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case p.accept("NULL"):
		return litNull{}, nil
	case p.is("TRUE"), p.is("FALSE"):
		p.at++
		return litBool{strings.EqualFold(l.text, "TRUE")}, nil
	case p.accept("CAST", "("):
		return p.castTail()
	case l.kind == lexWord && p.at+1 < len(p.in) && p.in[p.at+1].text == "(" && p.in[p.at+1].kind == lexSign:
		return p.call()
	case l.kind == lexWord || l.kind == lexName:
		table, name, err := p.qualified()
		return columnRef{table, name}, err
	default:
		return nil, p.unsupported()
	}
}

func (p *parser) castTail() (expr, error) {
	e, err := p.expr()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AS"); err != nil {
		return nil, err
	}
	to, err := p.name()
	if err != nil {
		return nil, err
	}
	return cast{e, strings.ToUpper(to)}, p.expect(")")
}

func (p *parser) call() (expr, error) {
	c := call{name: strings.ToLower(p.next().text)}
	if p.accept("(", "*", ")") {
		c.star = true
		return c, nil
	}
	if p.accept("(", ")") {
		return c, nil
	}
	if p.is("(", "DISTINCT") {
		c.distinct = true
		p.in[p.at+1], p.at = p.in[p.at], p.at+1 // list() wants the bracket
	}
	var err error
	c.args, err = p.list()
	return c, err
}
