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

// directPart is one partition of the hub topic that a pipeline reads itself.
type directPart struct {
	partition int32
	first     int64 // where its books begin
	next      int64 // up to where they are journaled
	stop      int64 // where they end; without a bound, as far as one can count
	logStart  int64 // of the topic now
	excluded  domain.Spans
	loaded    int64 // up to where the journal says that the table has the rows
	rows      []*hubRow
}

// directComparison is the full compare of a pipeline that reads the hub topic itself.
type directComparison struct {
	zone   *time.Location
	report *Report
	out    *CityReport
	parts  map[int32]*directPart
}

// fullDirect compares what the journal has of the hub topic with the table, by all nine
// columns. What lies before the journaled start, and beyond a bounded end, is of others.
func fullDirect(ctx context.Context, p *config.Pipeline, books *pipeline.Books, zone *time.Location, progress func(string)) (*Report, error) {
	began := time.Now()
	d := &directComparison{
		zone: zone, report: &Report{Pipeline: p.Name, Direct: true, Journal: books.Findings}, parts: map[int32]*directPart{},
		out: &CityReport{Source: "hub", Gaps: map[domain.Reason]int64{}, Counts: map[domain.Class]int64{}},
	}
	accounts := d.takeBooks(books)
	progress("reading hub topic " + p.Hub.Topic)
	flink := domain.FlinkFormat()
	starts, err := readHub(ctx, p.Hub, formatOf(&flink), d.reads, func(r *hubRow) error {
		part := d.parts[r.partition]
		part.rows = append(part.rows, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for h, part := range d.parts {
		part.logStart = starts[h]
		part.settle(accounts[h])
		d.out.InHub += int64(len(part.rows))
	}
	progress("reading table " + p.Doris.Database + "." + p.Doris.Table)
	conn, err := dorisconn.Open(p.Doris.Config)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.Ask(ctx, func(db *sql.Conn) error { return d.compareTable(ctx, db, p.Doris) }); err != nil {
		return nil, err
	}
	d.report.Cities = append(d.report.Cities, *d.out)
	d.report.conclude(true)
	d.report.Took = time.Since(began)
	return d.report, nil
}

// takeBooks lays out the partitions that the journal knows. Of one with several
// generations the newest is compared.
func (d *directComparison) takeBooks(books *pipeline.Books) map[int32]*domain.Account {
	accounts := map[int32]*domain.Account{}
	for _, a := range books.Accounts {
		accounts[a.Partition] = a
		for reason, n := range a.Gaps {
			d.out.Gaps[reason] += n
		}
	}
	for h, a := range accounts {
		part := &directPart{partition: h, first: a.First + a.Gaps[domain.ReasonStartPolicy], next: a.Next, stop: math.MaxInt64}
		for _, at := range books.Positions {
			if at.Partition == h && at.Generation == a.Generation && at.Bounded {
				part.stop = max(at.Stop, part.first)
			}
		}
		for _, x := range books.Excluded {
			if x.Key == a.PartitionKey {
				part.excluded, _ = part.excluded.Add(domain.Span{First: x.Offset, Next: x.Offset + x.Count})
			}
		}
		d.parts[h] = part
	}
	return accounts
}

// reads reports whether a record of the hub topic belongs to these books.
func (d *directComparison) reads(partition int32, offset int64) bool {
	p := d.parts[partition]
	if p == nil || offset >= p.stop {
		return false
	}
	if offset < p.first {
		d.report.Others.Hub++
		return false
	}
	return true
}

// settle finds up to where the rows are loaded: all that are journaled but for the last
// ones, as many as the accounts say.
func (p *directPart) settle(a *domain.Account) {
	p.loaded = p.next
	journaled, _ := slices.BinarySearchFunc(p.rows, p.next, func(r *hubRow, next int64) int { return int(max(-1, min(1, r.offset-next))) })
	if behind := a.Hub - a.Doris - a.DorisExcluded; behind > 0 {
		p.loaded = p.first
		if n := int64(journaled) - behind; n > 0 {
			p.loaded = p.rows[n].offset
		}
	}
}

func (d *directComparison) compareTable(ctx context.Context, db asked, t *config.Doris) error {
	inTable, err := tablePartitions(ctx, db, t)
	if err != nil {
		return fmt.Errorf("table %s.%s: hub partitions: %w", t.Database, t.Table, err)
	}
	for h := range d.parts {
		if !slices.Contains(inTable, h) {
			inTable = append(inTable, h)
		}
	}
	slices.Sort(inTable)
	for _, h := range inTable {
		part := d.parts[h]
		if part == nil {
			part = &directPart{partition: h, first: math.MaxInt64, stop: math.MaxInt64} // nothing of it is journaled
		}
		end := int64(0)
		if n := len(part.rows); n > 0 {
			end = part.rows[n-1].offset + 1
		}
		w := &directWalk{d: d, part: part, left: part.rows, last: -1}
		if err := readDoris(ctx, db, t, h, end, w.row); err != nil {
			return err
		}
		w.end()
	}
	return nil
}

// directWalk goes through a partition of the hub and its rows in the table, which come in
// the order of their offsets.
type directWalk struct {
	d    *directComparison
	part *directPart
	left []*hubRow
	last int64 // offset of the last row that both have
}

func (w *directWalk) row(r dorisRow) error {
	for len(w.left) > 0 && w.left[0].offset < r.hubOffset {
		w.d.missing(w.part, w.left[0])
		w.left = w.left[1:]
	}
	if len(w.left) > 0 && w.left[0].offset == r.hubOffset {
		w.d.altered(w.left[0], &r)
		w.left, w.last = w.left[1:], r.hubOffset
		return nil
	}
	w.d.unexpected(w.part, &r, w.last)
	return nil
}

// end closes the partition: what the hub has beyond the table's last row.
func (w *directWalk) end() {
	for _, h := range w.left {
		w.d.missing(w.part, h)
	}
}

// unexpected is a row of the table at whose offset the hub was not read, or has no row.
func (d *directComparison) unexpected(p *directPart, r *dorisRow, last int64) {
	others := &d.report.Others
	switch {
	case r.hubOffset < p.first:
		others.Doris++
		return
	case r.hubOffset >= p.stop:
		others.Beyond++
		return
	case r.hubOffset < p.logStart:
		others.Unread++
		return
	}
	d.out.InDoris++
	h := &hubRow{partition: p.partition, offset: r.hubOffset, timestamp: -1, cityPartition: r.cityPartition, cityOffset: r.cityOffset, city: r.city}
	class, detail := domain.Strayed, "the hub has no row at this offset"
	if r.hubOffset == last {
		class, detail = domain.Doubled, "the table has this hub offset more than once"
	}
	d.find(class, h, "", detail)
}

func (d *directComparison) missing(p *directPart, h *hubRow) {
	switch {
	case p.excluded.Contains(h.offset):
		d.out.Excluded++
	case h.offset >= p.loaded:
		d.out.Pending++
	default:
		d.find(domain.Lost, h, "", "the hub has it and the table does not")
	}
}

func (d *directComparison) altered(h *hubRow, r *dorisRow) {
	d.out.InDoris++
	if h.broken != "" {
		d.find(domain.Altered, h, "", "the table has a row, and in the hub "+h.broken)
		return
	}
	for _, col := range []struct {
		name       string
		same       bool
		want, have string
	}{
		{"sscsdm", r.city == h.city, h.city, r.city},
		{"city_partition_id", r.cityPartition == h.cityPartition, shownNumber(h.cityPartition), shownNumber(r.cityPartition)},
		{"city_offset_id", r.cityOffset == h.cityOffset, shownNumber(h.cityOffset), shownNumber(r.cityOffset)},
		{"city_ts", sameMoment(h.cityTime, r.cityTime, d.zone), h.cityTime, r.cityTime},
		{"hw_ts", sameTime(r.hubTime, h.timeText(d.zone)), h.timeText(d.zone), r.hubTime},
		{"extract_time", sameMoment(h.extract, r.extract, d.zone), h.extract, r.extract},
		{"record", r.record == h.record && r.null == h.null, "the hub's text", "another text"},
	} {
		if !col.same {
			d.find(domain.Altered, h, col.name, fmt.Sprintf("should be %s, is %s", shown(col.want), shown(col.have)))
		}
	}
}

func (d *directComparison) find(class domain.Class, h *hubRow, column, detail string) {
	d.report.find(d.out, domain.Finding{
		Class: class, Where: "doris", Source: d.out.Source, City: domain.City(shown(h.city)), Column: column, Detail: detail,
		Row: domain.Lineage{
			City: domain.Coord{Partition: int32(h.cityPartition), Offset: h.cityOffset, Timestamp: -1},
			Hub:  domain.Coord{Partition: h.partition, Offset: h.offset, Timestamp: h.timestamp},
		},
	})
}
