package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// ShadowComment is the comment of the shadow table of a replay. It goes with the table when
// its name is exchanged, so that it tells which table is which.
func ShadowComment(plan domain.PlanID) string { return "hefu replay " + plan.String() }

// TableComment is the comment of a table "<database>.<table>", and whether it is there for
// this user. Doris answers OLAP for a table without one (fe: Table.getComment).
func TableComment(ctx context.Context, conn *dorisconn.Cluster, table string) (comment string, there bool, err error) {
	name, err := parseName(table)
	if err != nil {
		return "", false, err
	}
	err = conn.Ask(ctx, func(c *sql.Conn) error {
		var text sql.NullString
		err := c.QueryRowContext(ctx, "SELECT TABLE_COMMENT FROM information_schema.tables WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
			name.database, name.table).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		comment, there = text.String, err == nil
		return err
	})
	if err != nil {
		return "", false, fmt.Errorf("ask for the comment of table %s: %w", table, err)
	}
	return comment, there, nil
}

// tableName is "<database>.<table>" taken apart.
type tableName struct{ database, table string }

func parseName(s string) (tableName, error) {
	database, table, ok := strings.Cut(s, ".")
	if !ok || database == "" || table == "" {
		return tableName{}, fmt.Errorf("table %q: want <database>.<table>", s)
	}
	return tableName{database, table}, nil
}

func (n tableName) String() string { return n.database + "." + n.table }

func (n tableName) quoted() string {
	return dorisconn.Quoted(n.database) + "." + dorisconn.Quoted(n.table)
}

// facts describes a table, nil when it is not there.
func (n tableName) facts(ctx context.Context, conn *dorisconn.Cluster) (*tableFacts, error) {
	l := &leg{Doris: &Doris{cfg: Config{Database: n.database, Table: n.table}}, conn: conn}
	facts, read, err := l.describe(ctx)
	if err == nil {
		err = read
	}
	if err != nil {
		return nil, fmt.Errorf("look at table %s: %w", n, err)
	}
	return facts, nil
}

// change has a statement done about a table. What the user may not do only an operator can
// mend. Errors: *projections.Refusal; any other means that nobody knows whether it was done.
func change(ctx context.Context, conn *dorisconn.Cluster, what, database, statement string) error {
	err := conn.Change(ctx, statement)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, dorisconn.ErrUnauthorized) && strings.Contains(strings.ToLower(err.Error()), "denied"):
		return &projections.Refusal{Reason: fmt.Sprintf("%s: %v; a replay needs GRANT SELECT_PRIV, LOAD_PRIV, CREATE_PRIV, ALTER_PRIV, DROP_PRIV ON %s.* TO its user",
			what, err, dorisconn.Quoted(database))}
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}
