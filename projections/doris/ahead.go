package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// checkAhead demands that no row of this shard's hub partitions lies at or beyond the
// end of what this journal has loaded, or may have loaded. Rows before the first one that
// this journal has of a partition, and beyond the end of a bounded one, are of others: of
// the job that filled hub and table before, or of the pipeline that went on.
func (l *leg) checkAhead(ctx context.Context) error {
	lasts, err := l.lastRows(ctx)
	if err != nil {
		return err
	}
	ends, err := l.reach(ctx)
	if err != nil {
		return err
	}
	begins, err := l.begins(ctx, lasts, ends)
	if err != nil {
		return err
	}
	facts := []domain.Fact{{Key: "found", Value: "table " + l.table() + " has rows that this journal did not load"}}
	for _, h := range slices.Sorted(maps.Keys(lasts)) {
		last, where := lasts[h], fmt.Sprintf("hub partition %d", h)
		if end, loaded := ends[h]; loaded && last >= end {
			facts = append(facts, domain.Fact{Key: where, Value: fmt.Sprintf("last row at %d, this journal loaded up to %d", last, end)})
		}
		if first, ours := begins[h]; ours && last >= first {
			facts = append(facts, domain.Fact{Key: where, Value: fmt.Sprintf("last row at %d, this journal's rows begin at %d, and it loaded none", last, first)})
		}
	}
	if len(facts) == 1 {
		return nil
	}
	facts = append(facts, domain.Fact{Key: "do", Value: "put the right journal back, or take the foreign rows out, then resolve with retry"})
	_, err = l.file(ctx, domain.NewIncident(domain.IncidentDorisAhead, l.stream, "", nil, facts...))
	return err
}

// begins is where this journal's rows begin in the partitions that the table has rows of
// and of which it has loaded none; those that it has nothing of are left out. What the
// cursor has passed is loaded, so only the input after it is read, but for a direct
// pipeline's first events, which say where it starts.
func (l *leg) begins(ctx context.Context, lasts, ends map[int32]int64) (map[int32]int64, error) {
	wanted, found := map[int32]bool{}, map[int32]int64{}
	for h := range lasts {
		if _, loaded := ends[h]; !loaded {
			wanted[h] = true
		}
	}
	stream, first := l.streamOf(l.input), l.cursor.Seq+1
	if l.cfg.Pipeline.Direct {
		first = 1
	}
	tail, err := l.j.Tail(ctx, stream)
	if errors.Is(err, journal.ErrNotFound) || err == nil && (tail.Seq < first || len(wanted) == 0) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := l.j.ReadFrom(ctx, stream, first)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for seq := first; seq <= tail.Seq && len(found) < len(wanted); seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return nil, err
		}
		note := func(h int32, offset int64) {
			if _, known := found[h]; wanted[h] && !known {
				found[h] = offset
			}
		}
		switch ev := e.Event.(type) {
		case *domain.HubCommitted:
			for _, run := range ev.Runs {
				note(run.Partition, run.Offset)
			}
		case *domain.SourceOpened: // in the input of a direct pipeline
			for _, s := range ev.Starts {
				note(s.Partition, s.First)
			}
		}
	}
	return found, nil
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

// lastRows are the highest hub offsets in the table, for each hub partition of the shard
// that has a row; of a bounded partition, below its end.
func (l *leg) lastRows(ctx context.Context) (map[int32]int64, error) {
	mine, lasts := l.partitions(), map[int32]int64{}
	if len(mine) == 0 {
		return lasts, nil
	}
	stops, err := l.stops(ctx)
	if err != nil {
		return nil, err
	}
	err = l.conn.Ask(ctx, func(c *sql.Conn) error {
		if err := l.lastRowsWhere(ctx, c, "hw_partition_id IN ("+strings.Join(mine, ",")+")", lasts); err != nil {
			return err
		}
		for h, stop := range stops {
			if last, has := lasts[h]; has && last >= stop {
				delete(lasts, h)
				if err := l.lastRowsWhere(ctx, c, fmt.Sprintf("hw_partition_id = %d AND hw_offset_id < %d", h, stop), lasts); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask table %s for its last rows: %w", l.table(), err)
	}
	return lasts, nil
}

// partitions are the shard's hub partitions, as a statement lists them.
func (d *Doris) partitions() (out []string) {
	for h := range d.cfg.Pipeline.HubPartitions {
		if domain.ShardOf(h, d.cfg.Pipeline.Shards) == d.cfg.Shard {
			out = append(out, strconv.Itoa(int(h)))
		}
	}
	return out
}

func (l *leg) lastRowsWhere(ctx context.Context, c *sql.Conn, where string, lasts map[int32]int64) error {
	rows, err := c.QueryContext(ctx, "SELECT hw_partition_id, max(hw_offset_id) FROM "+l.quotedTable()+" WHERE "+where+" GROUP BY hw_partition_id")
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
}

// stops are the ends of a direct pipeline's bounded partitions, as far as its source is
// open.
func (l *leg) stops(ctx context.Context) (map[int32]int64, error) {
	if !l.cfg.Pipeline.Direct {
		return nil, nil
	}
	tail, err := l.j.Tail(ctx, l.streamOf(l.input))
	if errors.Is(err, journal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stops := map[int32]int64{}
	for _, p := range domain.PositionsOf(tail.Event) {
		if p.Bounded {
			stops[p.Partition] = p.Stop
		}
	}
	return stops, nil
}
