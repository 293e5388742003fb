package reconcile

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// comparison is one full compare under way.
type comparison struct {
	zone     *time.Location
	report   *Report
	format   *hubFormat
	units    []*unit
	cities   map[string][]*unit // by city code
	byKey    map[domain.PartitionKey]*partition
	spans    map[int32][]pipeline.HubSpan
	strays   *CityReport // rows of no source
	dorisEnd map[*partition]int64
	begins   map[int32]int64 // the first row of these books in each hub partition that has one
}

// Full compares a pipeline's cities, hub and table row by row. books say where each
// partition begins and how far it is carried; progress, which may be nil, is told each
// step. An error means that something could not be read: not checked. A pipeline that reads
// the hub topic itself has no cities: what it journaled is compared with the table.
func Full(ctx context.Context, p config.Pipeline, books *pipeline.Books, progress func(string)) (*Report, error) {
	began := time.Now()
	zone, err := zoneOf(p.Timezone)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	if books.Direct {
		return fullDirect(ctx, &p, books, zone, progress)
	}
	c, err := newComparison(ctx, &p, books, zone)
	if err != nil {
		return nil, err
	}
	for _, u := range c.units {
		if u.unread != "" {
			continue
		}
		progress("reading city " + u.city + ", source " + string(u.id))
		if err := c.readCity(ctx, u); err != nil {
			return nil, err
		}
	}
	progress("reading hub topic " + p.Hub.Topic)
	byHub, err := c.readHub(ctx, p.Hub)
	if err != nil {
		return nil, err
	}
	c.compareCities()
	if p.Doris != nil {
		progress("reading table " + p.Doris.Database + "." + p.Doris.Table)
		if err := c.readTable(ctx, p.Doris, byHub); err != nil {
			return nil, err
		}
	}
	c.sayUnchecked(p.Doris != nil)
	for _, u := range c.units {
		c.report.Cities = append(c.report.Cities, *u.out)
	}
	if len(c.strays.Counts) > 0 {
		c.report.Cities = append(c.report.Cities, *c.strays)
	}
	c.report.conclude(p.Doris != nil)
	c.report.Took = time.Since(began)
	return c.report, nil
}

// newComparison lays out what is to be compared: the sources of the file and of the journal,
// and what the journal knows of their partitions.
func newComparison(ctx context.Context, p *config.Pipeline, books *pipeline.Books, zone *time.Location) (*comparison, error) {
	format := books.Config.Format
	if len(format.Columns) == 0 { // nothing is journaled yet
		format = p.Hub.Format.Domain()
	}
	c := &comparison{
		zone: zone, report: &Report{Pipeline: p.Name, Journal: books.Findings}, format: formatOf(&format),
		cities: map[string][]*unit{}, byKey: map[domain.PartitionKey]*partition{}, spans: books.HubSpans, begins: books.HubBegins,
		strays: &CityReport{Source: "(none)", Counts: map[domain.Class]int64{}},
	}
	var err error
	if c.units, err = unitsOf(ctx, p, &books.Config); err != nil {
		return nil, err
	}
	c.takeBooks(books)
	for _, u := range c.units {
		for _, part := range u.parts {
			c.byKey[part.account.PartitionKey] = part
		}
	}
	return c, nil
}

// compareCities compares every source with the hub.
func (c *comparison) compareCities() {
	var all []*partition
	for _, u := range c.units {
		for _, part := range u.parts {
			if u.unread == "" {
				c.compareCity(part)
			} else {
				c.compareUnread(part)
			}
			all = append(all, part)
		}
	}
	c.dorisEnd = dorisEnds(all)
}

// readHub hands each hub row to its city partition and returns the rows by hub partition.
func (c *comparison) readHub(ctx context.Context, h config.Hub) (map[int32][]*hubRow, error) {
	byHub := map[int32][]*hubRow{}
	all := func(int32, int64) bool { return true }
	_, err := readHub(ctx, h, c.format, all, func(r *hubRow) error {
		if c.ofOthers(r) {
			return nil
		}
		p := c.identify(r)
		r.part = p
		byHub[r.partition] = append(byHub[r.partition], r)
		switch {
		case r.broken != "":
			r.extra = true
			c.report.find(c.strays, c.finding(domain.Strayed, "hub", nil, r, r.broken))
		case r.unplaced:
			c.city(p).InHub++
		case p != nil:
			p.hub = append(p.hub, r)
		default:
			r.extra = true
			c.report.find(c.strays, c.finding(domain.Strayed, "hub", nil, r, "no source has this city and partition"))
		}
		return nil
	})
	return byHub, err
}

// ofOthers reports whether a row is of whoever filled the hub before these books: it lies
// before their first row of the hub partition. In one that they have no row of so far all
// are, unless these books are about to carry the row.
func (c *comparison) ofOthers(r *hubRow) bool {
	begin, ours := c.begins[r.partition]
	if ours && r.offset >= begin {
		return false
	}
	carried := slices.ContainsFunc(c.candidates(r.city, r.cityPartition), func(p *partition) bool {
		return p.account != nil && r.cityOffset >= p.start()
	})
	if !ours && carried {
		return false
	}
	c.report.Others.Hub++
	if carried {
		c.report.Others.Again++
	}
	return true
}

func (c *comparison) city(p *partition) *CityReport {
	if p == nil {
		return c.strays
	}
	return p.unit.out
}

func (c *comparison) readTable(ctx context.Context, d *config.Doris, byHub map[int32][]*hubRow) error {
	conn, err := dorisconn.Open(d.Config)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Ask(ctx, func(db *sql.Conn) error { return c.compareTable(ctx, db, d, byHub) })
}

func (c *comparison) compareTable(ctx context.Context, db asked, d *config.Doris, byHub map[int32][]*hubRow) error {
	hubPartitions := make([]int32, 0, len(byHub))
	for h := range byHub {
		hubPartitions = append(hubPartitions, h)
	}
	inTable, err := tablePartitions(ctx, db, d)
	if err != nil {
		return fmt.Errorf("table %s.%s: hub partitions: %w", d.Database, d.Table, err)
	}
	for _, h := range inTable {
		if !slices.Contains(hubPartitions, h) {
			hubPartitions = append(hubPartitions, h)
		}
	}
	slices.Sort(hubPartitions)
	for _, h := range hubPartitions {
		cmp := compareDoris{c: c, last: -1, hub: byHub[h], from: c.firstOf(h, byHub[h])}
		end := int64(0)
		if n := len(cmp.hub); n > 0 {
			end = cmp.hub[n-1].offset + 1
		}
		if err := readDoris(ctx, db, d, h, end, cmp.row); err != nil {
			return err
		}
		cmp.end()
	}
	return nil
}

// firstOf is where the rows of these books begin in a hub partition; where they have none,
// all of it is of others.
func (c *comparison) firstOf(h int32, rows []*hubRow) int64 {
	if first, ours := c.begins[h]; ours {
		return first
	}
	if len(rows) > 0 {
		return rows[0].offset
	}
	return math.MaxInt64
}
