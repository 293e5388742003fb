package doris

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// wanted counts the rows that a load has to have put into the table, and says where to look
// for them: between its first and its last, where whatever is there can only be of this load;
// of a replay that fills what is missing, whose rows lie among those of others, at their very
// places. It reads the journal one ingest event at a time.
func (l *leg) wanted(ctx context.Context, ev *domain.DorisBegun) (domain.RowTally, hubPlaces, error) {
	commits, err := l.commits(ctx, ev)
	if err != nil {
		return nil, nil, err
	}
	at, rows, tally := hubPlaces{}, hubPlaces{}, domain.RowTally{}
	for _, c := range commits {
		for _, r := range c.Runs {
			at.add(r.Partition, domain.Span{First: r.Offset, Next: r.Offset + r.N})
		}
	}
	at = at.bounding()
	if l.fills() {
		at = rows
	}
	p := &passage{
		// What the intent carries was decided when it was made, perhaps within other bounds.
		reader:   l.reader(bounds{first: math.MinInt64, last: math.MaxInt64, text: math.MaxInt, city: math.MaxInt}),
		excluded: ev.Excluded,
		do: func(r *batchRow) error {
			g, offset := r.group()
			tally.Add(g, r.HubOffset, offset)
			if l.fills() {
				rows.add(r.HubPartition, domain.Span{First: r.HubOffset, Next: r.HubOffset + 1})
			}
			return nil
		},
	}
	return tally, at, l.walk(ctx, commits, p.pieces)
}

// commits are the committed hub transactions of an intent.
func (l *leg) commits(ctx context.Context, ev *domain.DorisBegun) (out []*domain.HubCommitted, err error) {
	err = l.eachCommit(ctx, ev, func(c *domain.HubCommitted) { out = append(out, c) })
	return out, err
}

// size is how many rows an intent carries.
func (l *leg) size(ctx context.Context, ev *domain.DorisBegun) (n int64, err error) {
	err = l.eachCommit(ctx, ev, func(c *domain.HubCommitted) {
		for i := range c.Runs {
			n += c.Runs[i].N
		}
	})
	for i := range ev.Excluded {
		n -= ev.Excluded[i].Count
	}
	return n, err
}

// there counts the rows of the table at the places of a load. Statements are of one hub
// partition, whose key they follow, all in one session whose reads are strongly consistent.
func (l *leg) there(ctx context.Context, at hubPlaces) (domain.RowTally, error) {
	tally := domain.RowTally{}
	err := l.conn.Ask(ctx, func(c *sql.Conn) error {
		for _, h := range slices.Sorted(maps.Keys(at)) {
			for part := range slices.Chunk(at[h], maxRanges) {
				if err := l.thereOf(ctx, c, h, part, tally); err != nil {
					return fmt.Errorf("count rows of hub partition %d at %s to %s in %s: %w", h, part[0], part[len(part)-1], l.table(), err)
				}
			}
		}
		return nil
	})
	return tally, err
}

func (l *leg) thereOf(ctx context.Context, c *sql.Conn, h int32, part domain.Spans, tally domain.RowTally) error {
	rows, err := c.QueryContext(ctx, "SELECT sscsdm, city_partition_id, count(*), count(DISTINCT hw_offset_id),"+
		" sum(cast(hw_offset_id AS LARGEINT)), sum(cast(coalesce(city_offset_id, -1) AS LARGEINT)) FROM "+l.quotedTable()+
		where(h, part)+" GROUP BY sscsdm, city_partition_id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var city, hubSum, citySum sql.NullString
		var partition sql.NullInt64
		var n domain.RowSums
		if err := rows.Scan(&city, &partition, &n.Rows, &n.Distinct, &hubSum, &citySum); err != nil {
			return err
		}
		if n.Hub, err = sum(hubSum); err != nil {
			return err
		}
		if n.City, err = sum(citySum); err != nil {
			return err
		}
		g := domain.RowGroup{HubPartition: h, City: domain.City(city.String), CityPartition: missing}
		if partition.Valid {
			g.CityPartition = partition.Int64
		}
		tally[g] = tally[g].Plus(n) // NULL and an empty city are two groups to Doris
	}
	return rows.Err()
}

// sum is a LARGEINT of an answer.
func sum(text sql.NullString) (domain.Sum, error) {
	if !text.Valid {
		return domain.Sum{}.Add(-1), nil
	}
	return domain.ParseSum(text.String)
}
