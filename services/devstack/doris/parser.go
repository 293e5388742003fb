package doris

import (
	"strconv"
	"strings"
)

// parser walks over the lexemes of one statement.
type parser struct {
	sql string
	in  []lexeme
	at  int
}

func newParser(sql string) (*parser, error) {
	in, err := lex(sql)
	if err != nil {
		return nil, err
	}
	return &parser{sql: sql, in: in}, nil
}

// statements cuts a query at its semicolons; empty ones between them say nothing. There is always one.
func statements(sql string) ([]string, error) {
	in, err := lex(sql)
	if err != nil {
		return nil, err
	}
	var all []string
	from := 0
	for _, l := range in {
		if l.kind != lexEnd && (l.kind != lexSign || l.text != ";") {
			continue
		}
		if one := strings.TrimSpace(sql[from:l.from]); one != "" {
			all = append(all, one)
		}
		from = l.to
	}
	if len(all) == 0 {
		all = []string{""}
	}
	return all, nil
}

func (p *parser) peek() lexeme { return p.in[p.at] }

func (p *parser) next() lexeme {
	l := p.in[p.at]
	if l.kind != lexEnd {
		p.at++
	}
	return l
}

// is says whether the next lexemes are these keywords or signs; words ignore case.
func (p *parser) is(words ...string) bool {
	for i, w := range words {
		if p.at+i >= len(p.in) {
			return false
		}
		l := p.in[p.at+i]
		if l.kind != lexWord && l.kind != lexSign || !strings.EqualFold(l.text, w) {
			return false
		}
	}
	return true
}

// accept eats these keywords or signs when they come next, all or none.
func (p *parser) accept(words ...string) bool {
	if !p.is(words...) {
		return false
	}
	p.at += len(words)
	return true
}

func (p *parser) expect(words ...string) error {
	if !p.accept(words...) {
		return p.unsupported()
	}
	return nil
}

func (p *parser) end() error {
	if p.peek().kind != lexEnd {
		return p.unsupported()
	}
	return nil
}

// unsupported is the one answer to whatever the stand-in does not know: an error, never a guess.
func (p *parser) unsupported() error {
	l := p.peek()
	near := p.sql[l.from:]
	if near == "" {
		near = "end of statement"
	}
	return refuse("stand-in does not support this statement, near: %.80s", near)
}

func (p *parser) name() (string, error) {
	l := p.peek()
	if l.kind != lexWord && l.kind != lexName {
		return "", p.unsupported()
	}
	p.at++
	return l.text, nil
}

func (p *parser) text() (string, error) {
	l := p.peek()
	if l.kind != lexString {
		return "", p.unsupported()
	}
	p.at++
	return l.text, nil
}

func (p *parser) integer() (int64, error) {
	l := p.peek()
	v, err := strconv.ParseInt(l.text, 10, 64)
	if l.kind != lexNumber || err != nil {
		return 0, p.unsupported()
	}
	p.at++
	return v, nil
}

// names reads (a, b, c).
func (p *parser) names() ([]string, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var all []string
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
		if p.accept(")") {
			return all, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

// qualified reads [db.]name.
func (p *parser) qualified() (db, name string, err error) {
	if name, err = p.name(); err != nil || !p.accept(".") {
		return "", name, err
	}
	db = name
	name, err = p.name()
	return db, name, err
}
