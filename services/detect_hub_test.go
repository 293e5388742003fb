package services_test

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
)

// fault is one thing that goes wrong in one place: do does it, says what is to be found, and
// how it is undone; nil where there is no place left for it.
type fault struct {
	place string // what is held against what
	name  string
	do    func(*chance) (want []string, undo func())
}

const cityHub = "city to hub"

// inHub are the faults of the hub: they alter what its log says.
func inHub() []fault {
	all := []fault{
		{"", "lost", hubLost},
		{"", "doubled", func(c *chance) ([]string, func()) { return c.again(1, atEnd) }},
		{"", "doubled, among the others", func(c *chance) ([]string, func()) { return c.again(1, inMarker) }},
		{"", "three times", func(c *chance) ([]string, func()) { return c.again(2, atEnd) }},
		{"", "masked: one lost, another doubled", hubMasked},
		{"", "masked: a copy in the place of another", hubCopied},
		{"", "altered: a bit of the record", hubAltered("record", `"record":"((?:[^"\\]|\\.)*)"`, bit)},
		{"", "altered: NULL for the record", hubAltered("record", `"record":("(?:[^"\\]|\\.)*")`, to("null"))},
		{"", "altered: extract_time", hubAltered("extract_time", `"extract_time":"([^"]*)"`, lastDigit)},
		{"", "altered: city_ts", hubAltered("city_ts", `"city_ts":"([^"]*)"`, lastDigit)},
		{"", "altered: the code, to nobody's", hubAltered("sscsdm", `"sscsdm":"([^"]*)"`, to("320599"))},
		{"", "altered: the code, to another city's", hubAltered("sscsdm", `"sscsdm":"([^"]*)"`, otherCode)},
		{"", "altered: the city offset", hubAltered("city_offset_id", `"city_offset_id":(\d+)`, to("40"))},
		{"", "altered: the city offset, to nobody's", hubAltered("city_offset_id", `"city_offset_id":(\d+)`, to("9999999"))},
		{"", "altered: the city partition", hubAltered("city_partition_id", `"city_partition_id":(\d+)`, to("77"))},
		{"", "altered: the hub's timestamp", hubTime},
		{"", "no JSON", hubNoJSON},
		{"", "swapped coordinates", hubSwapped},
		{"", "reordered: two neighbours", func(c *chance) ([]string, func()) { return c.reorder(true) }},
		{"", "reordered: two far from each other", func(c *chance) ([]string, func()) { return c.reorder(false) }},
		{"", "strayed: nobody's city", hubStrayed(`{"sscsdm":"990000","extract_time":"2026-11-25 10:00:00","record":"x","city_partition_id":0,"city_offset_id":7,"city_ts":"2026-11-25 10:00:00"}`, "990000", 0, 7)},
		{"", "strayed: an offset that was never read", hubStrayed(`{"sscsdm":"320100","extract_time":"2026-11-25 10:00:00","record":"x","city_partition_id":0,"city_offset_id":88888888,"city_ts":"2026-11-25 10:00:00"}`, "320100", 0, 88888888)},
		{"", "strayed: no JSON", hubStrayed(`nothing that anybody sent`, "", -1, -1)},
		{"", "of a former generation", func(c *chance) ([]string, func()) { return c.formerAgain(false) }},
		{"", "of a former generation, beyond this one", func(c *chance) ([]string, func()) { return c.formerAgain(true) }},
		{"", "of a former generation, in another's place", hubFormerInPlace},
	}
	for i := range all {
		all[i].place = cityHub
	}
	return all
}

// hubTape is the tape of a row.
func (c *chance) hubTape(r *detectRow) *tape { return c.get("ODS", r.hub.Partition) }

func hubLost(c *chance) ([]string, func()) {
	r := c.some(nil)
	undo := c.play(c.hubTape(&r).alter(c.t, r.hub.Offset, func(*kmsg.Record) bool { return false }))
	return []string{r.finding(domain.Lost, "hub", "")}, undo
}

// Where a row is put that is one too many.
func atEnd(_ *chance, p *tape) int64 { return p.end }

func inMarker(c *chance, p *tape) int64 {
	at, ok := c.marker(p.topic, p.partition)
	if !ok {
		return p.end
	}
	return at
}

