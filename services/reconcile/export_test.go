package reconcile

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/hefu-io/hefu/services/config"
)

// ReadTable reads a table as a full compare does: which hub partitions it has, then the rows of each below end, and what
// lies beyond. Each row is a line.
func ReadTable(ctx context.Context, db *sql.DB, d *config.Doris, end int64) (lines []string, err error) {
	parts, err := tablePartitions(ctx, db, d)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		err := readDoris(ctx, db, d, p, end, func(r dorisRow) error {
			lines = append(lines, fmt.Sprintf("%+v", r))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return lines, nil
}
