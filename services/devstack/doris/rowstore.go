package doris

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// rowStore holds the visible rows, one sqlite table per Doris table. One connection writes, several read; a reader
// sees the rows of a load all at once or not at all, because they arrive in one sqlite transaction.
type rowStore struct {
	write *sql.DB
	read  *sql.DB
}

func openRows(ctx context.Context, write, read *sql.DB) (*rowStore, error) {
	s := &rowStore{write, read}
	// published names the transaction whose rows came last: written together with them, it tells a restarted server
	// whether a COMMITTED transaction still has to be published.
	if err := execAll(ctx, write, `CREATE TABLE IF NOT EXISTS published (txn INTEGER)`); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *rowStore) lastPublished(ctx context.Context) (int64, error) {
	var id int64
	if err := s.write.QueryRowContext(ctx, `SELECT coalesce(max(txn), 0) FROM published`).Scan(&id); err != nil {
		return 0, fmt.Errorf("read last published transaction: %w", err)
	}
	return id, nil
}

// create makes the place for a table's rows. The key has an index in both models: look-ups by hub coordinate are
// what everybody does.
func (s *rowStore) create(ctx context.Context, t *Table) error {
	var cols, key []string
	for _, c := range t.Columns {
		cols = append(cols, quote(c.Name)+" "+c.Type.sqlite())
		if c.Key {
			key = append(key, quote(c.Name))
		}
	}
	table := quote(t.rowsName())
	// What an attempt left behind that died before the catalog knew of it is of no use to anybody.
	statements := []string{"DROP TABLE IF EXISTS " + table, "CREATE TABLE " + table + " (" + strings.Join(cols, ", ") + ")"}
	unique := ""
	if t.Model == Unique {
		unique = "UNIQUE "
	}
	if len(key) > 0 {
		statements = append(statements,
			"CREATE "+unique+"INDEX "+quote(t.rowsName()+"_key")+" ON "+table+" ("+strings.Join(key, ", ")+")")
	}
	return execAll(ctx, s.write, statements...)
}

func (s *rowStore) drop(ctx context.Context, t *Table) error {
	return execAll(ctx, s.write, "DROP TABLE IF EXISTS "+quote(t.rowsName()))
}

// addColumn gives the rows of a table another column with a value. One of that name is what an attempt left behind that
// died before the catalog knew of it, and goes: its value may be another.
func (s *rowStore) addColumn(ctx context.Context, t *Table, c *Column, value string) error {
	var n int
	err := s.write.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info(?) WHERE name = ?`, t.rowsName(), c.Name).Scan(&n)
	if err != nil {
		return fmt.Errorf("add column %s to table %s: %w", c.Name, t.Name, err)
	}
	table := quote(t.rowsName())
	if n > 0 {
		if err := execAll(ctx, s.write, "ALTER TABLE "+table+" DROP COLUMN "+quote(c.Name)); err != nil {
			return err
		}
	}
	return execAll(ctx, s.write, "ALTER TABLE "+table+" ADD COLUMN "+quote(c.Name)+" "+c.Type.sqlite()+" DEFAULT "+value)
}

func (s *rowStore) close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// publish makes the staged rows of a transaction visible, all at once; r == nil publishes no rows (the table is
// gone, or was truncated since the load began). On UNIQUE tables a later publish of the same key wins.
func (s *rowStore) publish(ctx context.Context, txn int64, t *Table, r *stageReader) (err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("publish transaction %d: %w", txn, err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("publish transaction %d: %w", txn, err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if r != nil && r.epoch == t.Epoch {
		// Underneath database/sql: its per-argument checks cost as much as sqlite's own work.
		err := conn.Raw(func(dc any) error { return insertAll(ctx, dc.(driver.ConnPrepareContext), t, r) })
		if err != nil {
			return fmt.Errorf("publish rows of transaction %d: %w", txn, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM published`); err != nil {
		return fmt.Errorf("publish transaction %d: %w", txn, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO published VALUES (?)`, txn); err != nil {
		return fmt.Errorf("publish transaction %d: %w", txn, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("publish transaction %d: %w", txn, err)
	}
	return nil
}

// quote makes any name an SQL identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
