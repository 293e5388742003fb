package doris

import (
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// run answers one statement.
func (c *session) run(sql string) (*mysql.Result, error) {
	p, err := newParser(sql)
	if err != nil {
		return nil, err
	}
	switch {
	case p.accept("SELECT"):
		s, err := p.selectTail()
		if err != nil {
			return nil, err
		}
		return c.runSelect(s)
	case p.accept("ADMIN", "SHOW", "FRONTEND", "CONFIG"), p.accept("SHOW", "FRONTEND", "CONFIG"):
		r, err := c.showConfig(p)
		return c.answer(r, err)
	case p.accept("SHOW"):
		r, err := c.show(p)
		return c.answer(r, err)
	case p.accept("DESC"), p.accept("DESCRIBE"):
		r, err := c.describe(p)
		return c.answer(r, err)
	case p.accept("SET"):
		return nil, c.set(p)
	case p.accept("USE"):
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		return nil, c.UseDB(name)
	case p.accept("CLEAN", "LABEL"):
		return nil, c.cleanLabel(p)
	case p.is("BEGIN"), p.is("START"), p.is("COMMIT"), p.is("ROLLBACK"), p.is("SYNC"):
		return nil, nil // accepted, and of no effect on what the stand-in has
	case p.is("CREATE", "USER"), p.is("DROP", "USER"), p.is("GRANT"), p.is("REVOKE"):
		return nil, c.manageUsers(p)
	case p.is("DELETE", "FROM"), p.is("CREATE", "TABLE"), p.is("DROP", "TABLE"), p.is("ALTER", "TABLE"):
		return c.change(p) // each asks for the privilege that it takes
	case !c.s.accounts.mayAdminister(c.user):
		return nil, refuse("stand-in does not support this statement for user '%s': only those may change tables who may do everything", c.user)
	default:
		return c.change(p)
	}
}

// change answers what changes tables and their rows.
func (c *session) change(p *parser) (*mysql.Result, error) {
	switch {
	case p.is("UPDATE"), p.is("DELETE"), p.is("INSERT"):
		n, err := c.write(p)
		return &mysql.Result{AffectedRows: uint64(n)}, err
	case p.is("CREATE"), p.is("DROP"), p.is("TRUNCATE"):
		return nil, c.define(p)
	case p.is("ALTER"):
		return nil, c.alter(p)
	default:
		return nil, p.unsupported()
	}
}

// schema finds a database by name, or the session's own.
func (c *session) schema(name string) (*Schema, error) {
	if name == "" {
		name = c.db
	}
	if name == "" {
		return nil, &mysql.MyError{Code: mysql.ER_NO_DB_ERROR, State: "3D000", Message: "errCode = 2, detailMessage = No database selected"}
	}
	s, ok := c.s.catalog.dbs[name]
	if !ok {
		return nil, mysql.NewError(mysql.ER_BAD_DB_ERROR, refuse("Unknown database '%s'", name).Error())
	}
	return s, nil
}

// table finds a table; the server's lock must be held.
func (c *session) table(db, name string) (*Table, error) {
	s, err := c.schema(db)
	if err != nil {
		return nil, err
	}
	t, ok := s.Tables[name]
	if !ok {
		return nil, refuse("Table [%s] does not exist in database [%s].", name, s.Name)
	}
	return t, nil
}

// lockedTable is table with the lock taken for the look-up.
func (c *session) lockedTable(db, name string) (*Table, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.table(db, name)
}

func (c *session) cleanLabel(p *parser) error {
	label := ""
	if !p.is("FROM") {
		var err error
		if label, err = p.name(); err != nil {
			return err
		}
	}
	db := ""
	if p.accept("FROM") || p.accept("IN") {
		var err error
		if db, err = p.name(); err != nil {
			return err
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	s, err := c.schema(db)
	if err != nil {
		return err
	}
	if err := c.s.accounts.mayWatch(c.user, s.Name); err != nil {
		return err
	}
	return c.s.engine.Clean(s.ID, label)
}

// runSelect translates and streams a SELECT.
func (c *session) runSelect(s *selectStmt) (*mysql.Result, error) {
	t := &translator{vars: c.variable, now: c.function}
	if s.from != "" {
		from, err := c.source(s)
		if err != nil {
			return nil, err
		}
		t.from = from
	}
	q, err := t.selectSQL(s)
	if err != nil {
		return nil, err
	}
	return c.stream(q, t.from.rows)
}

// source resolves what a SELECT reads from: a table, a view of information_schema, or a table function.
func (c *session) source(s *selectStmt) (source, error) {
	name := s.alias
	if name == "" {
		name = s.from
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	db := s.db
	if db == "" {
		db = c.db
	}
	if s.function || strings.EqualFold(db, infoSchema) {
		r, err := c.virtual(s.from, s.function)
		if err != nil {
			return source{}, err
		}
		return r.source(name), nil
	}
	t, err := c.table(s.db, s.from)
	if err == nil {
		err = c.s.accounts.mayRead(c.user, t.DB.Name, t.Name)
	}
	if err != nil {
		return source{}, err
	}
	from := source{sql: quote(t.rowsName()), name: name, rows: true}
	for _, col := range t.Columns {
		from.columns = append(from.columns, sourceColumn{col.Name, valueType{kind: col.Type.Kind, scale: col.Type.Scale}})
	}
	return from, nil
}
