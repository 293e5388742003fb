package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// checkShadow demands that a shadow table holds, of this shard's hub partitions, what the
// replay loaded and nothing else: no row at or beyond the end of its loads, and as many rows
// as its loads have. Which ones they are is for the verification to say.
func (l *leg) checkShadow(ctx context.Context) error {
	loaded, err := l.loaded(ctx)
	if err != nil {
		return err
	}
	lasts, rows := map[int32]int64{}, int64(0)
	mine := l.partitions()
	if len(mine) == 0 {
		return nil
	}
	err = l.conn.Ask(ctx, func(c *sql.Conn) error {
		where := keyPartition + " IN (" + strings.Join(mine, ",") + ")"
		if err := l.lastRowsWhere(ctx, c, where, lasts); err != nil {
			return err
		}
		return c.QueryRowContext(ctx, "SELECT count(*) FROM "+l.quotedTable()+" WHERE "+where).Scan(&rows)
	})
	if err != nil {
		return fmt.Errorf("ask table %s for its last rows: %w", l.table(), err)
	}
	found := []domain.Fact{{Key: "found", Value: "shadow table " + l.table() + " has other rows than replay " + l.cfg.Replay.Plan.ID.String() + " loaded"}}
	for _, h := range slices.Sorted(maps.Keys(lasts)) {
		if last, end := lasts[h], l.ends[h]; last >= end {
			found = append(found, domain.Fact{Key: fmt.Sprintf("hub partition %d", h), Value: fmt.Sprintf("last row at %d, the replay loaded up to %d", last, end)})
		}
	}
	if rows != loaded {
		found = append(found, domain.Fact{Key: "rows", Value: fmt.Sprintf("%d of this shard's, the replay loaded %d", rows, loaded)})
	}
	if len(found) == 1 {
		return nil
	}
	found = append(found, domain.Fact{Key: "do", Value: "take out what is not the replay's, then resolve with retry; or cancel the replay and plan it anew"})
	_, err = l.file(ctx, domain.NewIncident(domain.IncidentDorisAhead, l.stream, "", nil, found...))
	return err
}

// loaded is how many rows the replay's committed loads have, summed up over its own stream,
// which is as short as the plan.
func (l *leg) loaded(ctx context.Context) (rows int64, err error) {
	tail, err := l.j.Tail(ctx, l.stream)
	if err != nil {
		return 0, err
	}
	r, err := l.j.ReadFrom(ctx, l.stream, 1)
	if errors.Is(err, journal.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return 0, err
		}
		if c, ok := e.Event.(*domain.DorisCommitted); ok {
			rows += c.Rows
		}
	}
	return rows, nil
}
