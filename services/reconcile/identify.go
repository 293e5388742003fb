package reconcile

import (
	"slices"

	"github.com/hefu-io/hefu/services/pipeline"
)

// Why a row of the hub is not compared with a city, where the hub does not name its row.
const (
	whyLater   = "the hub does not say which city rows they are, and they came after the journal was read"
	whyEarlier = "the hub does not say which city rows they are, and no source that is read has the journal's generation of them"
	whyOther   = "the hub does not say which city rows they are, and the city has not as many rows any more as the journal read"
	whyAbsent  = "the table does not have them; the hub does not say which city rows they are, and so not whether it should by now"
)

// identify finds the partition that a row of the hub comes from: by what it says of itself,
// among several topics of a city by the journal, and by its content where the journal does not
// have it. Nil: from none.
func (c *comparison) identify(r *hubRow) *partition {
	span := c.spanAt(r.partition, r.offset)
	if c.format.blind {
		return c.place(r, span)
	}
	several := c.candidates(r.city, r.cityPartition)
	if len(several) < 2 {
		return first(several)
	}
	for _, p := range several {
		if span != nil && p.account != nil && p.account.PartitionKey == span.Of {
			if row := p.at(r.cityOffset); row != nil {
				row.taken = true
			}
			return p
		}
	}
	return c.byContent(several, r)
}

func first(list []*partition) *partition {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// candidates are the partitions that a city code and a number may mean.
func (c *comparison) candidates(city string, number int64) []*partition {
	var out []*partition
	for _, u := range c.cities[city] {
		if p := u.parts[int32(number)]; p != nil && number == int64(int32(number)) {
			out = append(out, p)
		}
	}
	return out
}

// byContent finds the topic whose row looks like one of the hub; else one that is not read, or
// has the offset at all.
func (c *comparison) byContent(several []*partition, r *hubRow) *partition {
	for _, p := range several {
		row := p.at(r.cityOffset)
		if row != nil && !row.taken && c.alike(p, row, r) {
			row.taken = true
			return p
		}
	}
	for _, p := range several {
		if p.unit.unread != "" {
			return p
		}
	}
	for _, p := range several {
		if p.at(r.cityOffset) != nil {
			return p
		}
	}
	return several[0]
}

func (c *comparison) alike(p *partition, row *cityRow, r *hubRow) bool {
	if t := c.format.timestamp; t != nil && r.cityTime != t.text(row.time(), c.zone) {
		return false
	}
	return c.format.record == nil || p.unit.text.of == nil || r.record == row.record && r.null == row.null
}

// spanAt is what the journal says of an offset of the hub.
func (c *comparison) spanAt(partition int32, offset int64) *pipeline.HubSpan {
	list := c.spans[partition]
	i, there := slices.BinarySearchFunc(list, offset, func(s pipeline.HubSpan, offset int64) int { return int(max(-1, min(1, s.First-offset))) })
	if !there {
		i--
	}
	if i < 0 || offset >= list[i].Next {
		return nil
	}
	return &list[i]
}

// place finds the city row of a row of the hub that does not name it: the journal says which
// one of its partition it is. The city's own order then says its offset.
func (c *comparison) place(r *hubRow, span *pipeline.HubSpan) *partition {
	if span == nil {
		if list := c.spans[r.partition]; len(list) == 0 || r.offset >= list[len(list)-1].Next {
			r.unplaced = true
			c.report.unchecked(Unchecked{Where: "hub", Rows: 1, Why: whyLater})
		}
		return nil
	}
	p := c.byKey[span.Of]
	r.unplaced = true
	row := span.Row + r.offset - span.First
	switch {
	case p == nil:
		c.report.unchecked(Unchecked{Source: span.Of.Source, Where: "hub", Rows: 1, Why: whyEarlier})
	case p.unit.unread != "" || int64(p.journaled()) != p.account.Rows || row >= p.account.Rows: // said of the whole partition
	default:
		r.unplaced, r.city, r.cityPartition, r.cityOffset = false, p.unit.city, int64(p.number), p.rows[row].offset
	}
	return p
}

// ofTable finds the partition that a row of the table says it comes from.
func (c *comparison) ofTable(r *dorisRow) *partition {
	several := c.candidates(r.city, r.cityPartition)
	if span := c.spanAt(r.hubPartition, r.hubOffset); span != nil {
		for _, p := range several {
			if p.account != nil && p.account.PartitionKey == span.Of {
				return p
			}
		}
	}
	return first(several)
}
