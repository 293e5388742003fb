package dorisconn

import (
	"context"
	"database/sql"
)

// Change has one statement done that changes tables, at the first front end that lets us in; a
// follower has the master do it. It is sent once: an error means that nobody knows whether it
// was done, and the caller looks. Doris takes a DELETE of a partitioned table whose condition
// names no partition only if the session says so (variable delete_without_partition, which
// other versions do not have). Errors: as of Ask.
func (c *Cluster) Change(ctx context.Context, statement string) error {
	return c.Ask(ctx, func(conn *sql.Conn) error {
		if err := set(ctx, conn, "delete_without_partition", "true"); err != nil && !unknown(err) {
			return err
		}
		_, err := conn.ExecContext(ctx, statement)
		return err
	})
}
