package target

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/report"
)

// Doris asks one table. It may be used by several goroutines at once: one question goes after
// the other, and who is given the rows of one may not ask another before it is over.
type Doris struct {
	session func(context.Context, func(*sql.Conn) error) error
	close   func()
	table   string // quoted
	pause   time.Duration
	told    func(report.Query)

	version string
	digits  Digits
	hashes  bool

	turn  sync.Mutex // of questions
	ended time.Time  // the last one; under turn
	span  atomic.Int64
}

// OpenDoris looks at the table of a pipeline. It leaves a pause between any two questions and
// tells each of them, with the digest of its answer, to told, one at a time; told may be nil.
// Errors name the table.
func OpenDoris(ctx context.Context, c *config.Doris, pause time.Duration, told func(report.Query)) (*Doris, error) {
	cluster, err := dorisconn.Open(c.Config)
	if err != nil {
		return nil, err
	}
	if told == nil {
		told = func(report.Query) {}
	}
	d := &Doris{session: cluster.Ask, close: cluster.Close, pause: pause, told: told}
	if err := d.open(ctx, c); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close ends the connections.
func (d *Doris) Close() { d.close() }

func (d *Doris) open(ctx context.Context, c *config.Doris) error {
	d.table = dorisconn.Quoted(c.Database) + "." + dorisconn.Quoted(c.Table)
	d.span.Store(firstSpan)
	return d.ask(ctx, func(q *questions) error { return d.look(ctx, q, c.Database, c.Table) })
}

// Version is what the server calls itself.
func (d *Doris) Version() string { return d.version }

// Digits is how many digits of a second each time column of the table keeps, for NewFormat.
func (d *Doris) Digits() Digits { return d.digits }

// Digests reports whether the server makes the row digest itself (Doris 2.1 and later). Where
// it does not, a vector with a digest takes all rows of its range over the network: ask for
// those of a sample, and of the others without (an empty mask).
func (d *Doris) Digests() bool { return d.hashes }

// look reads the table's columns, and whether the server hashes as we do.
func (d *Doris) look(ctx context.Context, q *questions, database, table string) error {
	found := map[string]bool{}
	err := q.ask(ctx, "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.columns WHERE TABLE_SCHEMA = "+quotedText(database)+
		" AND TABLE_NAME = "+quotedText(table), func(cells []sql.RawBytes) error {
		name := strings.ToLower(string(cells[0]))
		found[name] = true
		for _, col := range timeColumns() {
			if name == proof.ColumnName(col) {
				d.digits[col] = digitsOf(string(cells[1]))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("it is not there, or its user may not see it")
	}
	for col := range proof.Columns {
		if name := proof.ColumnName(col); !found[name] {
			return fmt.Errorf("it has no column %s", name)
		}
	}
	err = q.ask(ctx, "SELECT @@version_comment", func(cells []sql.RawBytes) error { d.version = string(cells[0]); return nil })
	if err != nil {
		return err
	}
	return d.lookAtHash(ctx, q)
}

// lookAtHash tries the digest: a server that does not know it says so.
func (d *Doris) lookAtHash(ctx context.Context, q *questions) error {
	const hello, world = "hello", "7001965798170371843" // xxhash_64 of both (doris-wire.md §5.1)
	err := q.ask(ctx, "SELECT xxhash_64('"+hello+"', 'world')", func(cells []sql.RawBytes) error {
		d.hashes = string(cells[0]) == world
		return nil
	})
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

func timeColumns() []int { return []int{proof.CityTime, proof.HubTime, proof.ExtractTime} }

var dateTimeType = regexp.MustCompile(`^datetime(?:v2)?(?:\((\d)\))?$`)

// digitsOf is the digits of a second that a column's type keeps.
func digitsOf(typ string) int {
	parts := dateTimeType.FindStringSubmatch(strings.ToLower(typ))
	if parts == nil || parts[1] == "" {
		return 0
	}
	return int(parts[1][0] - '0')
}

// quotedText is a text as SQL writes it.
func quotedText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
