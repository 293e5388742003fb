package reconcile

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/hefu-io/hefu/services/config"
)

// What stands for NULL in a row of the hub or of the table: a character that no JSON text of
// the hub and no column of a city has, and a number that no coordinate has.
const (
	nullText   = "\x00"
	nullNumber = -1
)

// shown is a column's text for people.
func shown(text string) string {
	if text == nullText {
		return "NULL"
	}
	return text
}

func shownNumber(n int64) string {
	if n == nullNumber {
		return "NULL"
	}
	return strconv.FormatInt(n, 10)
}

// dorisRow is one row of the table.
type dorisRow struct {
	hubPartition  int32
	hubOffset     int64
	hubTime       string
	city          string
	cityPartition int64
	cityOffset    int64
	cityTime      string
	extract       string
	record        uint64
	null          bool
}

// asked is a connection to a front end.
type asked interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// chunk is how many hub offsets one query asks for.
const chunk = 50_000

// readDoris reads the rows of one hub partition with offsets in [0, end), in order, and
// whatever lies beyond.
func readDoris(ctx context.Context, db asked, d *config.Doris, hubPartition int32, end int64, each func(dorisRow) error) error {
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

func readChunk(ctx context.Context, db asked, d *config.Doris, hubPartition int32, where string, each func(dorisRow) error) error {
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT hw_offset_id, hw_ts, sscsdm, city_partition_id, city_offset_id, city_ts, extract_time, record"+
		" FROM `%s`.`%s` WHERE hw_partition_id = %d AND %s ORDER BY hw_offset_id", d.Database, d.Table, hubPartition, where))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r := dorisRow{hubPartition: hubPartition}
		var record sql.RawBytes
		var city, cityTime, extract sql.Null[string]
		var cityPartition, cityOffset sql.Null[int64]
		if err := rows.Scan(&r.hubOffset, &r.hubTime, &city, &cityPartition, &cityOffset, &cityTime, &extract, &record); err != nil {
			return err
		}
		r.city, r.cityTime, r.extract = orNull(city, nullText), orNull(cityTime, nullText), orNull(extract, nullText)
		r.cityPartition, r.cityOffset = orNull(cityPartition, nullNumber), orNull(cityOffset, nullNumber)
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

func orNull[T any](v sql.Null[T], null T) T {
	if !v.Valid {
		return null
	}
	return v.V
}

// tablePartitions are the hub partitions that the table has rows of.
func tablePartitions(ctx context.Context, db asked, d *config.Doris) ([]int32, error) {
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
