package doris

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

const (
	// deleteChunk is how many keys a statement names; Doris takes 1,024
	// (fe: Config.max_allowed_in_element_num_of_delete).
	deleteChunk = 500
	// deleteShows is how long a DELETE that was answered may take to show: it is a load, and
	// COMMITTED before it is VISIBLE.
	deleteShows = 30 * time.Second
)

// Deletion is what became of keys that were to be deleted.
type Deletion struct {
	Rows int64 // that were there and are gone
	Gone int64 // keys that named no row any more
}

// DeleteRows deletes the rows of some keys from a table "<database>.<table>", after a count:
// each key names one row, or none, which is deleted already. Where a key names several all of
// them would go, so then nothing is deleted at all. It may be called again after any error.
// Errors: *projections.Refusal; any other means that nobody knows which are deleted.
func DeleteRows(ctx context.Context, conn *dorisconn.Cluster, table string, keys []domain.RowKey) (Deletion, error) {
	var done Deletion
	name, err := parseName(table)
	if err != nil {
		return done, err
	}
	chunks := chunksOf(keys)
	there := make([][]domain.RowKey, len(chunks))
	for i, chunk := range chunks {
		if there[i], err = countedOnce(ctx, conn, name, chunk); err != nil {
			return done, err
		}
	}
	for i, chunk := range chunks {
		done.Gone += int64(len(chunk) - len(there[i]))
		if len(there[i]) == 0 {
			continue
		}
		if err := deleteChunkOf(ctx, conn, name, there[i]); err != nil {
			return done, err
		}
		done.Rows += int64(len(there[i]))
	}
	return done, nil
}

// chunksOf sorts keys into statements of one hub partition; a key that is named twice counts
// once.
func chunksOf(keys []domain.RowKey) (out [][]domain.RowKey) {
	all := slices.Clone(keys)
	slices.SortFunc(all, func(a, b domain.RowKey) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	for _, k := range slices.Compact(all) {
		if n := len(out); n > 0 && len(out[n-1]) < deleteChunk && out[n-1][0].Partition == k.Partition {
			out[n-1] = append(out[n-1], k)
			continue
		}
		out = append(out, []domain.RowKey{k})
	}
	return out
}

// whereKeys is the condition that names some keys of one hub partition.
func whereKeys(keys []domain.RowKey) string {
	offsets := make([]string, len(keys))
	for i, k := range keys {
		offsets[i] = fmt.Sprint(k.Offset)
	}
	return fmt.Sprintf(" WHERE %s = %d AND %s IN (%s)", keyPartition, keys[0].Partition, keyOffset, strings.Join(offsets, ", "))
}

// countedOnce are the keys of a chunk that name a row. Errors: *projections.Refusal where one
// names several.
func countedOnce(ctx context.Context, conn *dorisconn.Cluster, name tableName, chunk []domain.RowKey) (there []domain.RowKey, err error) {
	many, rows := "", int64(0)
	err = conn.Ask(ctx, func(c *sql.Conn) error {
		r, err := c.QueryContext(ctx, "SELECT "+keyOffset+", count(*) FROM "+name.quoted()+whereKeys(chunk)+" GROUP BY "+keyOffset)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			k := domain.RowKey{Partition: chunk[0].Partition}
			if err := r.Scan(&k.Offset, &rows); err != nil {
				return err
			}
			if rows > 1 && many == "" {
				many = fmt.Sprintf("(%d, %d) names %d rows", k.Partition, k.Offset, rows)
			}
			there = append(there, k)
		}
		return r.Err()
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("count rows of %d keys from (%d, %d) on in %s: %w", len(chunk), chunk[0].Partition, chunk[0].Offset, name, err)
	case many != "":
		return nil, &projections.Refusal{Reason: fmt.Sprintf("table %s: key %s, and all of them would go: nothing is deleted; make a plan for a shadow table and exchange it", name, many)}
	}
	return there, nil
}

// deleteChunkOf deletes and waits until the rows do not show any more.
func deleteChunkOf(ctx context.Context, conn *dorisconn.Cluster, name tableName, chunk []domain.RowKey) error {
	what := fmt.Sprintf("delete %d rows from (%d, %d) on in %s", len(chunk), chunk[0].Partition, chunk[0].Offset, name)
	crash.Point("doris.delete.before")
	if err := change(ctx, conn, what, name.database, "DELETE FROM "+name.quoted()+whereKeys(chunk)); err != nil {
		return err
	}
	crash.Point("doris.delete.after")
	late := time.Now().Add(deleteShows)
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, slowPoll) {
		left, err := countedOnce(ctx, conn, name, chunk)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(late) {
			return fmt.Errorf("%s: %d of them still show after %s", what, len(left), deleteShows)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}
