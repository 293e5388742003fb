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
	have, err := l.texts(ctx, "SELECT concat(name, ' ', type) AS text FROM system.columns WHERE database = %s AND table = %s")
	if err != nil {
		return err
	}
	if len(have) == 0 {
		return l.createTable(ctx)
	}
	engine, err := l.texts(ctx, "SELECT engine AS text FROM system.tables WHERE database = %s AND name = %s")
	if err != nil {
		return err
	}
	why := differs(have)
	if len(engine) != 1 || !strings.HasSuffix(engine[0], "ReplacingMergeTree") {
		why = fmt.Sprintf("its engine is %q, not one of the family ReplacingMergeTree", engine)
	}
	if why != "" {
		return fmt.Errorf("table %s.%s of ClickHouse: %s; another one was made by: %s", l.cfg.Database, l.cfg.Table, why, l.ddl())
	}
	return nil
}

func (l *leg) createTable(ctx context.Context) error {
	there, err := l.texts(ctx, "SELECT name AS text FROM system.databases WHERE name = %s AND %s != ''")
	if err != nil {
		return err
	}
	if len(there) == 0 {
		create := "CREATE DATABASE IF NOT EXISTS " + clickhouseconn.Name(l.cfg.Database)
		if err := l.conn.Exec(ctx, create); err != nil {
			return fmt.Errorf("%s: %w", create, err)
		}
	}
	if err := l.conn.Exec(ctx, l.ddl()); err != nil {
		return fmt.Errorf("%s: %w", l.ddl(), err)
	}
	l.log.InfoContext(ctx, "lineage table was made", "table", l.cfg.Database+"."+l.cfg.Table, "server", l.conn.Server())
	return nil
}

func (l *leg) ddl() string {
	return ddl(quoted(l.cfg.Database, l.cfg.Table), l.conn.Skips(), l.conn.Deduplicates())
}

// texts asks for a column of texts; the database and the table go into the query.
func (l *leg) texts(ctx context.Context, query string) (out []string, err error) {
	var text proto.ColStr
	err = l.conn.Ask(ctx, fmt.Sprintf(query, clickhouseconn.Text(l.cfg.Database), clickhouseconn.Text(l.cfg.Table)),
		proto.Results{{Name: "text", Data: &text}}, func() error {
			for i := range text.Rows() {
				out = append(out, text.Row(i))
			}
			return nil
		})
	return out, err
}