// again puts a row into the hub once more.
func (c *chance) again(times int, where func(*chance, *tape) int64) (want []string, undo func()) {
	r := c.some(func(r *detectRow) bool { return r.generation == 2 || r.source != "west" })
	p := c.hubTape(&r)
	for range times {
		at := where(c, p)
		p = p.put(at, r.hubTime, r.value)
		one := r
		one.hub.Offset = at
		want = append(want, one.finding(domain.Doubled, "hub", ""))
	}
	return want, c.play(p)
}

func hubMasked(c *chance) ([]string, func()) {
	want, undo := c.again(1, atEnd)
	r := c.some(func(r *detectRow) bool { return r.hub.Offset < c.hubTape(r).end-1 && r.source == "north" })
	lost := c.play(c.hubTape(&r).alter(c.t, r.hub.Offset, func(*kmsg.Record) bool { return false }))
	return append(want, r.finding(domain.Lost, "hub", "")), func() { lost(); undo() }
}

// hubCopied puts a copy of one row in the place of another.
func hubCopied(c *chance) ([]string, func()) {
	a, b := c.pair(false)
	if c.r.IntN(2) == 0 {
		a, b = b, a
	}
	want := []string{a.finding(domain.Lost, "hub", "")}
	undo := c.value(&a, b.value)
	b.hub = a.hub
	return append(want, b.finding(domain.Doubled, "hub", "")), undo
}

// hubAltered alters what a pattern's group matches in a row of the hub.
func hubAltered(column, pattern string, alter func(*chance, []byte) []byte) func(*chance) ([]string, func()) {
	at := regexp.MustCompile(pattern)
	return func(c *chance) ([]string, func()) {
		r := c.some(func(r *detectRow) bool {
			m := at.FindSubmatch(r.value)
			return !bytes.Equal(alter(c, slices.Clone(m[1])), m[1])
		})
		m := at.FindSubmatchIndex(r.value)
		var now []byte
		now = append(now, r.value[:m[2]]...)
		for bytes.Equal(now, r.value[:m[2]]) || bytes.Equal(now, r.value[:m[3]]) {
			now = append(now[:m[2]], alter(c, slices.Clone(r.value[m[2]:m[3]]))...)
		}
		now = append(now, r.value[m[3]:]...)
		return []string{r.finding(domain.Altered, "hub", column)}, c.value(&r, now)
	}
}

// value gives a row of the hub another value.
func (c *chance) value(r *detectRow, value []byte) (undo func()) {
	return c.play(c.hubTape(r).alter(c.t, r.hub.Offset, func(one *kmsg.Record) bool { one.Value = value; return true }))
}

func to(text string) func(*chance, []byte) []byte {
	return func(*chance, []byte) []byte { return []byte(text) }
}

// bit flips the last bit of one digit.
func bit(c *chance, text []byte) []byte {
	var digits []int
	for i, b := range text {
		if b >= '0' && b <= '9' {
			digits = append(digits, i)
		}
	}
	text[digits[c.r.IntN(len(digits))]] ^= 1
	return text
}

func lastDigit(_ *chance, text []byte) []byte {
	text[len(text)-1] ^= 1
	return text
}

func otherCode(_ *chance, text []byte) []byte {
	if string(text) == "320100" {
		return []byte("320200")
	}
	return []byte("320100")
}

func hubTime(c *chance) ([]string, func()) {
	r := c.some(nil)
	undo := c.play(c.hubTape(&r).alter(c.t, r.hub.Offset, func(one *kmsg.Record) bool { one.TimestampDelta64++; return true }))
	return []string{r.finding(domain.Altered, "hub", "hw_ts")}, undo
}

func hubNoJSON(c *chance) ([]string, func()) {
	r := c.some(nil)
	return []string{r.finding(domain.Altered, "hub", "")}, c.value(&r, []byte(`{"sscsdm":"3201`))
}

