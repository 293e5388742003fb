package lineage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// Table is where rows are kept: of one journal, in a table that several may share.
type Table struct {
	Database, Table string
	Journal         domain.JournalID
}

// Query says which rows are looked for; make one with AtCity, AtSource, AtHub, OfLoad or
// OfTxn.
type Query struct{ where string }

// AtCity is the record at a place of a city's topic. Several sources may have the code, and
// several generations the place: all are found.
func AtCity(city domain.City, partition int32, offset int64) Query {
	return Query{fmt.Sprintf("city = %s AND city_partition = %d AND city_offset = %d", clickhouseconn.Text(string(city)), partition, offset)}
}

// AtSource is the record at a place of a source's topic, whatever the code.
func AtSource(source domain.SourceID, partition int32, offset int64) Query {
	return Query{fmt.Sprintf("source = %s AND city_partition = %d AND city_offset = %d", clickhouseconn.Text(string(source)), partition, offset)}
}

// AtHub is the record at a place of the hub topic.
func AtHub(partition int32, offset int64) Query {
	return Query{fmt.Sprintf("hub_partition = %d AND hub_offset = %d", partition, offset)}
}

// OfLoad are the records of one committed load, by the seq of its DorisCommitted, with those
// that it left out.
func OfLoad(shard int, committed domain.Seq) Query {
	return Query{fmt.Sprintf("doris_seq = %d AND shard = %d", committed, shard)}
}

// OfLabel are the records of one committed load by its label.
func OfLabel(label string) Query { return Query{"label = " + clickhouseconn.Text(label)} }

// OfTxn are the records of the loads with a transaction id of Doris: of one, unless the
// table was another's before.
func OfTxn(txn int64) Query { return Query{"doris_txn = " + strconv.FormatInt(txn, 10)} }

// Lookup finds up to limit rows, in the order of their places. It reads without FINAL, which
// would not use every index: rows that are there twice for a while are equal, so that
// DISTINCT is exact. Errors are those of the connection and of the server; a table that is
// not there is one.
func Lookup(ctx context.Context, c *clickhouseconn.Conn, t Table, q Query, limit int) ([]Row, error) {
	var cols columns
	var rows []Row
	err := c.Ask(ctx, strings.Join([]string{
		"SELECT DISTINCT", cols.names(), "FROM", quoted(t.Database, t.Table),
		"WHERE", q.where, "AND journal =", clickhouseconn.Text(t.Journal.String()),
		"ORDER BY", key, "LIMIT", strconv.Itoa(limit),
	}, " "), cols.results(), func() error {
		for i := range cols.shard.Rows() {
			rows = append(rows, cols.row(i))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %s in %s.%s: %w", q.where, t.Database, t.Table, err)
	}
	return rows, nil
}
