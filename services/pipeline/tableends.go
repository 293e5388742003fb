package pipeline

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
)

// TableEnds is how far a table goes that another job filled, as its lineage columns say: the
// offsets behind the last rows. A table without lineage (the original job as its document
// gives it leaves the columns NULL) has none.
//
// A job's consumer groups do not say it: Flink tells them after a checkpoint, from a thread
// that its end does not wait for, so that after a stop with a savepoint they may stand before
// rows that were carried (measured with Flink 1.20.1: 500 told, 800 carried).
type TableEnds struct {
	Hub    map[int32]int64                 // by hub partition
	Cities map[domain.City]map[int32]int64 // by city and city partition
}

// TakesOver reports whether the pipeline goes on where another job stopped, so that its table
// may have rows that its sources would carry again.
func (o *Open) TakesOver() bool {
	return o.Config.Doris != nil && (o.Configured.Direct || o.Config.Hub.BacklogGroup != "")
}

// ReadTableEnds asks the table. With an error the ends are empty. It reads three columns of every row.
func ReadTableEnds(ctx context.Context, d *config.Doris) (*TableEnds, error) {
	ends := &TableEnds{Hub: map[int32]int64{}, Cities: map[domain.City]map[int32]int64{}}
	conn, err := dorisconn.Open(d.Config)
	if err != nil {
		return ends, err
	}
	defer conn.Close()
	table := "`" + d.Database + "`.`" + d.Table + "`"
	err = conn.Ask(ctx, func(c *sql.Conn) error {
		there := 0 // a table that is not there is the leg's to refuse, with the statement that makes it
		err := c.QueryRowContext(ctx, "SELECT count(*) FROM information_schema.columns WHERE table_schema = ? AND table_name = ?", d.Database, d.Table).Scan(&there)
		if err != nil || there == 0 {
			return err
		}
		err = eachEnd(ctx, c, "SELECT '', hw_partition_id, max(hw_offset_id) FROM "+table+
			" WHERE hw_partition_id IS NOT NULL GROUP BY hw_partition_id", func(_ string, p int32, last int64) { ends.Hub[p] = last + 1 })
		if err != nil {
			return err
		}
		return eachEnd(ctx, c, "SELECT sscsdm, city_partition_id, max(city_offset_id) FROM "+table+
			" WHERE sscsdm IS NOT NULL AND city_partition_id IS NOT NULL GROUP BY sscsdm, city_partition_id", func(city string, p int32, last int64) {
			if ends.Cities[domain.City(city)] == nil {
				ends.Cities[domain.City(city)] = map[int32]int64{}
			}
			ends.Cities[domain.City(city)][p] = last + 1
		})
	})
	if err != nil {
		return &TableEnds{}, fmt.Errorf("ask table %s.%s how far it goes: %w", d.Database, d.Table, err)
	}
	return ends, nil
}

func eachEnd(ctx context.Context, c *sql.Conn, query string, do func(city string, partition int32, last int64)) error {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var city string
		var partition int32
		var last sql.NullInt64
		if err := rows.Scan(&city, &partition, &last); err != nil {
			return err
		}
		if last.Valid {
			do(city, partition, last.Int64)
		}
	}
	return rows.Err()
}
