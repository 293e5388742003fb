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
	if c.format.blind && p.account != nil && int64(p.journaled()) != p.account.Rows {
		c.report.unchecked(Unchecked{Source: p.unit.id, City: out.City, Where: "hub", Rows: int64(len(p.rows)), Why: whyOther})
		return
	}
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
	c.absent(out, p, missing)
	for _, at := range byOffset {
		for _, i := range at {
			p.hub[i].extra = true
			c.report.find(out, c.finding(domain.Strayed, "hub", p, p.hub[i], "the city has no committed row at this offset"))
		}
	}
	c.order(out, p)
}

// absent says of the rows that a city has and the hub has not what became of them. What lies
// beyond the journal's position, or is the tail that the journal says is still to be carried,
// is on its way; beyond where a source stands still, it is not to be read.
func (c *comparison) absent(out *CityReport, p *partition, missing []*cityRow) {
	pending, carried := p.pending, lastCarried(p)
	aborted := int64(0)
	if p.account != nil {
		aborted = p.account.Gaps[domain.ReasonAborted]
	}
	for i := len(missing) - 1; i >= 0; i-- {
		row := missing[i]
		switch beyond := p.account == nil || row.offset >= p.account.Next; {
		case beyond && p.unit.still:
			out.InCity--
			c.report.Others.NotRead++
			continue
		case beyond:
			out.Pending++
			continue
		case row.aborted && aborted > 0: // a gap, when the source was read committed
			aborted--
			out.InCity--
			continue
		}
		if pending > 0 && row.offset > carried {
			pending--
			out.Pending++
			continue
		}
		f := domain.Finding{Class: domain.Lost, Where: "hub", Source: p.unit.id, City: p.unit.out.City}
		f.Row.City = domain.Coord{Partition: p.number, Offset: row.offset, Timestamp: row.timestamp}
		f.Row.Hub.Partition = -1
		f.Detail = "the city has it and the hub does not"
		c.report.find(out, f)
	}
}

func lastCarried(p *partition) int64 {
	last := int64(-1)
	for i := range p.hub {
		last = max(last, p.hub[i].cityOffset)
	}
	return last
}

// alteredInHub compares what the hub has of a row with what its city has.
func (c *comparison) alteredInHub(out *CityReport, p *partition, row *cityRow, h *hubRow) {
	differs := func(column, want, have string) {
		f := c.finding(domain.Altered, "hub", p, h, fmt.Sprintf("should be %s, is %s", shown(want), shown(have)))
		f.Column = column
		c.report.find(out, f)
	}
	if t := c.format.timestamp; t != nil {
		if want := t.text(row.time(), c.zone); h.cityTime != want {
			differs(t.name, want, h.cityTime)
		}
	}
	if col, text := c.format.record, &p.unit.text; col != nil {
		if text.of != nil && h.record != row.record || !text.json && h.null != row.null {
			differs(col.Name, "the city's text", "another text")
		}
	}
	c.nothingIn(out, p, h)
	// From here on the row is what the city sent: a table that has it as it was sent is
	// right where the hub is wrong.
	h.cityTime = row.timeText(c.zone)
	if p.unit.text.of != nil {
		h.record, h.null = row.record, row.null
	}
}

// nothingIn demands that the columns that carry nothing are NULL.
func (c *comparison) nothingIn(out *CityReport, p *partition, h *hubRow) {
	if h.filled > 0 {
		f := c.finding(domain.Altered, "hub", p, h, "should be NULL, is not")
		f.Column = c.format.nulls[h.filled-1]
		c.report.find(out, f)
	}
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
	f := domain.Finding{Class: class, Where: where, Detail: detail, City: domain.City(shown(h.city))}
	if p != nil {
		f.Source = p.unit.id
	}
	f.Row = domain.Lineage{
		City: domain.Coord{Partition: int32(h.cityPartition), Offset: h.cityOffset, Timestamp: -1},
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
	from int64 // rows before it are of others
}

func (d *compareDoris) row(r dorisRow) error {
	if r.hubOffset < d.from {
		d.c.report.Others.Doris++
		return nil
	}
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
	p := d.c.ofTable(&r)
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
	p := h.part
	out := d.c.city(p)
	if h.unplaced {
		d.c.report.unchecked(Unchecked{Where: "doris", Rows: 1, Why: whyAbsent})
	}
	if h.extra || h.unplaced {
		return // a finding already, or not checked
	}
	// What the hub did not acknowledge may be there all the same, and is carried no further.
	if p != nil && (p.without.Contains(h.cityOffset) || p.skip.Contains(h.cityOffset)) {
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
	out := d.c.city(h.part)
	out.InDoris++
	f := d.c.format
	extract, digits := h.extract, 0
	if f.extract != nil {
		extract, digits = f.extract.wall(h.extract, d.c.zone), f.extract.digits
	}
	cityTime, cityDigits := h.cityTime, 9 // the city's own
	if !h.compared() && f.timestamp != nil {
		cityTime, cityDigits = f.timestamp.wall(h.cityTime, d.c.zone), f.timestamp.digits
	}
	for _, col := range []struct {
		name       string
		same       bool
		want, have string
	}{
		{"sscsdm", h.unplaced || r.city == h.city, h.city, r.city},
		{"city_partition_id", h.unplaced || r.cityPartition == h.cityPartition, shownNumber(h.cityPartition), shownNumber(r.cityPartition)},
		{"city_offset_id", h.unplaced || r.cityOffset == h.cityOffset, shownNumber(h.cityOffset), shownNumber(r.cityOffset)},
		{"city_ts", !d.c.knowsTime(h) || sameTime(cutFraction(r.cityTime, cityDigits), cityTime), cityTime, r.cityTime},
		{"hw_ts", sameTime(r.hubTime, h.timeText(d.c.zone)), h.timeText(d.c.zone), r.hubTime},
		{"extract_time", f.extract == nil || sameTime(cutFraction(r.extract, digits), extract), extract, r.extract},
		{"record", !d.c.knowsRecord(h) || r.record == h.record && r.null == h.null, "the hub's text", "another text"},
	} {
		if !col.same {
			f := d.c.finding(domain.Altered, "doris", h.part, h, fmt.Sprintf("should be %s, is %s", shown(col.want), shown(col.have)))
			f.Column = col.name
			d.c.report.find(out, f)
		}
	}
}

// compared reports whether a row of the hub was compared with its city's.
func (r *hubRow) compared() bool {
	return r.part != nil && r.part.unit.unread == "" && !r.unplaced && !r.extra
}

// knowsTime reports whether the city's time of a row is known, from the city or from the hub.
func (c *comparison) knowsTime(h *hubRow) bool {
	return h.compared() || !h.unplaced && c.format.timestamp != nil
}

// knowsRecord is the same of the record.
func (c *comparison) knowsRecord(h *hubRow) bool {
	return h.compared() && h.part.unit.text.of != nil || c.format.record != nil
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
			if !p.skip.Contains(p.hub[i].cityOffset) {
				offsets = append(offsets, p.hub[i].cityOffset)
			}
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
