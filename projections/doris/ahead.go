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

// checkAhead demands that no row of this shard's hub partitions lies at or beyond the
// end of what this journal has loaded, or may have loaded.
func (l *leg) checkAhead(ctx context.Context) error {
	lasts, err := l.lastRows(ctx)
	if err != nil {
		return err
	}
	ends, err := l.reach(ctx)
	if err != nil {
		return err
	}
	facts := []domain.Fact{{Key: "found", Value: "table " + l.table() + " has rows that this journal did not load"}}
	for _, h := range slices.Sorted(maps.Keys(lasts)) {
		if last := lasts[h]; last >= ends[h] {
			facts = append(facts, domain.Fact{
				Key: fmt.Sprintf("hub partition %d", h), Value: fmt.Sprintf("last row at %d, this journal loaded up to %d", last, ends[h]),
			})
		}
	}
	if len(facts) == 1 {
		return nil
	}
	facts = append(facts, domain.Fact{Key: "do", Value: "put the right journal back, or take the foreign rows out, then resolve with retry"})
	_, err = l.file(ctx, domain.NewIncident(domain.IncidentDorisAhead, l.stream, "", nil, facts...))
	return err
}

// reach is how far rows of this journal may lie: to the end of the last commit. A load
// that Doris commits by itself may have come to pass although it was settled as aborted,
// so while the last intent is one of those, all since the last commit count.
func (l *leg) reach(ctx context.Context) (map[int32]int64, error) {
	ends := maps.Clone(l.ends)
	t := l.w.Trail()
	if t.Begun <= t.Commit {
		return ends, nil
	}
	last, err := l.intent(ctx, t.Begun)
	if err != nil || last.ev.TwoPhase() && last.ev.Probe == nil { // a probe has two phases between loads of one
		return ends, err
	}
	for seq := t.Commit + 1; seq <= t.Begun; seq++ {
		e, err := l.j.Get(ctx, l.stream, seq)
		if err != nil {
			return nil, err
		}
		if ev, ok := e.Event.(*domain.DorisBegun); ok && !ev.TwoPhase() {
			for _, end := range ev.Ends {
				ends[end.Partition] = max(ends[end.Partition], end.Next)
			}
		}
	}
	return ends, nil
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
	err := l.conn.Ask(ctx, func(c *sql.Conn) error {
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
