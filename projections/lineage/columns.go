package lineage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// columns are a block of rows as the table has it, to be sent or as it was answered. Numbers
// and texts only: a server of 2018 has neither DateTime64 nor codecs, real cities stamp -1 and
// the year 10000, and what repeats from row to row costs next to nothing once compressed.
type columns struct {
	journal    proto.ColStr
	shard      proto.ColInt32
	block      proto.ColUInt64
	source     proto.ColStr
	generation proto.ColUInt32
	city       proto.ColStr
	cityPart   proto.ColInt32
	cityOffset proto.ColInt64
	cityTime   proto.ColInt64
	hubPart    proto.ColInt32
	hubOffset  proto.ColInt64
	hubTime    proto.ColInt64
	extract    proto.ColInt64
	ingest     proto.ColUInt64
	run        proto.ColInt32
	hub        proto.ColUInt64
	doris      proto.ColUInt64
	txn        proto.ColInt64
	label      proto.ColStr
	length     proto.ColInt64
	digest     proto.ColUInt64
	state      proto.ColUInt8
}

// key is what a row is told apart by: the place of a record, for ever. A row that comes
// again is the same in all columns.
const key = "city, city_partition, city_offset, journal, source, generation, hub_partition, hub_offset"

// column is one of them with its name.
type column struct {
	name string
	data proto.Column
}

// all are the columns in the order of the table.
func (c *columns) all() []column {
	return []column{
		{"journal", &c.journal},
		{"shard", &c.shard},
		{"block", &c.block},
		{"source", &c.source},
		{"generation", &c.generation},
		{"city", &c.city},
		{"city_partition", &c.cityPart},
		{"city_offset", &c.cityOffset},
		{"city_ts", &c.cityTime},
		{"hub_partition", &c.hubPart},
		{"hub_offset", &c.hubOffset},
		{"hub_ts", &c.hubTime},
		{"extract_time", &c.extract},
		{"ingest_seq", &c.ingest},
		{"ingest_run", &c.run},
		{"hub_seq", &c.hub},
		{"doris_seq", &c.doris},
		{"doris_txn", &c.txn},
		{"label", &c.label},
		{"record_length", &c.length},
		{"record_xxh3", &c.digest},
		{"state", &c.state},
	}
}

// input is the block to be sent.
func (c *columns) input() (in proto.Input) {
	for _, col := range c.all() {
		in = append(in, proto.InputColumn{Name: col.name, Data: col.data})
	}
	return in
}

// results takes a block that is answered.
func (c *columns) results() (out proto.Results) {
	for _, col := range c.all() {
		out = append(out, proto.ResultColumn{Name: col.name, Data: col.data})
	}
	return out
}

// names are those of all columns.
func (c *columns) names() string {
	var names []string
	for _, col := range c.all() {
		names = append(names, col.name)
	}
	return strings.Join(names, ", ")
}

func (c *columns) reset() {
	for _, col := range c.all() {
		col.data.Reset()
	}
}

func (c *columns) add(journal string, r *Row) {
	c.journal.Append(journal)
	c.shard.Append(int32(r.Shard))
	c.block.Append(uint64(r.Block))
	c.source.Append(string(r.Source))
	c.generation.Append(uint32(r.Generation))
	c.city.Append(string(r.City))
	c.cityPart.Append(r.Place.City.Partition)
	c.cityOffset.Append(r.Place.City.Offset)
	c.cityTime.Append(r.Place.City.Timestamp)
	c.hubPart.Append(r.Place.Hub.Partition)
	c.hubOffset.Append(r.Place.Hub.Offset)
	c.hubTime.Append(r.Place.Hub.Timestamp)
	c.extract.Append(int64(r.Extract))
	c.ingest.Append(uint64(r.Ingest))
	c.run.Append(int32(r.Run))
	c.hub.Append(uint64(r.Hub))
	c.doris.Append(uint64(r.Doris))
	c.txn.Append(r.Txn)
	c.label.Append(r.Label)
	c.length.Append(r.Length)
	c.digest.Append(r.Digest)
	c.state.Append(uint8(r.State))
}

// row is the i-th one of an answer.
func (c *columns) row(i int) Row {
	return Row{
		Shard: int(c.shard[i]), Block: domain.Seq(c.block[i]), Source: domain.SourceID(c.source.Row(i)),
		Generation: domain.Generation(c.generation[i]), City: domain.City(c.city.Row(i)),
		Place: domain.Lineage{
			City: domain.Coord{Partition: c.cityPart[i], Offset: c.cityOffset[i], Timestamp: c.cityTime[i]},
			Hub:  domain.Coord{Partition: c.hubPart[i], Offset: c.hubOffset[i], Timestamp: c.hubTime[i]},
		},
		Extract: domain.Micros(c.extract[i]), Ingest: domain.Seq(c.ingest[i]), Run: int(c.run[i]),
		Hub: domain.Seq(c.hub[i]), Doris: domain.Seq(c.doris[i]), Txn: c.txn[i], Label: c.label.Row(i),
		Length: c.length[i], Digest: c.digest[i], State: State(c.state[i]),
	}
}

// ddl makes the table. It is partitioned by the day at which a record was journaled, which
// never changes, so that a row that comes again meets the first one. Rows of a city's
// partition lie together in the order of both topics: a skipping index of a few bytes for
// 8,192 rows finds a place in the hub, where the server has such indices; older ones look
// through two columns.
func ddl(table string, skips, deduplicates bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s (", table)
	for i, col := range (&columns{}).all() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s", col.name, col.data.Type())
	}
	if skips {
		for _, name := range []string{"hub_offset", "doris_seq", "doris_txn", "block"} {
			fmt.Fprintf(&b, ", INDEX %s_at %s TYPE minmax GRANULARITY 1", name, name)
		}
	}
	fmt.Fprintf(&b, ") ENGINE = ReplacingMergeTree(block) PARTITION BY %s ORDER BY (%s)", day, key)
	if deduplicates {
		fmt.Fprintf(&b, " SETTINGS non_replicated_deduplication_window = %d", window)
	}
	return b.String()
}

const (
	day = "toYYYYMMDD(toDateTime(intDiv(extract_time, 1000000), 'UTC'))"
	// window is how many blocks of the past are known again by their tokens. It is an
	// economy: a row that comes again is the same row whatever the window.
	window = 1000
)

// differs says how the columns of a table are others than they must be; "" when they are not.
func differs(have []string) string {
	var want []string
	for _, col := range (&columns{}).all() {
		want = append(want, col.name+" "+string(col.data.Type()))
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			return "it has no column " + w
		}
	}
	return ""
}

// quoted is the table's name in a statement.
func quoted(database, table string) string { return clickhouseconn.Name(database, table) }
