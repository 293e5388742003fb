package doris

import (
	"fmt"
	"slices"
	"strings"
)

// query is a SELECT in sqlite's SQL, with the types that Doris gives its columns.
type query struct {
	sql   string
	names []string
	types []valueType
}

// selectSQL translates a whole SELECT.
func (t *translator) selectSQL(s *selectStmt) (query, error) {
	q := query{}
	t.aliases = map[string]expr{}
	for _, item := range s.items {
		if !item.star {
			t.aliases[strings.ToLower(item.name)] = item.e
		}
	}
	var out []string
	for _, item := range s.items {
		if item.star {
			for _, c := range t.from.columns {
				out = append(out, quote(c.name))
				q.names, q.types = append(q.names, c.name), append(q.types, c.typ)
			}
			continue
		}
		p, err := t.selected(item.e)
		if err != nil {
			return q, err
		}
		out = append(out, p.sql)
		q.names, q.types = append(q.names, item.name), append(q.types, p.typ)
	}
	if len(out) == 0 {
		return q, refuse("stand-in does not support SELECT * without a table")
	}
	q.sql = "SELECT " + strings.Join(out, ", ")
	if s.distinct {
		q.sql = "SELECT DISTINCT " + strings.Join(out, ", ")
		t.distinct = out
	}
	if s.from != "" {
		q.sql += " FROM " + t.from.sql
	}
	tail, err := t.tail(s)
	q.sql += tail
	return q, err
}

// selected translates an item: its own alias is no name it may use.
func (t *translator) selected(e expr) (piece, error) {
	aliases := t.aliases
	t.aliases = nil
	defer func() { t.aliases = aliases }()
	return t.expr(e)
}

func (t *translator) tail(s *selectStmt) (string, error) {
	var b strings.Builder
	if s.where != nil {
		t.inside = true // no aggregates here
		p, err := t.selected(s.where)
		t.inside = false
		if err == nil {
			err = truth(p, "WHERE")
		}
		if err != nil {
			return "", err
		}
		b.WriteString(" WHERE " + p.sql)
	}
	groups, err := t.groups(s)
	if err != nil {
		return "", err
	}
	if len(groups) > 0 {
		b.WriteString(" GROUP BY " + strings.Join(groups, ", "))
	}
	if s.having != nil {
		p, err := t.expr(s.having)
		if err == nil {
			err = truth(p, "HAVING")
		}
		if err != nil {
			return "", err
		}
		b.WriteString(" HAVING " + p.sql)
	}
	for i, o := range s.orderBy {
		p, err := t.ordered(o.e, s)
		if err != nil {
			return "", err
		}
		if s.distinct && !slices.Contains(t.distinct, p.sql) {
			return "", refuse("stand-in does not support ORDER BY of what SELECT DISTINCT does not select")
		}
		b.WriteString(map[bool]string{true: " ORDER BY ", false: ", "}[i == 0] + p.sql)
		if o.desc {
			b.WriteString(" DESC")
		}
	}
	if s.limit >= 0 {
		fmt.Fprintf(&b, " LIMIT %d OFFSET %d", s.limit, s.offset)
	}
	return b.String(), t.checkGrouped(s, groups)
}

// positional is an expression of GROUP BY or ORDER BY, where a number means an item.
func (t *translator) positional(e expr, s *selectStmt) (piece, error) {
	if n, ok := e.(litInt); ok {
		if n.v < 1 || n.v > int64(len(s.items)) || s.items[n.v-1].star {
			return piece{}, refuse("stand-in does not support position %d", n.v)
		}
		return t.selected(s.items[n.v-1].e)
	}
	return t.expr(e)
}

// ordered is an expression of ORDER BY, where an alias goes before a column of that name.
func (t *translator) ordered(e expr, s *selectStmt) (piece, error) {
	if c, ok := e.(columnRef); ok && c.table == "" {
		if alias := t.aliases[strings.ToLower(c.name)]; alias != nil {
			return t.selected(alias)
		}
	}
	return t.positional(e, s)
}

func (t *translator) groups(s *selectStmt) ([]string, error) {
	var all []string
	for _, e := range s.groupBy {
		t.inside = true
		p, err := t.positional(e, s)
		t.inside = false
		if err != nil {
			return nil, err
		}
		all = append(all, p.sql)
	}
	return all, nil
}

// checkGrouped refuses a column outside of aggregates that is not grouped by: sqlite would pick any row's value.
func (t *translator) checkGrouped(s *selectStmt, groups []string) error {
	if len(groups) == 0 && !t.aggregate {
		if s.having != nil {
			return refuse("stand-in does not support HAVING without aggregates")
		}
		return nil
	}
	check := []expr{}
	for _, item := range s.items {
		if item.star {
			return refuse("stand-in does not support * with aggregates")
		}
		check = append(check, item.e)
	}
	if s.having != nil {
		check = append(check, s.having)
	}
	for _, o := range s.orderBy {
		if _, ok := o.e.(litInt); !ok {
			check = append(check, o.e)
		}
	}
	for _, e := range check {
		if err := t.grouped(e, groups); err != nil {
			return err
		}
	}
	return nil
}

func (t *translator) grouped(e expr, groups []string) error {
	p, err := t.expr(e)
	if err != nil {
		return err
	}
	if slices.Contains(groups, p.sql) {
		return nil
	}
	switch e := e.(type) {
	case columnRef:
		if alias, ok := t.aliases[strings.ToLower(e.name)]; ok && alias != expr(e) {
			if _, err := t.selected(e); err != nil { // not a column of the table
				return t.grouped(alias, groups)
			}
		}
		return refuse("%s must appear in the GROUP BY clause or be used in an aggregate function", e.name)
	case call:
		if isAggregate(e.name) {
			return nil
		}
		return t.allGrouped(groups, e.args...)
	case binaryOp:
		return t.allGrouped(groups, e.l, e.r)
	case not:
		return t.grouped(e.e, groups)
	case negate:
		return t.grouped(e.e, groups)
	case cast:
		return t.grouped(e.e, groups)
	case isNull:
		return t.grouped(e.e, groups)
	case like:
		return t.grouped(e.e, groups)
	case between:
		return t.allGrouped(groups, e.e, e.lo, e.hi)
	case inList:
		return t.allGrouped(groups, append([]expr{e.e}, e.list...)...)
	}
	return nil
}

func (t *translator) allGrouped(groups []string, all ...expr) error {
	for _, e := range all {
		if err := t.grouped(e, groups); err != nil {
			return err
		}
	}
	return nil
}

func isAggregate(name string) bool {
	return slices.Contains([]string{"count", "sum", "min", "max", "group_bit_xor"}, name)
}
