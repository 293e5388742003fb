package doris

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
)

// publishBatch is how many rows one INSERT carries: enough to spread the cost of a statement over many rows.
const publishBatch = 50

// rowWriter puts staged rows into a table, in their order: of two rows of a key the later counts, be it one that takes
// the key away.
type rowWriter struct {
	ctx   context.Context //nolint:containedctx // of the one publish that it is made for
	conn  driver.ConnPrepareContext
	table *Table
	many  driver.Stmt
	args  []driver.NamedValue // of the rows not yet written
	arena []byte              // and their texts
}

func insertAll(ctx context.Context, c driver.ConnPrepareContext, t *Table, r *stageReader) error {
	many, err := c.PrepareContext(ctx, insertSQL(t, publishBatch))
	if err != nil {
		return err
	}
	defer many.Close()
	if err := r.complete(t); err != nil {
		return err
	}
	w := &rowWriter{ctx: ctx, conn: c, table: t, many: many, arena: make([]byte, 0, arenaSize)}
	row := make([]any, len(t.Columns))
	for {
		deleted, err := r.next(row, &w.arena)
		if errors.Is(err, io.EOF) {
			return w.flush()
		}
		if err == nil && deleted {
			err = w.remove(row)
		} else if err == nil {
			err = w.add(row)
		}
		if err != nil {
			return err
		}
	}
}

func (w *rowWriter) add(row []any) error {
	for _, v := range row {
		w.args = append(w.args, driver.NamedValue{Ordinal: len(w.args) + 1, Value: v})
	}
	if len(w.args) < len(row)*publishBatch {
		return nil
	}
	if _, err := w.many.(driver.StmtExecContext).ExecContext(w.ctx, w.args); err != nil {
		return err
	}
	w.args, w.arena = w.args[:0], w.arena[:0]
	return nil
}

// remove takes away the row of a key, of those before it in this load and of those that are in the table.
func (w *rowWriter) remove(row []any) error {
	if err := w.flush(); err != nil {
		return err
	}
	var where []string
	var args []driver.NamedValue
	for i, c := range w.table.Columns {
		if c.Key {
			where = append(where, quote(c.Name)+" IS ?")
			args = append(args, driver.NamedValue{Ordinal: len(args) + 1, Value: row[i]})
		}
	}
	err := w.exec("DELETE FROM "+quote(w.table.rowsName())+" WHERE "+strings.Join(where, " AND "), args)
	w.arena = w.arena[:0]
	return err
}

// flush writes the rows that wait for a full batch.
func (w *rowWriter) flush() error {
	if len(w.args) == 0 {
		return nil
	}
	err := w.exec(insertSQL(w.table, len(w.args)/len(w.table.Columns)), w.args)
	w.args = w.args[:0]
	return err
}

func (w *rowWriter) exec(sql string, args []driver.NamedValue) error {
	s, err := w.conn.PrepareContext(w.ctx, sql)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.(driver.StmtExecContext).ExecContext(w.ctx, args)
	return err
}

func insertSQL(t *Table, rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.Columns)), ",") + ")"
	names := make([]string, len(t.Columns)) // one may have been added since
	for i, c := range t.Columns {
		names[i] = quote(c.Name)
	}
	return "INSERT OR REPLACE INTO " + quote(t.rowsName()) + " (" + strings.Join(names, ", ") + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(one+",", rows), ",")
}
