package doris

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// RowsBefore counts rows of the live table that cannot be of the journal whose rows, all of them, a
// shadow has: those of a partition of the hub before the shadow's first one there, and those that
// name no place in the hub at all. A job that loaded the table before left them, or this pipeline
// with a journal that it has lost; what lies behind may be of the journal. Both names are
// "<database>.<table>".
func RowsBefore(ctx context.Context, conn *dorisconn.Cluster, live, shadow string, hubPartitions int32) (rows int64, err error) {
	front, err := parseName(live)
	if err != nil {
		return 0, err
	}
	back, err := parseName(shadow)
	if err != nil {
		return 0, err
	}
	err = conn.Ask(ctx, func(c *sql.Conn) error {
		ours, err := back.firsts(ctx, c)
		if err != nil {
			return err
		}
		theirs, err := front.firsts(ctx, c)
		if err != nil {
			return err
		}
		for of, first := range theirs {
			begin, has := ours[of]
			where := " WHERE " + keyPartition + " IS NULL"
			switch {
			case of.Valid && (of.Int64 < 0 || of.Int64 >= int64(hubPartitions)):
				continue // of nowhere, and so of nobody
			case of.Valid && has && first.Int64 >= begin.Int64:
				continue
			case of.Valid && has:
				where = fmt.Sprintf(" WHERE %s = %d AND %s < %d", keyPartition, of.Int64, keyOffset, begin.Int64)
			case of.Valid:
				where = fmt.Sprintf(" WHERE %s = %d", keyPartition, of.Int64)
			}
			var n int64
			if err := c.QueryRowContext(ctx, "SELECT count(*) FROM "+front.quoted()+where).Scan(&n); err != nil {
				return err
			}
			rows += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ask tables %s and %s for their first rows: %w", live, shadow, err)
	}
	return rows, nil
}

// firsts are the lowest hub offsets in a table, by hub partition; both may be NULL.
func (n tableName) firsts(ctx context.Context, c *sql.Conn) (map[sql.NullInt64]sql.NullInt64, error) {
	rows, err := c.QueryContext(ctx, "SELECT "+keyPartition+", min("+keyOffset+") FROM "+n.quoted()+" GROUP BY "+keyPartition)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[sql.NullInt64]sql.NullInt64{}
	for rows.Next() {
		var of, first sql.NullInt64
		if err := rows.Scan(&of, &first); err != nil {
			return nil, err
		}
		out[of] = first
	}
	return out, rows.Err()
}
