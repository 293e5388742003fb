package target

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"time"

	"github.com/hefu-io/hefu/services/report"
)

// questionSeconds is how long a back end may work on a question; a client that goes away does
// not end it (databases.md §4).
const questionSeconds = 300

// questions is a session, in which the answers are strongly consistent (dorisconn.Ask). Each
// question waits for its turn.
type questions struct {
	d *Doris
	c *sql.Conn
}

// ask opens a session. Errors name the table.
func (d *Doris) ask(ctx context.Context, do func(*questions) error) error {
	err := d.session(ctx, func(c *sql.Conn) error {
		// A server that does not know it bounds questions by itself, or not at all.
		_, _ = c.ExecContext(ctx, fmt.Sprintf("SET query_timeout = %d", questionSeconds))
		return do(&questions{d, c})
	})
	if err != nil {
		return fmt.Errorf("table %s: %w", d.table, err)
	}
	return nil
}

// ask asks one question and calls each for each row of the answer; the cells are valid during
// the call, nil is NULL. The digest of the answer is of what the MySQL client prints of it
// with -N -B -r: tab between columns, NULL for NULL, newline after each row.
func (q *questions) ask(ctx context.Context, text string, each func([]sql.RawBytes) error) error {
	d := q.d
	d.turn.Lock()
	defer d.turn.Unlock()
	if err := pause(ctx, d.pause-time.Since(d.ended)); err != nil {
		return err
	}
	began := time.Now()
	defer func() { d.ended = time.Now() }()
	rows, err := q.c.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, at := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range cells {
		at[i] = &cells[i]
	}
	said, n := sha256.New(), int64(0)
	for ; rows.Next(); n++ {
		if err := rows.Scan(at...); err != nil {
			return err
		}
		write(said, cells)
		if err := each(cells); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	asked := report.Query{Witness: "doris", Text: text, Rows: n, Took: time.Since(began)}
	said.Sum(asked.Answer[:0])
	d.told(asked)
	return nil
}

// write adds a row to the digest of an answer; a hash takes whatever it is given.
func write(to io.Writer, cells []sql.RawBytes) {
	for i, cell := range cells {
		if cell == nil {
			cell = sql.RawBytes("NULL")
		}
		_, _ = to.Write(cell)
		if i < len(cells)-1 {
			_, _ = io.WriteString(to, "\t")
		}
	}
	_, _ = io.WriteString(to, "\n")
}
