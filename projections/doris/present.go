package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// leaveOutPresent makes a batch that fills what is missing leave out what is in the table all
// the same: the plan is older than the load, and on a DUPLICATE table the row would be there
// twice. What is left out is listed in the intent, so that whoever settles it looks for the
// other rows only. In a UNIQUE table a row that is loaded again replaces itself by the same
// bytes, and nobody asks. Errors: *projections.Refusal when there is more of it than an
// intent lists; those of Doris and of the journal.
func (l *leg) leaveOutPresent(ctx context.Context, b *draft) error {
	if !l.fills() || l.unique || b.rows == 0 {
		return nil
	}
	in := hubPlaces{}
	for _, c := range b.commits {
		for _, r := range c.Runs {
			in.add(r.Partition, domain.Span{First: r.Offset, Next: r.Offset + r.N})
		}
	}
	present, err := l.present(ctx, in)
	if err != nil || len(present) == 0 {
		return err
	}
	var more []domain.Exclusion
	err = l.eachRow(ctx, b, nil, func(row *batchRow) error {
		if !present[domain.RowKey{Partition: row.HubPartition, Offset: row.HubOffset}] {
			return nil
		}
		if n := len(more); n > 0 && more[n-1].Ingest == row.run.Ingest && more[n-1].Run == row.run.Run && more[n-1].Ordinal+more[n-1].Count == row.ordinal {
			more[n-1].Count++
			return nil
		}
		if len(more) == maxExcluded {
			return &projections.Refusal{Reason: fmt.Sprintf("table %s has %d rows of %s to %s that replay %s was to fill in: it is not what was planned for, make a new plan",
				l.table(), len(present), b.first, b.last, l.cfg.Replay.Plan.ID)}
		}
		more = append(more, domain.Exclusion{
			Ingest: row.run.Ingest, Run: row.run.Run, Ordinal: row.ordinal, Count: 1, Offset: row.offset, Reason: domain.ExcludedPresent,
		})
		return nil
	})
	var misfit *misfitError
	if errors.As(err, &misfit) {
		l.careful = true
	}
	if err == nil {
		l.log.WarnContext(ctx, "rows that were missing are in the table", "stream", l.stream.String(), "table", l.table(), "rows", len(present))
		b.leaveOut(more)
	}
	return err
}

// present are the rows of some places that the table has. Where it has none, which is what is
// expected, that is asked with a count.
func (l *leg) present(ctx context.Context, in hubPlaces) (map[domain.RowKey]bool, error) {
	found := map[domain.RowKey]bool{}
	err := l.conn.Ask(ctx, func(c *sql.Conn) error {
		for _, h := range slices.Sorted(maps.Keys(in)) {
			for part := range slices.Chunk(in[h], maxRanges) {
				if err := l.presentOf(ctx, c, h, part, found); err != nil {
					return fmt.Errorf("look for rows of hub partition %d at %s to %s in %s: %w", h, part[0], part[len(part)-1], l.table(), err)
				}
			}
		}
		return nil
	})
	return found, err
}

func (l *leg) presentOf(ctx context.Context, c *sql.Conn, h int32, part domain.Spans, found map[domain.RowKey]bool) error {
	from := " FROM " + l.quotedTable() + where(h, part)
	var n int64
	if err := c.QueryRowContext(ctx, "SELECT count(*)"+from).Scan(&n); err != nil || n == 0 {
		return err
	}
	rows, err := c.QueryContext(ctx, "SELECT DISTINCT "+keyOffset+from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		k := domain.RowKey{Partition: h}
		if err := rows.Scan(&k.Offset); err != nil {
			return err
		}
		found[k] = true
	}
	return rows.Err()
}
