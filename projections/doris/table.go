package doris

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

func (d *Doris) quotedTable() string { return quoted(d.cfg.Database) + "." + quoted(d.cfg.Table) }

// checkTable demands that the table is there. Errors: errNoTable.
func (l *leg) checkTable(ctx context.Context) error {
	return l.sql.ask(ctx, func(c *sql.Conn) error {
		var n int
		err := c.QueryRowContext(ctx, "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
			l.cfg.Database, l.cfg.Table).Scan(&n)
		if err != nil {
			return fmt.Errorf("look for table %s: %w", l.table(), err)
		}
		if n == 0 {
			return fmt.Errorf("table %s %w", l.table(), errNoTable)
		}
		return nil
	})
}

// checkAhead demands that no row of this shard's hub partitions lies at or beyond the
// end of what this journal has loaded.
func (l *leg) checkAhead(ctx context.Context) error {
	lasts, err := l.lastRows(ctx)
	if err != nil {
		return err
	}
	facts := []domain.Fact{{Key: "found", Value: "table " + l.table() + " has rows that this journal did not load"}}
	for _, h := range slices.Sorted(maps.Keys(lasts)) {
		if last := lasts[h]; last >= l.ends[h] {
			facts = append(facts, domain.Fact{
				Key: fmt.Sprintf("hub partition %d", h), Value: fmt.Sprintf("last row at %d, this journal loaded up to %d", last, l.ends[h]),
			})
		}
	}
	if len(facts) == 1 {
		return nil
	}
	facts = append(facts, domain.Fact{Key: "do", Value: "put the right journal back, or take the foreign rows out, then resolve with retry"})
	_, err = l.incidents.Decide(ctx, domain.NewIncident(domain.IncidentDorisAhead, l.stream, "", nil, facts...))
	return err
}

// lastRows are the highest hub offsets in the table, for each hub partition of the
// shard that has a row.
func (l *leg) lastRows(ctx context.Context) (map[int32]int64, error) {
	var mine []string
	for h := range l.cfg.Pipeline.HubPartitions {
		if domain.ShardOf(h, l.cfg.Pipeline.Shards) == l.cfg.Shard {
			mine = append(mine, strconv.Itoa(int(h)))
		}
	}
	lasts := map[int32]int64{}
	if len(mine) == 0 {
		return lasts, nil
	}
	err := l.sql.ask(ctx, func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, "SELECT hw_partition_id, max(hw_offset_id) FROM "+l.quotedTable()+
			" WHERE hw_partition_id IN ("+strings.Join(mine, ",")+") GROUP BY hw_partition_id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var h int32
			var last int64
			if err := rows.Scan(&h, &last); err != nil {
				return err
			}
			lasts[h] = last
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("ask table %s for its last rows: %w", l.table(), err)
	}
	return lasts, nil
}

// counts are of one load: the rows that it has, those in the table, and how many
// different ones these are.
type counts struct{ want, there, distinct int64 }

// countRows counts an intent's rows in the table by their hub offsets.
func (l *leg) countRows(ctx context.Context, in *intent) (n counts, err error) {
	bounds := map[int32]domain.Spans{}
	err = l.eachCommit(ctx, in.ev, func(c *domain.HubCommitted) {
		for _, r := range c.Runs {
			bounds[r.Partition], _ = bounds[r.Partition].Add(domain.Span{First: r.Offset, Next: r.Offset + r.N})
		}
	})
	if err != nil {
		return n, err
	}
	for i := range in.ev.Excluded {
		n.want -= in.ev.Excluded[i].Count
	}
	for _, spans := range bounds {
		n.want += spans.Len()
	}
	err = l.sql.ask(ctx, func(c *sql.Conn) error {
		for h, spans := range bounds {
			for _, s := range spans {
				var there, distinct int64
				err := c.QueryRowContext(ctx, "SELECT count(*), count(DISTINCT hw_offset_id) FROM "+l.quotedTable()+
					" WHERE hw_partition_id = ? AND hw_offset_id >= ? AND hw_offset_id < ?", h, s.First, s.Next).Scan(&there, &distinct)
				if err != nil {
					return fmt.Errorf("count rows of hub partition %d from %d to %d: %w", h, s.First, s.Next, err)
				}
				n.there, n.distinct = n.there+there, n.distinct+distinct
			}
		}
		return nil
	})
	return n, err
}
