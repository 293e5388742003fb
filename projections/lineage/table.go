package lineage

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// prepareTable makes the table where it is not there, and demands of one that is there that
// it holds what is written. Whoever wants another engine of the family, a replicated one, or
// other indices makes it beforehand.
func (l *leg) prepareTable(ctx context.Context) error {
	have, err := CheckTable(ctx, l.conn, l.cfg.Database, l.cfg.Table)
	switch {
	case err != nil:
		return err
	case have.NoTable:
		return l.createTable(ctx, have)
	case have.Differs != "":
		return fmt.Errorf("table %s.%s of ClickHouse: %s; another one was made by: %s", l.cfg.Database, l.cfg.Table, have.Differs, have.DDL)
	default:
		return nil
	}
}

// TableState is what CheckTable found.
type TableState struct {
	NoDatabase bool
	NoTable    bool   // the leg makes it, and its database
	Differs    string // why it cannot hold what is written; empty: it can
	DDL        string // the statement by which the leg makes it
}

// CheckTable looks at the table as the leg does when it opens, and changes nothing.
func CheckTable(ctx context.Context, c *clickhouseconn.Conn, database, table string) (s TableState, err error) {
	s.DDL = ddl(quoted(database, table), c.Skips(), c.Deduplicates())
	have, err := texts(ctx, c, "SELECT concat(name, ' ', type) AS text FROM system.columns WHERE database = %s AND table = %s", database, table)
	if err != nil {
		return s, err
	}
	if s.NoTable = len(have) == 0; s.NoTable {
		there, err := texts(ctx, c, "SELECT name AS text FROM system.databases WHERE name = %s AND %s != ''", database, table)
		s.NoDatabase = len(there) == 0
		return s, err
	}
	engine, err := texts(ctx, c, "SELECT engine AS text FROM system.tables WHERE database = %s AND name = %s", database, table)
	if s.Differs = differs(have); len(engine) != 1 || !strings.HasSuffix(engine[0], "ReplacingMergeTree") {
		s.Differs = fmt.Sprintf("its engine is %q, not one of the family ReplacingMergeTree", engine)
	}
	return s, err
}

func (l *leg) createTable(ctx context.Context, have TableState) error {
	if have.NoDatabase {
		create := "CREATE DATABASE IF NOT EXISTS " + clickhouseconn.Name(l.cfg.Database)
		if err := l.conn.Exec(ctx, create); err != nil {
			return fmt.Errorf("%s: %w", create, err)
		}
	}
	if err := l.conn.Exec(ctx, have.DDL); err != nil {
		return fmt.Errorf("%s: %w", have.DDL, err)
	}
	l.log.InfoContext(ctx, "lineage table was made", "table", l.cfg.Database+"."+l.cfg.Table, "server", l.conn.Server())
	return nil
}

// texts asks for a column of texts; the database and the table go into the query.
func texts(ctx context.Context, c *clickhouseconn.Conn, query, database, table string) (out []string, err error) {
	var text proto.ColStr
	err = c.Ask(ctx, fmt.Sprintf(query, clickhouseconn.Text(database), clickhouseconn.Text(table)),
		proto.Results{{Name: "text", Data: &text}}, func() error {
			for i := range text.Rows() {
				out = append(out, text.Row(i))
			}
			return nil
		})
	return out, err
}
