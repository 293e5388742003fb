package reconcile

import (
	"context"
	"database/sql"
	"fmt"
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
	parts    map[string]map[int32]*partition // by source
	bySource map[string]*CityReport
	cities   map[string][]string // sources by city code
	strays   *CityReport         // rows of no configured city
	dorisEnd map[*partition]int64
	progress func(string)
}

// Full compares a pipeline's cities, hub and table row by row. books say where each
// partition begins and how far it is carried; progress, which may be nil, is told each
// step. An error means that something could not be read: not checked.
func Full(ctx context.Context, p config.Pipeline, books *pipeline.Books, progress func(string)) (*Report, error) {
	began := time.Now()
	zone, err := zoneOf(p.Timezone)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	c := &comparison{
		zone: zone, report: &Report{Pipeline: p.Name, Journal: books.Findings}, parts: map[string]map[int32]*partition{},
		bySource: map[string]*CityReport{}, cities: map[string][]string{}, progress: progress,
		strays: &CityReport{Source: "(none)", Counts: map[domain.Class]int64{}},
	}
	c.takeBooks(&p, books)
	for _, s := range p.Sources {
		progress("reading city " + s.City)
		if err := readCity(ctx, s, c.parts[s.ID]); err != nil {
			return nil, err
		}
	}
	progress("reading hub topic " + p.Hub.Topic)
	byHub, err := c.readHub(ctx, p.Hub)
	if err != nil {
		return nil, err
	}
	var all []*partition
	for _, s := range p.Sources {
		for _, part := range c.parts[s.ID] {
			c.compareCity(part)
			all = append(all, part)
		}
	}
	c.dorisEnd = dorisEnds(all)
	if p.Doris != nil {
		progress("reading table " + p.Doris.Database + "." + p.Doris.Table)
		if err := c.readTable(ctx, p.Doris, byHub); err != nil {
			return nil, err
		}
	}
	for _, s := range p.Sources {
		c.report.Cities = append(c.report.Cities, *c.bySource[s.ID])
	}
	if len(c.strays.Counts) > 0 {
		c.report.Cities = append(c.report.Cities, *c.strays)
	}
	c.report.conclude(p.Doris != nil)
	c.report.Took = time.Since(began)
	return c.report, nil
}

// takeBooks lays out the partitions that the journal knows. Of a partition with several
// generations the newest is compared.
func (c *comparison) takeBooks(p *config.Pipeline, books *pipeline.Books) {
	for _, s := range p.Sources {
		c.parts[s.ID] = map[int32]*partition{}
		c.cities[s.City] = append(c.cities[s.City], s.ID)
		out := &CityReport{Source: domain.SourceID(s.ID), City: domain.City(s.City), Gaps: map[domain.Reason]int64{}, Counts: map[domain.Class]int64{}}
		c.bySource[s.ID] = out
		for _, a := range books.Accounts {
			if string(a.Source) != s.ID {
				continue
			}
			part := &partition{source: s, account: a, pending: a.Rows - a.Hub - a.HubExcluded}
			for _, x := range books.Excluded {
				if x.Key != a.PartitionKey {
					continue
				}
				of := &part.skip
				if x.Leg == domain.LegDoris {
					of = &part.without
				}
				*of, _ = of.Add(domain.Span{First: x.Offset, Next: x.Offset + x.Count})
			}
			c.parts[s.ID][a.Partition] = part
		}
	}
	for _, a := range books.Accounts {
		if out := c.bySource[string(a.Source)]; out != nil {
			for reason, n := range a.Gaps {
				out.Gaps[reason] += n
			}
		}
	}
}

// readHub hands each hub row to its city partition and returns the rows by hub partition.
func (c *comparison) readHub(ctx context.Context, h config.Hub) (map[int32][]*hubRow, error) {
	byHub := map[int32][]*hubRow{}
	err := readHub(ctx, h, func(r *hubRow) error {
		byHub[r.partition] = append(byHub[r.partition], r)
		if p := c.byCity(r.city, r.cityPartition); p != nil {
			p.hub = append(p.hub, r)
		} else {
			r.extra = true
			c.report.find(c.strays, c.finding(domain.Strayed, "hub", nil, r, "no configured source has this city and partition"))
		}
		return nil
	})
	return byHub, err
}

// byCity finds the partition that a row says it comes from.
func (c *comparison) byCity(city string, cityPartition int32) *partition {
	for _, id := range c.cities[city] {
		if p := c.parts[id][cityPartition]; p != nil {
			return p
		}
	}
	return nil
}

func (c *comparison) city(p *partition) *CityReport {
	if p == nil {
		return c.strays
	}
	return c.bySource[p.source.ID]
}

func (c *comparison) partitionOf(p *partition) int32 {
	for n, have := range c.parts[p.source.ID] {
		if have == p {
			return n
		}
	}
	return -1
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
		cmp := compareDoris{c: c, last: -1, hub: byHub[h]}
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
