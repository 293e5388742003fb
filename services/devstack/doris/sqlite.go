package doris

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
)

// connector opens connections of a sqlite driver of our own, which carries the SQL functions of functions.go and
// leaves the process-wide driver alone.
type connector struct {
	driver *sqlite.Driver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// openSQLite opens a database file. WAL lets readers keep their snapshot while a load is published; without fsync a
// killed process loses nothing (the kernel has the pages), only a power cut would.
func openSQLite(d *sqlite.Driver, path string, conns int, readOnly bool) *sql.DB {
	q := url.Values{}
	q.Set("_journal_mode", "WAL")
	q.Set("_synchronous", "OFF")
	q.Set("_busy_timeout", "10000")
	q.Add("_pragma", "page_size(8192)")
	q.Add("_pragma", "cache_size(-32000)")
	q.Add("_pragma", "wal_autocheckpoint(4000)")
	if readOnly {
		q.Set("_query_only", "1")
	}
	db := sql.OpenDB(connector{d, "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

func execAll(ctx context.Context, db *sql.DB, statements ...string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("sqlite %.60s: %w", s, err)
		}
	}
	return nil
}
