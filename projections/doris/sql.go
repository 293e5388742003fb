package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// sqlPort speaks the MySQL protocol to a cluster's front ends. A leg asks at Open
// only, so there is a connection for each question and none in between.
type sqlPort struct {
	addresses      []string
	user, password string
}

// What a front end says of who may not come in (doris-wire.md §11.1, 14).
const (
	accessDeniedDatabase = 1044
	accessDenied         = 1045
)

// ask calls do with a connection to the first front end that lets us in. Reads are
// strongly consistent and uncached, so that a follower that lags cannot say what is no
// longer true. Errors: errUnauthorized; all name the address.
func (p *sqlPort) ask(ctx context.Context, do func(*sql.Conn) error) error {
	var errs []error
	for _, address := range p.addresses {
		db, err := p.open(address)
		if err != nil {
			return err
		}
		conn, err := db.Conn(ctx)
		if err == nil {
			err = do(conn)
			_ = conn.Close() // nothing was written
			_ = db.Close()
			if err != nil {
				return fmt.Errorf("front end %s: %w", address, err)
			}
			return nil
		}
		_ = db.Close()
		var refused *mysql.MySQLError
		if errors.As(err, &refused) && (refused.Number == accessDenied || refused.Number == accessDeniedDatabase) {
			err = fmt.Errorf("%w: %w", errUnauthorized, err)
		}
		errs = append(errs, fmt.Errorf("front end %s: %w", address, err))
	}
	return errors.Join(errs...)
}

func (p *sqlPort) open(address string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd = "tcp", address, p.user, p.password
	c.InterpolateParams = true // a must with Doris (doris-wire.md §11.4)
	c.Timeout, c.ReadTimeout, c.WriteTimeout = dialTimeout, 5*time.Minute, 30*time.Second
	c.Params = map[string]string{"enable_strong_consistency_read": "true", "enable_sql_cache": "false"}
	c.Logger = &mysql.NopLogger{} // what it would say on its own comes back as an error
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("front end %s: %w", address, err)
	}
	return sql.OpenDB(connector), nil
}

// quoted is a name in a statement.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
