package reconcile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/services/config"
)

// dorisRow is one row of the table.
type dorisRow struct {
	hubPartition  int32
	hubOffset     int64
	hubTime       string
	city          string
	cityPartition int32
	cityOffset    int64
	cityTime      string
	extract       string
	record        uint64
	null          bool
}

// chunk is how many hub offsets one query asks for.
const chunk = 50_000

// readDoris reads the rows of one hub partition with offsets in [0, end), in order, and
// whatever lies beyond.
func readDoris(ctx context.Context, db *sql.DB, d *config.Doris, hubPartition int32, end int64, each func(dorisRow) error) error {
	for first := int64(0); ; first += chunk {
		where := fmt.Sprintf("hw_offset_id >= %d AND hw_offset_id < %d", first, first+chunk)
		if first >= end {
			where = fmt.Sprintf("hw_offset_id >= %d", first)
		}
		if err := readChunk(ctx, db, d, hubPartition, where, each); err != nil {
			return fmt.Errorf("table %s.%s, hub partition %d: %w", d.Database, d.Table, hubPartition, err)
		}
		if first >= end {
			return nil
		}
	}
}

func readChunk(ctx context.Context, db *sql.DB, d *config.Doris, hubPartition int32, where string, each func(dorisRow) error) error {
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT hw_offset_id, hw_ts, sscsdm, city_partition_id, city_offset_id, city_ts, extract_time, record"+
		" FROM `%s`.`%s` WHERE hw_partition_id = %d AND %s ORDER BY hw_offset_id", d.Database, d.Table, hubPartition, where))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r := dorisRow{hubPartition: hubPartition}
		var record sql.RawBytes
		if err := rows.Scan(&r.hubOffset, &r.hubTime, &r.city, &r.cityPartition, &r.cityOffset, &r.cityTime, &r.extract, &record); err != nil {
			return err
		}
		r.null = record == nil
		if record != nil {
			r.record = hash(string(record))
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// tablePartitions are the hub partitions that the table has rows of.
func tablePartitions(ctx context.Context, db *sql.DB, d *config.Doris) ([]int32, error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT hw_partition_id, count(*) FROM `%s`.`%s` GROUP BY hw_partition_id", d.Database, d.Table))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int32
	for rows.Next() {
		var h int32
		var n int64
		if err := rows.Scan(&h, &n); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// openDoris connects to the first front end that answers.
func openDoris(ctx context.Context, d *config.Doris) (*sql.DB, error) {
	password := ""
	if d.PasswordFile != "" {
		b, err := os.ReadFile(d.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("read Doris password: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	var errs []error
	for _, address := range d.MySQL {
		c := mysql.NewConfig()
		c.Net, c.Addr, c.User, c.Passwd = "tcp", address, d.User, password
		c.InterpolateParams = true
		c.Timeout, c.ReadTimeout = 10*time.Second, 5*time.Minute
		c.Params = map[string]string{"enable_strong_consistency_read": "true"}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			return nil, err
		}
		db := sql.OpenDB(connector)
		if err = db.PingContext(ctx); err == nil {
			return db, nil
		}
		errs = append(errs, fmt.Errorf("doris at %s: %w", address, err), db.Close())
	}
	return nil, errors.Join(errs...)
}
