package doris

import "strings"

// selectStmt is a SELECT over at most one table.
type selectStmt struct {
	distinct bool
	items    []selectItem
	db, from string // from == "" = no table
	function bool   // from is a table function: backends(), frontends()
	alias    string
	where    expr
	groupBy  []expr
	having   expr
	orderBy  []orderItem
	limit    int64 // -1 = none
	offset   int64
}

type selectItem struct {
	e    expr
	name string // alias, or the text of the expression
	star bool
}

type orderItem struct {
	e    expr
	desc bool
}

// selectTail reads what comes after SELECT.
func (p *parser) selectTail() (*selectStmt, error) {
	s := &selectStmt{limit: -1, distinct: p.accept("DISTINCT")}
	for {
		item, err := p.item()
		if err != nil {
			return nil, err
		}
		s.items = append(s.items, item)
		if !p.accept(",") {
			break
		}
	}
	if p.accept("FROM") {
		if err := p.from(s); err != nil {
			return nil, err
		}
	}
	if err := p.clauses(s); err != nil {
		return nil, err
	}
	return s, p.end()
}

func (p *parser) item() (selectItem, error) {
	if p.accept("*") {
		return selectItem{star: true}, nil
	}
	from := p.peek().from
	e, err := p.expr()
	if err != nil {
		return selectItem{}, err
	}
	name := strings.TrimSpace(p.sql[from:p.in[p.at-1].to])
	if c, ok := e.(columnRef); ok {
		name = c.name
	}
	alias, err := p.alias("FROM")
	if alias != "" {
		name = alias
	}
	return selectItem{e: e, name: name}, err
}

// alias reads [AS] name, where a bare name must not be one of the keywords that may come next.
func (p *parser) alias(stop ...string) (string, error) {
	if p.accept("AS") {
		if p.peek().kind == lexString {
			return p.text()
		}
		return p.name()
	}
	if p.peek().kind == lexName {
		return p.name()
	}
	for _, w := range append(stop, "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "JOIN", "LEFT", "INNER", "UNION", "TABLET", "PARTITION", "INTO") {
		if p.is(w) {
			return "", nil
		}
	}
	if p.peek().kind == lexWord {
		return p.name()
	}
	return "", nil
}

func (p *parser) from(s *selectStmt) (err error) {
	if s.db, s.from, err = p.qualified(); err != nil {
		return err
	}
	s.function = p.accept("(", ")")
	s.alias, err = p.alias()
	return err
}

func (p *parser) clauses(s *selectStmt) (err error) {
	if p.accept("WHERE") {
		if s.where, err = p.expr(); err != nil {
			return err
		}
	}
	if p.accept("GROUP", "BY") {
		for {
			e, err := p.expr()
			if err != nil {
				return err
			}
			s.groupBy = append(s.groupBy, e)
			if !p.accept(",") {
				break
			}
		}
	}
	if p.accept("HAVING") {
		if s.having, err = p.expr(); err != nil {
			return err
		}
	}
	if p.accept("ORDER", "BY") {
		for {
			e, err := p.expr()
			if err != nil {
				return err
			}
			desc := p.accept("DESC")
			_ = !desc && p.accept("ASC")
			s.orderBy = append(s.orderBy, orderItem{e, desc})
			if !p.accept(",") {
				break
			}
		}
	}
	return p.limits(s)
}

// limits reads LIMIT n, LIMIT n OFFSET m, LIMIT m, n.
func (p *parser) limits(s *selectStmt) (err error) {
	if !p.accept("LIMIT") {
		return nil
	}
	if s.limit, err = p.integer(); err != nil {
		return err
	}
	switch {
	case p.accept("OFFSET"):
		s.offset, err = p.integer()
	case p.accept(","):
		s.offset = s.limit
		s.limit, err = p.integer()
	}
	return err
}
