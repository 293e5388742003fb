package lineage

import (
	"context"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// Final reads every row of a journal with FINAL, as a person would.
func Final(ctx context.Context, c *clickhouseconn.Conn, t Table) (rows []Row, err error) {
	var cols columns
	err = c.Ask(ctx, "SELECT "+cols.names()+" FROM "+quoted(t.Database, t.Table)+" FINAL WHERE journal = "+
		clickhouseconn.Text(t.Journal.String())+" ORDER BY "+key, cols.results(), func() error {
		for i := range cols.shard.Rows() {
			rows = append(rows, cols.row(i))
		}
		return nil
	})
	return rows, err
}
