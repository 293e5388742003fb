package dorisconn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// What a front end says of who may not come in (doris-wire.md §11.1, 14).
const (
	accessDeniedDatabase = 1044
	accessDenied         = 1045
)

// Ask calls do once, with a connection to the first front end that lets us in and whose
// answers are strongly consistent and uncached, so that a follower that lags cannot say
// what is no longer true. The connection is for reading, and do's alone until it returns.
// What do returns is not tried elsewhere: it may have seen half an answer. Errors:
// ErrUnauthorized; all name the address.
func (c *Cluster) Ask(ctx context.Context, do func(*sql.Conn) error) error {
	var all error
	for _, address := range c.mysql.order() {
		began, err := c.askAt(ctx, address, do)
		switch {
		case err == nil:
			c.mysql.answered(address)
			return nil
		case ctx.Err() == nil && (lost(err) || !began && broken(err)):
			c.mysql.failed(address)
		}
		all = also(all, fmt.Errorf("front end %s: %w", c.shown([]byte(address)), err))
		if began || ctx.Err() != nil {
			return all
		}
	}
	return all
}

// askAt asks one front end. began says that do was called.
func (c *Cluster) askAt(ctx context.Context, address string, do func(*sql.Conn) error) (began bool, err error) {
	db, err := c.open(address)
	if err != nil {
		return false, err
	}
	defer db.Close() // nothing was written
	conn, err := c.session(ctx, db)
	if err != nil {
		return false, c.unauthorized(err)
	}
	defer conn.Close()
	return true, do(conn)
}

// broken says whether an error is one of the connection: a server that refuses is well.
func broken(err error) bool {
	var refused *mysql.MySQLError
	return !errors.As(err, &refused)
}

// lost says whether the connection broke under a question, whose own errors may be of any
// kind.
func lost(err error) bool {
	var of net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.As(err, &of)
}

func (c *Cluster) unauthorized(err error) error {
	err = c.harmless(err)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && (refused.Number == accessDenied || refused.Number == accessDeniedDatabase) {
		return fmt.Errorf("%w: %w", ErrUnauthorized, err)
	}
	return err
}

func (c *Cluster) open(address string) (*sql.DB, error) {
	m := mysql.NewConfig()
	m.Net, m.Addr, m.User, m.Passwd = "tcp", address, c.user, c.password
	m.DialFunc = c.dial
	m.InterpolateParams = true // a must with Doris (doris-wire.md §11.4)
	// A question may scan a table, and nothing comes until it has.
	m.Timeout, m.ReadTimeout, m.WriteTimeout = c.cfg.Timeouts.Dial, c.cfg.Timeouts.Load, c.cfg.Timeouts.Ask
	if c.cfg.TLS != nil && c.cfg.TLS.MySQL {
		m.TLS = c.tls.Clone() // a server without TLS is refused
	}
	m.Logger = &mysql.NopLogger{} // what it would say on its own comes back as an error
	connector, err := mysql.NewConnector(m)
	if err != nil {
		return nil, c.harmless(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}

// Quoted is a name in a statement.
func Quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
