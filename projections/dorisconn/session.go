package dorisconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// How a front end says that it does not know a variable: as MySQL does, or in its own
// way (doris-wire.md §8.4, §11.4).
const (
	unknownVariable = 1193
	anyError        = 1105
)

// session opens a connection and makes what it reads true: of the last committed
// transaction, from no cache, and from no replica that lacks something. Opening and
// setting are bounded by Timeouts.Ask.
func (c *Cluster) session(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask)
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// prepare sets the session up. A front end that does not know how to read strongly
// consistently may answer if it is the master, which has nobody to lag behind. Of the
// other variables one that it does not know cannot be on.
func prepare(ctx context.Context, conn *sql.Conn) error {
	if err := set(ctx, conn, "enable_strong_consistency_read", "true"); err != nil {
		if broken(err) {
			return err
		}
		if e := isMaster(ctx, conn); e != nil {
			return fmt.Errorf("it may lag: %w, and %w", err, e)
		}
	}
	for _, name := range []string{"enable_sql_cache", "skip_missing_version", "skip_bad_tablet"} {
		if err := set(ctx, conn, name, "false"); err != nil && !unknown(err) {
			return err
		}
	}
	return nil
}

func set(ctx context.Context, conn *sql.Conn, name, value string) error {
	if _, err := conn.ExecContext(ctx, "SET "+name+" = "+value); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// unknown says whether a server refused a variable that it does not know.
func unknown(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == unknownVariable ||
		refused.Number == anyError && strings.Contains(strings.ToLower(refused.Message), "unknown system variable"))
}
