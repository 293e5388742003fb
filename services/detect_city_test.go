package services_test

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
)

const cityJournal = "city to journal"

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// inJournal are the faults of the journal: a city says otherwise than it did when it was read,
// which is what a journal looks like whose mover was wrong.
func inJournal() []fault {
	all := []fault{
		{"", "lost", cityLost},
		{"", "lost: a gap that is no aborted transaction", cityCommitted},
		{"", "strayed", cityStrayed},
		{"", "strayed: of an aborted transaction", cityAborted},
		{"", "masked: one lost, another strayed", func(c *chance) ([]string, func()) {
			lost, undo := cityLost(c)
			strayed, undoStrayed := cityStrayed(c)
			return append(lost, strayed...), func() { undoStrayed(); undo() }
		}},
		{"", "altered: a bit of the record", cityAltered("record", func(c *chance, r *kmsg.Record) { r.Value = bit(c, slices.Clone(r.Value)) })},
		{"", "altered: NULL for the record", cityAltered("record", func(_ *chance, r *kmsg.Record) { r.Value = nil })},
		{"", "altered: city_ts", cityAltered("city_ts", func(_ *chance, r *kmsg.Record) { r.TimestampDelta64++ })},
	}
	for i := range all {
		all[i].place = cityJournal
	}
	return all
}

// ofCity is a row at an offset of a city's partition, as it is now.
func ofCity(p *tape, offset int64) *detectRow {
	r := &detectRow{source: domain.SourceID(p.topic), generation: 1, city: domain.Coord{Partition: p.partition, Offset: offset}}
	r.code = map[string]domain.City{"north": "320100", "south": "320200", "west": "320300"}[p.topic]
	if p.topic == "west" {
		r.generation = 2
	}
	return r
}

// take says whether nothing was done yet to an offset of a city.
func (c *chance) take(p *tape, at int64) bool {
	id := domain.Coord{Partition: p.partition - 10*int32(len(p.topic)) - int32(p.topic[0]), Offset: at}
	if c.used[id] {
		return false
	}
	c.used[id] = true
	return true
}

// inCity picks a row of a city.
func (c *chance) inCity() (*tape, int64) {
	for {
		topic := []string{"north", "south", "west"}[c.r.IntN(3)]
		p := c.was(topic, c.r.Int32N(2))
		if p == nil {
			continue
		}
		if b := p.batches[c.r.IntN(len(p.batches))]; p.data(&b) {
			h, list := b.records(c.t)
			at := h.FirstOffset + int64(list[c.r.IntN(len(list))].OffsetDelta)
			if c.take(p, at) {
				return c.get(topic, p.partition), at
			}
		}
	}
}

// cityLost: the city has a row where the journal has the marker of a transaction.
func cityLost(c *chance) ([]string, func()) {
	p, _ := c.inCity()
	at, ok := c.marker(p.topic, p.partition)
	if !ok || p.inAborted(at) {
		return cityLost(c)
	}
	return []string{ofCity(p, at).finding(domain.Lost, "journal", "")}, c.play(p.put(at, 1_790_000_000_000, []byte("committed")))
}

// inAborted reports whether an offset is of a transaction that was aborted, its marker too.
func (p *tape) inAborted(at int64) bool {
	return slices.ContainsFunc(p.aborted, func(a abortedTxn) bool { return a.first <= at && at <= a.marker })
}

// cityCommitted: a transaction that the journal calls aborted was committed.
func cityCommitted(c *chance) (want []string, undo func()) {
	p := c.get("south", c.r.Int32N(2))
	out := *p
	i := c.r.IntN(len(p.aborted))
	a := p.aborted[i]
	if !c.take(p, a.first) {
		return cityCommitted(c)
	}
	out.aborted = slices.Delete(slices.Clone(p.aborted), i, i+1)
	for _, at := range p.rowsOf(c, a) {
		want = append(want, ofCity(p, at).finding(domain.Lost, "journal", ""))
	}
	return want, c.play(&out)
}

// rowsOf are the offsets of the records of a transaction.
func (p *tape) rowsOf(c *chance, a abortedTxn) (out []int64) {
	for _, b := range p.batches {
		if h := b.header(); b.first >= a.first && b.first < a.marker && h.ProducerID == a.producer && h.Attributes&0x20 == 0 {
			_, list := b.records(c.t)
			for _, r := range list {
				out = append(out, b.first+int64(r.OffsetDelta))
			}
		}
	}
	return out
}

// cityAborted: a transaction that the journal has was aborted.
func cityAborted(c *chance) ([]string, func()) {
	p, at := c.inCity()
	if p.topic == "north" { // thousands of rows
		return cityAborted(c)
	}
	first, marker := p.batchOf(at), p.batchOf(at)
	for first > 0 && p.batches[first-1].header().Attributes&0x20 == 0 {
		first--
	}
	for p.batches[marker].header().Attributes&0x20 == 0 {
		marker++
	}
	h := p.batches[first].header()
	a := abortedTxn{producer: h.ProducerID, first: p.batches[first].first, marker: p.batches[marker].first}
	out := p.alter(c.t, a.marker, func(r *kmsg.Record) bool {
		r.Key = []byte{0, 0, 0, 0} // version 0, abort
		return true
	})
	out.aborted = append(slices.Clone(p.aborted), a)
	var want []string
	for _, at := range p.rowsOf(c, a) {
		c.take(p, at)
		want = append(want, ofCity(p, at).finding(domain.Strayed, "journal", ""))
	}
	return want, c.play(out)
}

// cityStrayed: the city does not have a row of the journal.
func cityStrayed(c *chance) ([]string, func()) {
	p, at := c.inCity()
	undo := c.play(p.alter(c.t, at, func(*kmsg.Record) bool { return false }))
	return []string{ofCity(p, at).finding(domain.Strayed, "journal", "")}, undo
}

func cityAltered(column string, alter func(*chance, *kmsg.Record)) func(*chance) ([]string, func()) {
	return func(c *chance) ([]string, func()) {
		p, at := c.inCity()
		undo := c.play(p.alter(c.t, at, func(r *kmsg.Record) bool { alter(c, r); return true }))
		return []string{ofCity(p, at).finding(domain.Altered, "journal", column)}, undo
	}
}
