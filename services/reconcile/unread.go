package reconcile

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// compareUnread holds the rows of a source whose city is not read against the journal: by
// offsets and by number. What they say is not checked, but for the table, which is held
// against the hub.
func (c *comparison) compareUnread(p *partition) {
	out := p.unit.out
	out.InHub += int64(len(p.hub))
	seen := map[int64]*hubRow{}
	var carried int64
	for _, h := range p.hub {
		before := seen[h.cityOffset]
		switch {
		case h.cityOffset < p.start() || h.cityOffset >= p.account.Next:
			h.extra = true
			c.report.find(out, c.finding(domain.Strayed, "hub", p, h, "the journal has read no row at this offset"))
		case before != nil:
			h.extra = true
			c.report.find(out, c.finding(domain.Doubled, "hub", p, h, fmt.Sprintf("also at %d/%d", before.partition, before.offset)))
		default:
			seen[h.cityOffset] = h
			if !p.skip.Contains(h.cityOffset) {
				carried++
			}
		}
		c.nothingIn(out, p, h)
	}
	out.Excluded += p.account.HubExcluded
	out.Pending += max(0, p.account.Rows-p.account.HubExcluded-max(carried, p.account.Hub))
	if n := p.account.Hub - carried; n > 0 && !c.format.blind {
		f := domain.Finding{Class: domain.Lost, Where: "hub", Source: p.unit.id, City: out.City}
		f.Row.City, f.Row.Hub.Partition = domain.Coord{Partition: p.number, Offset: -1}, -1
		f.Detail = fmt.Sprintf("the journal has %d rows in the hub, and it has %d", p.account.Hub, carried)
		c.report.find(out, f)
		out.Counts[domain.Lost] += n - 1
	}
	c.order(out, p)
}

// sayUnchecked lists what could not be compared, where there are rows of it.
func (c *comparison) sayUnchecked(withDoris bool) {
	var all int64
	for _, u := range c.units {
		rows := u.out.InHub
		if u.unread != "" {
			var journaled int64
			for _, p := range u.parts {
				journaled += p.account.Rows
			}
			rows = max(rows, journaled)
		}
		all += rows
		if rows == 0 {
			continue
		}
		say := func(where, column, why string) {
			c.report.unchecked(Unchecked{Source: u.id, City: u.out.City, Where: where, Column: column, Rows: rows, Why: why})
		}
		if u.unread != "" {
			say("hub", "", u.unread)
		} else if u.text.of == nil && c.format.record != nil {
			say("hub", c.format.record.Name, u.text.why)
		}
		if withDoris && c.format.record == nil && (u.text.of == nil || u.unread != "") {
			say("doris", "record", "the hub does not have it, and the city's was not read: "+u.text.why+u.unread)
		}
		if withDoris && u.unread != "" && c.format.timestamp == nil {
			say("doris", "city_ts", "the hub does not have it as a time of its own type, and "+u.unread)
		}
	}
	for _, name := range c.format.unchecked {
		c.report.unchecked(Unchecked{Where: "hub", Column: name, Rows: all, Why: "it is written in a form that the reconciler does not know"})
	}
	if withDoris && c.format.extract == nil {
		c.report.unchecked(Unchecked{Where: "doris", Column: "extract_time", Rows: all, Why: "the hub does not have it as a time of its own type"})
	}
}
