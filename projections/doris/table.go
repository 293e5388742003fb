package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

func (d *Doris) quotedTable() string {
	return dorisconn.Quoted(d.cfg.Database) + "." + dorisconn.Quoted(d.cfg.Table)
}

// tableError says why nothing is loaded into a table, all of it at once, with the
// statements that change it. It is one line, which a shell or a client takes as it is.
type tableError struct {
	table string
	found []string
	do    []string // statements
}

// Error names the table, what is wrong, and what to do.
func (e *tableError) Error() string {
	return fmt.Sprintf("table %s %s; nothing is loaded. To change it (deploy/doris.sql has the reasons): %s",
		e.table, strings.Join(e.found, "; "), strings.Join(e.do, " "))
}

// checkTable holds the table against what the rows need, before anything is begun.
// Errors: *tableError.
func (l *leg) checkTable(ctx context.Context) error {
	needs := rowNeeds{nulls: l.cfg.Pipeline.Direct}
	inForce, _ := l.cfg.Configured()
	for _, s := range inForce.Sources {
		needs.city = max(needs.city, len(s.City))
	}
	facts, read, err := l.describe(ctx)
	if err != nil {
		return l.mayNot("read", err)
	}
	create := createTable(l.quotedTable(), l.cfg.Model, needs)
	if facts == nil {
		return &tableError{l.table(), []string{"is not there, or its user may not see it; Hefu never makes it"}, []string{create, l.grant()}}
	}
	if found := misfits(facts, l.cfg.Model, needs); len(found) > 0 {
		return misfitsError(l.table(), found, l.quotedTable(), create)
	}
	if read != nil {
		return l.mayNot("read", read)
	}
	if err := l.conn.MayLoad(ctx, l.cfg.Database, l.cfg.Table); err != nil {
		return l.mayNot("load into", err)
	}
	l.unique = facts.model == "UNIQUE"
	l.bindRecord(ctx, facts.column("record").typ)
	if t := facts.column("sscsdm").typ; t.size > 0 {
		l.bounds.city = t.size
	}
	return nil
}

// mayNot makes a *tableError of what a privilege mends. A front end says "Access denied;
// you need …", "SELECT command denied to user …" or "Permission denied: …", under a
// number that differs from version to version.
func (l *leg) mayNot(do string, err error) error {
	if !errors.Is(err, dorisconn.ErrUnauthorized) && strings.Contains(strings.ToLower(err.Error()), "denied") {
		return &tableError{l.table(), []string{"is one that its user may not " + do + ": " + err.Error()}, []string{l.grant()}}
	}
	return fmt.Errorf("look at table %s: %w", l.table(), err)
}

// misfitsError puts findings into words. As soon as one asks for another table, to alter
// this one is of no use.
func misfitsError(table string, found []finding, quoted, create string) error {
	e := &tableError{table: table}
	for _, f := range found {
		e.found = append(e.found, f.what)
		if f.alter == "" {
			e.do = []string{create}
		}
	}
	e.found[0] = "does not fit: " + e.found[0]
	if e.do == nil {
		for _, f := range found {
			e.do = append(e.do, "ALTER TABLE "+quoted+" "+f.alter+";")
		}
	}
	return e
}

// bindRecord makes the length of the column record the bound of what a load carries. A
// row beyond it is excluded, so it is said.
func (l *leg) bindRecord(ctx context.Context, t columnType) {
	bytes := l.cfg.MaxRecordBytes
	if t.size > 0 && t.size < bytes {
		bytes = t.size
	}
	if bytes != l.bounds.text {
		l.log.InfoContext(ctx, "column record decides how long a record may be; longer ones are left out and listed",
			"table", l.table(), "type", t.String(), "bytes", bytes)
	}
	l.bounds.text = bytes
}

// describe asks Doris for the table; facts are nil when it is not there for this user.
// read is why its rows cannot be read: they are asked for only when a label is forgotten,
// which is no time to find that out.
func (l *leg) describe(ctx context.Context) (facts *tableFacts, read, err error) {
	err = l.conn.Ask(ctx, func(c *sql.Conn) error {
		columns, err := l.readColumns(ctx, c)
		if err != nil || len(columns) == 0 {
			return err
		}
		kind, ddl, err := l.readCreate(ctx, c)
		if err != nil {
			return err
		}
		facts = &tableFacts{columns: columns}
		if !strings.EqualFold(kind, "Create Table") {
			return nil
		}
		facts.model, facts.key = parseKey(ddl)
		for i := range columns {
			columns[i].filled = fillsItself(ddl, columns[i].name)
		}
		var none int64
		read = c.QueryRowContext(ctx, "SELECT count(*) FROM "+l.quotedTable()+" WHERE "+keyPartition+" < 0").Scan(&none)
		return nil
	})
	return facts, read, err
}

func (l *leg) readColumns(ctx context.Context, c *sql.Conn) ([]tableColumn, error) {
	rows, err := c.QueryContext(ctx, "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.columns"+
		" WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", l.cfg.Database, l.cfg.Table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []tableColumn
	for rows.Next() {
		var name, typ, nullable string
		if err := rows.Scan(&name, &typ, &nullable); err != nil {
			return nil, err
		}
		all = append(all, tableColumn{name: name, typ: parseType(typ), nullable: strings.EqualFold(nullable, "YES")})
	}
	return all, rows.Err()
}

// readCreate reads SHOW CREATE TABLE; kind is "Create Table", and another word for a
// view.
func (l *leg) readCreate(ctx context.Context, c *sql.Conn) (kind, ddl string, err error) {
	rows, err := c.QueryContext(ctx, "SHOW CREATE TABLE "+l.quotedTable())
	if err != nil {
		return "", "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", "", err
	}
	if !rows.Next() || len(names) < 2 {
		return "", "", fmt.Errorf("SHOW CREATE TABLE has no answer: %w", rows.Err())
	}
	cells := make([]any, len(names))
	for i := range cells {
		cells[i] = new(sql.NullString)
	}
	cells[1] = &ddl
	if err := rows.Scan(cells...); err != nil {
		return "", "", err
	}
	return names[1], ddl, rows.Err()
}

// grant is the statement that gives the leg's user what it needs: LOAD of the whole
// database, since labels belong to it (doris-wire.md §11.1, 19).
func (l *leg) grant() string {
	user := l.cfg.Conn.User
	if l.cfg.Conn.UserFile != "" || user == "" {
		user = "…"
	}
	return fmt.Sprintf("GRANT SELECT_PRIV, LOAD_PRIV ON %s.* TO '%s'@'%%';", dorisconn.Quoted(l.cfg.Database), user)
}
