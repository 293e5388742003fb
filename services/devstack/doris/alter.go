package doris

import "strings"

// alter answers ALTER DATABASE and ALTER TABLE.
func (c *session) alter(p *parser) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	switch {
	case p.accept("ALTER", "DATABASE"):
		return c.alterDatabase(p)
	case p.accept("ALTER", "TABLE"):
		return c.alterTable(p)
	default:
		return p.unsupported()
	}
}

// alterDatabase sets the transaction quota. SET PROPERTIES is taken without a word and changes nothing, the
// transaction_quota in it included (doris-wire.md §11.1, 3).
func (c *session) alterDatabase(p *parser) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	s, err := c.schema(name)
	if err != nil {
		return err
	}
	switch {
	case p.accept("SET", "TRANSACTION", "QUOTA"):
		n, err := p.integer()
		if err == nil {
			err = p.end()
		}
		if err == nil && n < 1 {
			err = refuse("stand-in does not support a transaction quota of %d", n)
		}
		if err != nil {
			return err
		}
		return c.s.catalog.setQuota(s, int(n))
	case p.accept("SET", "PROPERTIES"):
		if err := p.properties(nil); err != nil {
			return err
		}
		return p.end()
	default:
		return p.unsupported()
	}
}

func (c *session) alterTable(p *parser) error {
	db, name, err := p.qualified()
	if err != nil {
		return err
	}
	t, err := c.table(db, name)
	if err == nil {
		err = c.s.accounts.mayChange(c.user, "ALTER", privAlter, t.DB.Name, t.Name)
	}
	if err != nil {
		return err
	}
	switch {
	case p.accept("ADD", "COLUMN"):
		return c.addColumn(p, t)
	case p.accept("MODIFY", "COMMENT"):
		return c.modifyComment(p, t)
	case p.accept("REPLACE", "WITH", "TABLE"):
		return c.replaceTable(p, t)
	case p.accept("RENAME"):
		return c.renameTable(p, t)
	default:
		return p.unsupported()
	}
}

// addColumn is a light schema change: loads that are under way keep the columns that they began with, and rows that
// are there already have the default.
func (c *session) addColumn(p *parser, t *Table) error {
	next := *t
	next.Columns = append([]Column(nil), t.Columns...)
	if err := p.columnDefinition(&next); err != nil {
		return err
	}
	added := next.Columns[len(t.Columns)]
	last := t.Columns[len(t.Columns)-1].Name
	if p.accept("AFTER") {
		after, err := p.name()
		if err != nil {
			return err
		}
		if !strings.EqualFold(after, last) {
			return refuse("stand-in does not support ADD COLUMN but after the last one, %s", last)
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	if added.NotNull && added.Default == nil {
		return refuse("stand-in does not support adding a NOT NULL column without a default: %s", added.Name)
	}
	value, err := (&translator{}).stored(&added, defaultExpr(&added))
	if err != nil {
		return err
	}
	if err := c.s.rows.addColumn(c.ctx, t, &added, value); err != nil {
		return err
	}
	return c.s.catalog.replace(c.ctx, &next) // dying before this leaves a column that no table names
}

// defaultExpr is a column's default as an expression.
func defaultExpr(c *Column) expr {
	if c.Default == nil {
		return litNull{}
	}
	return litText{*c.Default}
}

// modifyComment answers ALTER TABLE … MODIFY COMMENT "…", which is done when it is answered (Doris documentation, "ALTER
// TABLE COMMENT").
func (c *session) modifyComment(p *parser, t *Table) error {
	next := *t
	var err error
	if next.Comment, err = p.text(); err == nil {
		err = p.end()
	}
	if err != nil {
		return err
	}
	return c.s.catalog.replace(c.ctx, &next)
}

// replaceTable gives a table the rows of another, and with swap (the default) the other its own: the two exchange their
// names, and what belongs to a table, its comment included, goes with it (Doris documentation, "ALTER TABLE REPLACE").
func (c *session) replaceTable(p *parser, t *Table) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	other, ok := t.DB.Tables[name]
	if !ok {
		return refuse("Unknown table '%s' in %s", name, t.DB.Name)
	}
	swap := true
	if p.accept("PROPERTIES") {
		if err := p.expect("("); err != nil {
			return err
		}
		k, err := p.text()
		if err != nil || k != "swap" || !p.accept("=") {
			return p.unsupported()
		}
		v, err := p.text()
		if err != nil || !p.accept(")") {
			return p.unsupported()
		}
		swap = strings.EqualFold(v, "true")
	}
	if err := p.end(); err != nil {
		return err
	}
	if err := c.s.catalog.swap(c.ctx, t, other); err != nil || swap {
		return err
	}
	old := t.DB.Tables[name] // under the other's name now
	if err := c.s.catalog.dropTable(c.ctx, old); err != nil {
		return err
	}
	return c.s.rows.drop(c.ctx, old)
}

// renameTable gives a table another name, which must be free (fe: Env.renameTable).
func (c *session) renameTable(p *parser, t *Table) error {
	name, err := p.name()
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return err
	}
	if _, taken := t.DB.Tables[name]; taken {
		return refuse("Table name[%s] is already used", name)
	}
	return c.s.catalog.rename(c.ctx, t, name)
}

// truncate gives a table new, empty rows. Loads that are under way keep their old ones, which nobody sees: their
// commits succeed and show nothing, as in Doris, whose partitions they were loaded into are gone.
func (c *session) truncate(p *parser) error {
	db, name, err := p.qualified()
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	t, err := c.table(db, name)
	if err != nil {
		return err
	}
	next := *t
	next.Epoch++
	if err := c.s.rows.create(c.ctx, &next); err != nil {
		return err
	}
	if err := c.s.catalog.replace(c.ctx, &next); err != nil { // dying before this leaves empty rows that no table names
		return err
	}
	return c.s.rows.drop(c.ctx, t)
}
