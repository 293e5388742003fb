package rebuild

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// tableRows is what the table holds of the hub's offsets.
type tableRows struct {
	ends *pipeline.TableEnds
	rows map[int32]*offsets // by hub partition, from the hub's log start on
	open []projections.Orphan
}

// askedAtOnce is how many hub offsets one question to the table is about.
const askedAtOnce = 4 << 20

// readTable asks the table which rows of the hub it has, and for loads that are still open.
func readTable(ctx context.Context, p *config.Pipeline, h *hubRows) (*tableRows, error) {
	t := &tableRows{rows: map[int32]*offsets{}}
	conn, err := dorisconn.Open(p.Doris.Config)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// The open loads first: one that becomes visible in between is then in the rows.
	if t.open, err = openLoads(ctx, conn, p); err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	if t.ends, err = pipeline.ReadTableEnds(ctx, p.Doris); err != nil {
		return nil, err
	}
	for partition, bounds := range h.bounds {
		rows := &offsets{}
		t.rows[partition] = rows
		for at, end := bounds.LogStart, t.ends.Hub[partition]; at < end; at += askedAtOnce {
			if err := readOffsets(ctx, conn, p.Doris, partition, domain.Span{First: at, Next: min(end, at+askedAtOnce)}, rows); err != nil {
				return nil, fmt.Errorf("ask table %s.%s for the rows of hub partition %d from %d on: %w", p.Doris.Database, p.Doris.Table, partition, at, err)
			}
		}
	}
	return t, nil
}

func readOffsets(ctx context.Context, conn *dorisconn.Cluster, d *config.Doris, partition int32, in domain.Span, into *offsets) error {
	query := "SELECT hw_offset_id, count(*) FROM " + dorisconn.Quoted(d.Database) + "." + dorisconn.Quoted(d.Table) +
		" WHERE hw_partition_id = ? AND hw_offset_id >= ? AND hw_offset_id < ? GROUP BY hw_offset_id ORDER BY hw_offset_id"
	return conn.Ask(ctx, func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, query, partition, in.First, in.Next)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var offset, times int64
			if err := rows.Scan(&offset, &times); err != nil {
				return err
			}
			into.addTimes(offset, times)
		}
		return rows.Err()
	})
}

// openLoads are the loads of the pipeline that may still become visible.
func openLoads(ctx context.Context, conn *dorisconn.Cluster, p *config.Pipeline) (out []projections.Orphan, err error) {
	for shard := range p.Shards {
		s := domain.Stream{Pipeline: p.Name, Shard: shard, Leg: domain.LegDoris}
		all, err := doris.Transactions(ctx, conn, p.Doris.Database, domain.LabelPrefix(s))
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			parts, ours := domain.ParseLabel(o.Label)
			ended := []domain.DorisState{domain.DorisVisible, domain.DorisInAborted}
			if ours && parts.Stream == s && !slices.Contains(ended, domain.DorisState(o.State)) {
				out = append(out, o)
			}
		}
	}
	return out, nil
}
