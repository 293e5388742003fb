package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// compareCity checks that each committed city row is in the hub once, unaltered and in
// order. Only the tail that the journal calls pending may be missing.
func (c *comparison) compareCity(p *partition) {
	out := c.city(p)
	out.InCity += int64(len(p.rows))
	out.InHub += int64(len(p.hub))
	byOffset := map[int64][]int{}
	for i := range p.hub {
		byOffset[p.hub[i].cityOffset] = append(byOffset[p.hub[i].cityOffset], i)
	}
	var missing []*cityRow
	for i := range p.rows {
		row := &p.rows[i]
		at := byOffset[row.offset]
		delete(byOffset, row.offset)
		switch {
		case len(at) == 0 && p.skip.Contains(row.offset):
			out.Excluded++
		case len(at) == 0:
			missing = append(missing, row)
		default:
			c.alteredInHub(out, p, row, p.hub[at[0]])
			for _, again := range at[1:] {
				p.hub[again].extra = true
				c.report.find(out, c.finding(domain.Doubled, "hub", p, p.hub[again], fmt.Sprintf("also at %d/%d", p.hub[at[0]].partition, p.hub[at[0]].offset)))
			}
		}
	}
	// What is missing beyond the journal's position, or is the tail that the journal
	// says is still to be carried, is on its way.
	pending, carried := p.pending, lastCarried(p)
	for i := len(missing) - 1; i >= 0; i-- {
		row := missing[i]
		if p.account == nil || row.offset >= p.account.Next {
			out.Pending++
			continue
		}
		if pending > 0 && row.offset > carried {
			pending--
			out.Pending++
			continue
		}
		f := domain.Finding{Class: domain.Lost, Where: "hub", Source: domain.SourceID(p.source.ID), City: domain.City(p.source.City)}
		f.Row.City = domain.Coord{Partition: c.partitionOf(p), Offset: row.offset, Timestamp: row.timestamp}
		f.Row.Hub.Partition = -1
		f.Detail = "the city has it and the hub does not"
		c.report.find(out, f)
	}
	for _, at := range byOffset {
		for _, i := range at {
			p.hub[i].extra = true
			c.report.find(out, c.finding(domain.Strayed, "hub", p, p.hub[i], "the city has no committed row at this offset"))
		}
	}
	c.order(out, p)
}

func lastCarried(p *partition) int64 {
	last := int64(-1)
	for i := range p.hub {
		last = max(last, p.hub[i].cityOffset)
	}
	return last
}

func (c *comparison) alteredInHub(out *CityReport, p *partition, row *cityRow, h *hubRow) {
	for _, col := range []struct {
		name       string
		same       bool
		want, have string
	}{
		{"sscsdm", h.city == p.source.City, p.source.City, h.city},
		{"city_ts", h.cityTime == row.timeText(c.zone), row.timeText(c.zone), h.cityTime},
		{"record", h.record == row.record && h.null == row.null, "the city's text", "another text"},
	} {
		if !col.same {
			f := c.finding(domain.Altered, "hub", p, h, fmt.Sprintf("should be %s, is %s", col.want, col.have))
			f.Column = col.name
			c.report.find(out, f)
		}
	}
	// From here on the row is what the city sent: a table that has it as it was sent is
	// right where the hub is wrong.
	h.city, h.cityTime, h.record, h.null = p.source.City, row.timeText(c.zone), row.record, row.null
}

// order demands that city offsets rise with hub offsets inside one hub partition.
func (c *comparison) order(out *CityReport, p *partition) {
	last := map[int32]int64{}
	for i := range p.hub {
		h := p.hub[i]
		if h.extra {
			continue
		}
		if before, seen := last[h.partition]; seen && h.cityOffset < before {
			c.report.find(out, c.finding(domain.Reordered, "hub", p, h, fmt.Sprintf("comes after city offset %d", before)))
		}
		last[h.partition] = max(last[h.partition], h.cityOffset)
	}
}

func (c *comparison) finding(class domain.Class, where string, p *partition, h *hubRow, detail string) domain.Finding {
	f := domain.Finding{Class: class, Where: where, Detail: detail, City: domain.City(h.city)}
	if p != nil {
		f.Source = domain.SourceID(p.source.ID)
	}
	f.Row = domain.Lineage{
		City: domain.Coord{Partition: h.cityPartition, Offset: h.cityOffset, Timestamp: -1},
		Hub:  domain.Coord{Partition: h.partition, Offset: h.offset, Timestamp: h.timestamp},
	}
	return f
}

