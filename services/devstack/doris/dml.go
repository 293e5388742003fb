package doris

import (
	"fmt"
	"slices"
	"strings"
)

// write answers UPDATE, DELETE and INSERT ... VALUES: an operator's hand in a table. They take effect at once and
// leave no transaction behind, unlike in Doris.
func (c *session) write(p *parser) (int64, error) {
	var sql string
	var err error
	switch {
	case p.accept("UPDATE"):
		sql, err = c.updateSQL(p)
	case p.accept("DELETE", "FROM"):
		sql, err = c.deleteSQL(p)
	case p.accept("INSERT", "INTO"):
		sql, err = c.insertSQL(p)
	default:
		err = p.unsupported()
	}
	if err != nil {
		return 0, err
	}
	r, err := c.s.rows.write.ExecContext(c.ctx, sql)
	if err != nil {
		return 0, fmt.Errorf("stand-in's storage: %w", err)
	}
	return r.RowsAffected()
}

// target reads a table's name and prepares for expressions over its columns.
func (c *session) target(p *parser) (*Table, *translator, error) {
	db, name, err := p.qualified()
	if err != nil {
		return nil, nil, err
	}
	t, err := c.lockedTable(db, name)
	if err != nil {
		return nil, nil, err
	}
	from, err := c.source(&selectStmt{db: db, from: name})
	return t, &translator{from: from, vars: c.variable, now: c.function, inside: true}, err
}

func (c *session) updateSQL(p *parser) (string, error) {
	t, tr, err := c.target(p)
	if err != nil {
		return "", err
	}
	if t.Model != Unique {
		return "", refuse("Only unique table could be updated.")
	}
	if err := p.expect("SET"); err != nil {
		return "", err
	}
	var sets []string
	for {
		set, err := assignment(p, t, tr)
		if err != nil {
			return "", err
		}
		sets = append(sets, set)
		if !p.accept(",") {
			break
		}
	}
	where, err := tr.where(p)
	return "UPDATE " + tr.from.sql + " SET " + strings.Join(sets, ", ") + where, err
}

// assignment reads column = expression.
func assignment(p *parser, t *Table, tr *translator) (string, error) {
	name, err := p.name()
	if err != nil {
		return "", err
	}
	i := t.column(name)
	if i < 0 {
		return "", refuse("Unknown column '%s' in 'table list'", name)
	}
	if t.Columns[i].Key {
		return "", refuse("Only value columns of unique table could be updated: %s", name)
	}
	if err := p.expect("="); err != nil {
		return "", err
	}
	e, err := p.expr()
	if err != nil {
		return "", err
	}
	v, err := tr.stored(&t.Columns[i], e)
	return quote(t.Columns[i].Name) + " = " + v, err
}

// stored is an expression as a column's value: literals are checked as a load would, anything else must be of its kind.
func (t *translator) stored(c *Column, e expr) (string, error) {
	v := token{kind: tokNumber}
	switch e := e.(type) {
	case litNull:
		v.kind = tokNull
	case litText:
		v = token{tokString, []byte(e.v)}
	case litInt:
		v.text = fmt.Appendf(nil, "%d", e.v)
	default:
		p, err := t.expr(e)
		if err == nil && p.typ.kind != c.Type.Kind {
			err = refuse("stand-in does not support storing %s in column %s", p.typ, c.Name)
		}
		return p.sql, err
	}
	var out cell
	if err := c.convert(v, nil, &out); err != nil {
		return "", refuse("%s", err.Error())
	}
	switch {
	case out.null:
		return "NULL", nil
	case c.Type.Kind == KindText:
		return sqlText(string(out.text)), nil
	case c.Type.Kind == KindFloat:
		return fmt.Sprintf("%e", out.value(KindFloat)), nil
	default:
		return fmt.Sprint(out.i), nil
	}
}

// where reads WHERE and what follows; an UPDATE or DELETE without it is refused, as Doris refuses it.
func (t *translator) where(p *parser) (string, error) {
	if err := p.expect("WHERE"); err != nil {
		return "", err
	}
	e, err := p.expr()
	if err != nil {
		return "", err
	}
	w, err := t.expr(e)
	if err != nil {
		return "", err
	}
	return " WHERE " + w.sql, p.end()
}

func (c *session) deleteSQL(p *parser) (string, error) {
	t, tr, err := c.target(p)
	if err == nil {
		err = c.s.accounts.mayChange(c.user, "LOAD", privLoad, t.DB.Name, t.Name) // a delete is a load
	}
	if err != nil {
		return "", err
	}
	where, err := tr.where(p)
	return "DELETE FROM " + tr.from.sql + where, err
}

func (c *session) insertSQL(p *parser) (string, error) {
	t, tr, err := c.target(p)
	if err != nil {
		return "", err
	}
	order := make([]int, len(t.Columns))
	for i := range order {
		order[i] = i
	}
	if p.is("(") {
		if order, err = columnOrder(p, t); err != nil {
			return "", err
		}
	}
	if err := p.expect("VALUES"); err != nil {
		return "", err
	}
	var rows []string
	for {
		row, err := tr.valuesRow(p, t, order)
		if err != nil {
			return "", err
		}
		rows = append(rows, row)
		if !p.accept(",") {
			break
		}
	}
	return "INSERT OR REPLACE INTO " + tr.from.sql + " VALUES " + strings.Join(rows, ", "), p.end()
}

func columnOrder(p *parser, t *Table) ([]int, error) {
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	var order []int
	for _, n := range names {
		i := t.column(n)
		if i < 0 || slices.Contains(order, i) {
			return nil, refuse("Unknown or repeated column '%s'", n)
		}
		order = append(order, i)
	}
	return order, nil
}

// valuesRow reads (e, ...) for the columns in order; the others take their defaults.
func (t *translator) valuesRow(p *parser, table *Table, order []int) (string, error) {
	list, err := p.list()
	if err != nil {
		return "", err
	}
	if len(list) != len(order) {
		return "", refuse("Column count doesn't match value count")
	}
	cells := make([]string, len(table.Columns))
	for i := range cells {
		c := &table.Columns[i]
		var e expr = litNull{}
		if n := slices.Index(order, i); n >= 0 {
			e = list[n]
		} else if c.Default != nil {
			e = litText{*c.Default}
		}
		if cells[i], err = t.stored(c, e); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(cells, ", ") + ")", nil
}