// pair picks two rows of one city partition and generation, the lower offset first.
func (c *chance) pair(neighbours bool) (a, b detectRow) {
	for {
		a = c.some(nil)
		b = c.some(func(r *detectRow) bool {
			return r.source == a.source && r.generation == a.generation && r.city.Partition == a.city.Partition && r.city.Offset != a.city.Offset
		})
		if neighbours {
			p := c.was("ODS", a.hub.Partition)
			batch := p.batches[p.batchOf(a.hub.Offset)]
			if c.used[domain.Coord{Partition: a.hub.Partition, Offset: a.hub.Offset + 1}] {
				continue
			}
			if a.hub.Offset+1 >= batch.next {
				continue
			}
			h, list := batch.records(c.t)
			i := slices.IndexFunc(list, func(r kmsg.Record) bool { return h.FirstOffset+int64(r.OffsetDelta) == a.hub.Offset+1 })
			b = c.rowAt(a.hub.Partition, a.hub.Offset+1, h.FirstTimestamp+list[i].TimestampDelta64, list[i].Value)
			if b.source != a.source || b.generation != a.generation || b.city.Partition != a.city.Partition {
				continue
			}
			c.used[b.hub] = true
		}
		if a.city.Offset > b.city.Offset {
			a, b = b, a
		}
		return a, b
	}
}

func hubSwapped(c *chance) ([]string, func()) {
	a, b := c.pair(false)
	coordinates := regexp.MustCompile(`"city_partition_id":\d+,"city_offset_id":\d+`)
	first := c.value(&a, coordinates.ReplaceAll(a.value, coordinates.Find(b.value)))
	second := c.value(&b, coordinates.ReplaceAll(b.value, coordinates.Find(a.value)))
	return []string{a.finding(domain.Swapped, "hub", "")}, func() { second(); first() }
}

// reorder exchanges two rows, and all that they say.
func (c *chance) reorder(neighbours bool) ([]string, func()) {
	a, b := c.pair(neighbours)
	first := c.value(&a, b.value)
	second := c.value(&b, a.value)
	undo := func() { second(); first() }
	want := []string{}
	if neighbours {
		a.hub = b.hub
		return append(want, a.finding(domain.Reordered, "hub", "")), undo
	}
	x, y := a, b // one is far too early, the other far too late
	x.hub, y.hub = b.hub, a.hub
	want = append(want, x.finding(domain.Reordered, "hub", ""), y.finding(domain.Reordered, "hub", ""))
	return want, undo
}

func hubStrayed(value string, code domain.City, partition int32, offset int64) func(*chance) ([]string, func()) {
	return func(c *chance) ([]string, func()) {
		p := c.get("ODS", c.r.Int32N(4))
		at := p.end
		if c.r.IntN(2) == 0 {
			at = inMarker(c, p)
		}
		f := domain.Finding{Class: domain.Strayed, Where: "hub", City: code}
		f.Row = domain.Lineage{City: domain.Coord{Partition: partition, Offset: offset}, Hub: domain.Coord{Partition: p.partition, Offset: at}}
		return []string{said(&f)}, c.play(p.put(at, 1_790_000_000_000, []byte(value)))
	}
}

// gone is a row of the former generation of west, at an offset that the one of now has, or not.
func (c *chance) gone(beyond bool) detectRow {
	return c.some(func(r *detectRow) bool {
		return r.source == "west" && r.generation == 1 && beyond == (r.city.Offset >= c.get("west", r.city.Partition).end)
	})
}

// formerAgain puts a row of the former generation behind those of the one of now.
func (c *chance) formerAgain(beyond bool) ([]string, func()) {
	r := c.gone(beyond)
	p := c.hubTape(&r)
	undo := c.play(p.put(p.end, r.hubTime, r.value))
	r.hub.Offset, r.generation = p.end, 2
	return []string{r.finding(domain.Former, "hub", "")}, undo
}

func hubFormerInPlace(c *chance) ([]string, func()) {
	now := c.some(func(r *detectRow) bool { return r.source == "west" && r.generation == 2 })
	old := c.some(func(r *detectRow) bool {
		return r.source == "west" && r.generation == 1 && r.city.Partition == now.city.Partition && r.city.Offset == now.city.Offset
	})
	undo := c.value(&now, old.value)
	return []string{now.finding(domain.Former, "hub", ""), now.finding(domain.Lost, "hub", "")}, undo
}
