package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// ask opens a connection for one question: a leg asks at Open only. The first front
// end that answers is taken; reads are strongly consistent and uncached, so that a
// follower that lags cannot say what is no longer true.
func (l *leg) ask(ctx context.Context, do func(*sql.Conn) error) error {
	var errs []error
	for _, address := range l.cfg.MySQL {
		c := mysql.NewConfig()
		c.Net, c.Addr, c.User, c.Passwd = "tcp", address, l.fe.user, l.fe.password
		c.InterpolateParams = true // Doris's prepared statements differ by version (doris-wire.md §11.4)
		c.Timeout, c.ReadTimeout, c.WriteTimeout = 10*time.Second, 5*time.Minute, 30*time.Second
		c.Params = map[string]string{"enable_strong_consistency_read": "true", "enable_sql_cache": "false"}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			return fmt.Errorf("doris at %s: %w", address, err)
		}
		db := sql.OpenDB(connector)
		conn, err := db.Conn(ctx)
		if err == nil {
			err = do(conn)
			return errors.Join(err, conn.Close(), db.Close())
		}
		errs = append(errs, fmt.Errorf("doris at %s: %w", address, err), db.Close())
	}
	return errors.Join(errs...)
}

func (l *leg) quoted() string {
	quote := func(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
	return quote(l.cfg.Database) + "." + quote(l.cfg.Table)
}

// checkTable demands that the table is there. Hefu never makes it: its keys, buckets
// and replicas are the operator's decision.
func (l *leg) checkTable(ctx context.Context) error {
	return l.ask(ctx, func(c *sql.Conn) error {
		var n int
		err := c.QueryRowContext(ctx, "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
			l.cfg.Database, l.cfg.Table).Scan(&n)
		if err != nil {
			return fmt.Errorf("look for table %s: %w", l.table(), err)
		}
		if n == 0 {
			return &projections.Refusal{Reason: fmt.Sprintf("Doris has no table %s; Hefu never makes it: deploy/doris.sql has the statement", l.table())}
		}
		return nil
	})
}

// checkAhead demands that no row of this shard's hub partitions lies at or beyond the
// end of what this journal has loaded.
func (l *leg) checkAhead(ctx context.Context) error {
	var mine []string
	for h := range l.cfg.Pipeline.HubPartitions {
		if domain.ShardOf(h, l.cfg.Pipeline.Shards) == l.cfg.Shard {
			mine = append(mine, fmt.Sprint(h))
		}
	}
	found := map[int32]int64{}
	err := l.ask(ctx, func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, "SELECT hw_partition_id, max(hw_offset_id) FROM "+l.quoted()+
			" WHERE hw_partition_id IN ("+strings.Join(mine, ",")+") GROUP BY hw_partition_id")
		if err != nil {
			return fmt.Errorf("ask table %s for its ends: %w", l.table(), err)
		}
		defer rows.Close()
		for rows.Next() {
			var h int32
			var last int64
			if err := rows.Scan(&h, &last); err != nil {
				return fmt.Errorf("ask table %s for its ends: %w", l.table(), err)
			}
			found[h] = last
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	var facts []domain.Fact
	for h, last := range found {
		if last >= l.ends[h] {
			facts = append(facts, domain.Fact{
				Key: fmt.Sprintf("hub partition %d", h), Value: fmt.Sprintf("last row at %d, this journal loaded up to %d", last, l.ends[h]),
			})
		}
	}
	if len(facts) == 0 {
		return nil
	}
	slices.SortFunc(facts, func(a, b domain.Fact) int { return strings.Compare(a.Key, b.Key) })
	facts = append([]domain.Fact{{Key: "found", Value: "table " + l.table() + " has rows that this journal did not load"}}, facts...)
	facts = append(facts, domain.Fact{Key: "do", Value: "put the right journal back, or take the foreign rows out, then resolve with retry"})
	_, err = l.incidents.Decide(ctx, domain.NewIncident(domain.IncidentDorisAhead, l.stream, "", nil, facts...))
	return err
}

// countRows counts an intent's rows in the table by hub bounds: how many it should
// have, how many are there, and how many distinct ones.
func (l *leg) countRows(ctx context.Context, in *intent) (want, there, distinct int64, err error) {
	bounds := map[int32]domain.Spans{}
	err = l.eachCommit(ctx, in.ev, func(c *domain.HubCommitted) error {
		for _, r := range c.Runs {
			bounds[r.Partition], _ = bounds[r.Partition].Add(domain.Span{First: r.Offset, Next: r.Offset + r.N})
		}
		return nil
	})
	if err != nil {
		return 0, 0, 0, err
	}
	err = l.ask(ctx, func(c *sql.Conn) error {
		for h, spans := range bounds {
			want += spans.Len()
			for _, s := range spans {
				var n, d int64
				err := c.QueryRowContext(ctx, "SELECT count(*), count(DISTINCT hw_offset_id) FROM "+l.quoted()+
					" WHERE hw_partition_id = ? AND hw_offset_id >= ? AND hw_offset_id < ?", h, s.First, s.Next).Scan(&n, &d)
				if err != nil {
					return fmt.Errorf("count rows of hub partition %d %s: %w", h, s, err)
				}
				there, distinct = there+n, distinct+d
			}
		}
		return nil
	})
	return want, there, distinct, err
}
