package target

import (
	"context"
	"database/sql"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/report"
)

// OpenOver opens a table of a server that is no Doris, and so gives no strongly consistent answers.
func OpenOver(ctx context.Context, db *sql.DB, c *config.Doris) (*Doris, error) {
	d := &Doris{close: func() {}, told: func(report.Query) {}, session: func(ctx context.Context, do func(*sql.Conn) error) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		return do(conn)
	}}
	return d, d.open(ctx, c)
}

// WithoutDigests makes a table one of a server that does not know xxhash_64.
func (d *Doris) WithoutDigests() { d.hashes = false }

// AskFor makes the questions about so many offsets.
func (d *Doris) AskFor(span int64) { d.span.Store(span) }

// Throttle bounds what is spent in a second.
func Throttle(perSecond int64) func(context.Context, int64) error {
	return (&throttle{perSecond: perSecond}).spent
}