// compareDoris checks one hub partition against the table: rows come in the order of
// the hub's offsets.
type compareDoris struct {
	c    *comparison
	hub  []*hubRow // of the partition, by offset
	next int
	last int64
}

func (d *compareDoris) row(r dorisRow) error {
	for d.next < len(d.hub) && d.hub[d.next].offset < r.hubOffset {
		d.missing(d.hub[d.next])
		d.next++
	}
	if d.next < len(d.hub) && d.hub[d.next].offset == r.hubOffset {
		d.altered(d.hub[d.next], &r)
		d.next++
		d.last = r.hubOffset
		return nil
	}
	h := &hubRow{partition: r.hubPartition, offset: r.hubOffset, timestamp: -1, cityPartition: r.cityPartition, cityOffset: r.cityOffset, city: r.city}
	p := d.c.byCity(r.city, r.cityPartition)
	class, detail := domain.Strayed, "the hub has no row at this offset"
	if r.hubOffset == d.last {
		class, detail = domain.Doubled, "the table has this hub offset more than once"
	}
	d.c.report.find(d.c.city(p), d.c.finding(class, "doris", p, h, detail))
	d.c.city(p).InDoris++
	return nil
}

// end closes the partition: what the hub has beyond the table's last row.
func (d *compareDoris) end() {
	for ; d.next < len(d.hub); d.next++ {
		d.missing(d.hub[d.next])
	}
}

func (d *compareDoris) missing(h *hubRow) {
	p := d.c.byCity(h.city, h.cityPartition)
	out := d.c.city(p)
	if h.extra {
		return // a finding already
	}
	if p != nil && p.without.Contains(h.cityOffset) {
		out.Excluded++
		return
	}
	if p != nil && h.cityOffset > d.c.dorisEnd[p] {
		out.Pending++ // beyond what the journal says is loaded
		return
	}
	d.c.report.find(out, d.c.finding(domain.Lost, "doris", p, h, "the hub has it and the table does not"))
}

func (d *compareDoris) altered(h *hubRow, r *dorisRow) {
	p := d.c.byCity(h.city, h.cityPartition)
	out := d.c.city(p)
	out.InDoris++
	for _, col := range []struct {
		name       string
		same       bool
		want, have string
	}{
		{"sscsdm", r.city == h.city, h.city, r.city},
		{"city_partition_id", r.cityPartition == h.cityPartition, fmt.Sprint(h.cityPartition), fmt.Sprint(r.cityPartition)},
		{"city_offset_id", r.cityOffset == h.cityOffset, fmt.Sprint(h.cityOffset), fmt.Sprint(r.cityOffset)},
		{"city_ts", sameTime(r.cityTime, h.cityTime), h.cityTime, r.cityTime},
		{"hw_ts", sameTime(r.hubTime, h.timeText(d.c.zone)), h.timeText(d.c.zone), r.hubTime},
		{"extract_time", sameTime(r.extract, h.extract), h.extract, r.extract},
		{"record", r.record == h.record && r.null == h.null, "the hub's text", "another text"},
	} {
		if !col.same {
			f := d.c.finding(domain.Altered, "doris", p, h, fmt.Sprintf("should be %s, is %s", col.want, col.have))
			f.Column = col.name
			d.c.report.find(out, f)
		}
	}
}

// dorisEnds is, for each city partition, the city offset up to which the journal says
// that the table has its rows: all but the last Hub - Doris of the rows in the hub.
func dorisEnds(parts []*partition) map[*partition]int64 {
	ends := map[*partition]int64{}
	for _, p := range parts {
		ends[p] = int64(1)<<62 - 1
		if p.account == nil {
			continue
		}
		behind := p.account.Hub - p.account.Doris - p.account.DorisExcluded
		offsets := make([]int64, 0, len(p.hub))
		for i := range p.hub {
			offsets = append(offsets, p.hub[i].cityOffset)
		}
		slices.Sort(offsets)
		offsets = slices.Compact(offsets)
		// Rows that came into the hub after the accounts were drawn up are behind, too.
		behind += int64(len(offsets)) - p.account.Hub
		if n := int64(len(offsets)) - behind; behind > 0 && n > 0 {
			ends[p] = offsets[n-1]
		} else if behind > 0 {
			ends[p] = -1
		}
	}
	return ends
}

func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("timezone %s: %w", name, err)
	}
	return zone, nil
}
