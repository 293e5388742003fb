package doris

import (
	"slices"
	"strings"
)

// define answers CREATE, DROP and TRUNCATE.
func (c *session) define(p *parser) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	switch {
	case p.accept("CREATE", "DATABASE"), p.accept("CREATE", "SCHEMA"):
		return c.createDatabase(p)
	case p.accept("CREATE", "TABLE"):
		return c.createTable(p)
	case p.accept("DROP", "DATABASE"), p.accept("DROP", "SCHEMA"):
		return c.dropDatabase(p)
	case p.accept("DROP", "TABLE"):
		return c.dropTable(p)
	case p.accept("TRUNCATE", "TABLE"):
		return c.truncate(p)
	default:
		return p.unsupported()
	}
}

func (c *session) createDatabase(p *parser) error {
	quiet := p.accept("IF", "NOT", "EXISTS")
	name, err := p.name()
	if err != nil {
		return err
	}
	if _, ok := c.s.catalog.dbs[name]; ok || strings.EqualFold(name, infoSchema) {
		if quiet {
			return nil
		}
		return refuse("Can't create database '%s'; database exists", name)
	}
	return c.s.catalog.createDatabase(c.ctx, name, c.s.cfg.Limits.MaxRunning)
}

func (c *session) dropDatabase(p *parser) error {
	quiet := p.accept("IF", "EXISTS")
	name, err := p.name()
	if err != nil {
		return err
	}
	s, ok := c.s.catalog.dbs[name]
	if !ok {
		if quiet {
			return nil
		}
		return refuse("Can't drop database '%s'; database doesn't exist", name)
	}
	for _, t := range s.tables() {
		if err := c.s.rows.drop(c.ctx, t); err != nil {
			return err
		}
	}
	return c.s.catalog.dropDatabase(c.ctx, s)
}

func (c *session) dropTable(p *parser) error {
	quiet := p.accept("IF", "EXISTS")
	db, name, err := p.qualified()
	if err != nil {
		return err
	}
	s, err := c.schema(db)
	if err != nil {
		return err
	}
	if err := c.s.accounts.mayChange(c.user, "DROP", privDrop, s.Name, name); err != nil {
		return err
	}
	t, ok := s.Tables[name]
	if !ok {
		if quiet {
			return nil
		}
		return refuse("Unknown table '%s' in %s", name, s.Name)
	}
	if err := c.s.catalog.dropTable(c.ctx, t); err != nil {
		return err
	}
	return c.s.rows.drop(c.ctx, t) // dying before this leaves rows that no table names any more
}

func (c *session) createTable(p *parser) error {
	quiet := p.accept("IF", "NOT", "EXISTS")
	db, name, err := p.qualified()
	if err != nil {
		return err
	}
	s, err := c.schema(db)
	if err != nil {
		return err
	}
	if err := c.s.accounts.mayChange(c.user, "CREATE", privCreate, s.Name, name); err != nil {
		return err
	}
	if _, ok := s.Tables[name]; ok {
		if quiet {
			return nil
		}
		return refuse("Table '%s' already exists", name)
	}
	t := &Table{DB: s, Name: name}
	if p.accept("LIKE") {
		err = c.like(p, t)
	} else {
		err = p.tableBody(t)
	}
	if err != nil {
		return err
	}
	if t.ID, err = c.s.catalog.takeID(); err != nil {
		return err
	}
	if err := c.s.rows.create(c.ctx, t); err != nil {
		return err
	}
	return c.s.catalog.add(c.ctx, t)
}

// like gives a new table what another one is made of: a front end writes the other's SHOW CREATE TABLE under the new name
// and has that done (fe: createTableLike, Env.getDdlStmt), so that the comment comes along, and OLAP where there is none.
func (c *session) like(p *parser, t *Table) error {
	db, name, err := p.qualified()
	if err != nil {
		return err
	}
	if err := p.end(); err != nil { // WITH ROLLUP: the stand-in has none
		return err
	}
	of, err := c.table(db, name)
	if err != nil {
		return err
	}
	if err := c.s.accounts.mayChange(c.user, "SELECT", privSelect, of.DB.Name, of.Name); err != nil {
		return err
	}
	t.Model, t.Columns, t.Random, t.Placement, t.Comment = of.Model, slices.Clone(of.Columns), of.Random, of.Placement, of.comment()
	return nil
}
