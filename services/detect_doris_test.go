package services_test

import (
	"strings"

	"github.com/hefu-io/hefu/domain"
)

const hubDoris = "hub to Doris"

// inDoris are the faults of the table: a hand in it.
func inDoris() []fault {
	all := []fault{
		{"", "lost", dorisLost},
		{"", "doubled", func(c *chance) ([]string, func()) { return c.copyInDoris() }},
		{"", "masked: one lost, another doubled", dorisMasked},
		{"", "altered: sscsdm", dorisAltered("sscsdm", func(string) string { return "320599" })},
		{"", "altered: extract_time", dorisAltered("extract_time", endsOtherwise)},
		{"", "altered: record", dorisAltered("record", func(s string) string { return strings.Replace(s, "bridge", "bridgf", 1) })},
		{"", "altered: city_partition_id", dorisAltered("city_partition_id", func(string) string { return "9" })},
		{"", "altered: city_offset_id", dorisAltered("city_offset_id", endsOtherwise)},
		{"", "altered: city_ts", dorisAltered("city_ts", endsOtherwise)},
		{"", "altered: hw_ts", dorisAltered("hw_ts", endsOtherwise)},
		{"", "altered: hw_offset_id", func(c *chance) ([]string, func()) { return c.movedInDoris(false) }},
		{"", "altered: hw_partition_id", func(c *chance) ([]string, func()) { return c.movedInDoris(true) }},
		{"", "swapped city coordinates", func(c *chance) ([]string, func()) {
			return c.swappedInDoris("city_partition_id", "city_offset_id")
		}},
		{"", "swapped hub coordinates", func(c *chance) ([]string, func()) {
			return c.swappedInDoris("hw_partition_id", "hw_offset_id")
		}},
		{"", "strayed: behind the end", func(c *chance) ([]string, func()) { return c.strayedInDoris(1000) }},
		{"", "strayed: in a gap", func(c *chance) ([]string, func()) { return c.strayedInDoris(-1) }},
		{"", "strayed: in no partition", dorisNoPartition},
	}
	for i := range all {
		all[i].place = hubDoris
	}
	return all
}

// The columns of the table, in its order.
var tableColumns = []string{"hw_partition_id", "hw_offset_id", "sscsdm", "extract_time", "record", "city_partition_id", "city_offset_id", "city_ts", "hw_ts"}

// cells is a row of the table, by column.
type cells map[string]string

// inTable is a row of the hub as the table has it.
func (c *chance) inTable(r *detectRow) cells {
	c.t.Helper()
	texts, to := make([]string, len(tableColumns)), make([]any, len(tableColumns))
	for i := range texts {
		to[i] = &texts[i]
	}
	q := "SELECT " + strings.Join(tableColumns, ", ") + " FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = ? AND hw_offset_id = ?"
	must(c.t, c.db.QueryRowContext(c.t.Context(), q, r.hub.Partition, r.hub.Offset).Scan(to...))
	out := cells{}
	for i, name := range tableColumns {
		out[name] = texts[i]
	}
	return out
}

func (s *scene) insert(row cells) {
	s.t.Helper()
	var args []any
	for _, name := range tableColumns {
		args = append(args, row[name])
	}
	s.exec("INSERT INTO ods.ODS_QL_JC_SSJC VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", args...)
}

func (s *scene) remove(row cells) {
	s.t.Helper()
	s.exec("DELETE FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = ? AND hw_offset_id = ?", row["hw_partition_id"], row["hw_offset_id"])
}

// change takes a row out of the table and puts others in, and returns how that is undone.
func (s *scene) change(was cells, now ...cells) (undo func()) {
	s.remove(was)
	for _, row := range now {
		s.insert(row)
	}
	return func() {
		for _, row := range now {
			s.remove(row)
		}
		s.remove(was)
		s.insert(was)
	}
}

func (was cells) with(column, value string) cells {
	out := cells{}
	for name, v := range was {
		out[name] = v
	}
	out[column] = value
	return out
}

func dorisLost(c *chance) ([]string, func()) {
	r := c.some(nil)
	return []string{r.finding(domain.Lost, "doris", "")}, c.change(c.inTable(&r))
}

func (c *chance) copyInDoris() ([]string, func()) {
	r := c.some(nil)
	was := c.inTable(&r)
	return []string{r.finding(domain.Doubled, "doris", "")}, c.change(was, was, was)
}

func dorisMasked(c *chance) ([]string, func()) {
	doubled, undo := c.copyInDoris()
	lost, undoLost := dorisLost(c)
	return append(doubled, lost...), func() { undoLost(); undo() }
}

// endsOtherwise is a text with the last bit of its last digit flipped.
func endsOtherwise(text string) string {
	return text[:len(text)-1] + string(text[len(text)-1]^1)
}

func dorisAltered(column string, alter func(string) string) func(*chance) ([]string, func()) {
	return func(c *chance) ([]string, func()) {
		r := c.some(nil)
		was := c.inTable(&r)
		return []string{r.finding(domain.Altered, "doris", column)}, c.change(was, was.with(column, alter(was[column])))
	}
}

// movedInDoris gives a row another place of the hub, where the hub has none: a marker's.
func (c *chance) movedInDoris(partition bool) ([]string, func()) {
	r := c.some(nil)
	at, ok := c.hubMarker(func(h int32) bool { return partition == (h != r.hub.Partition) })
	for range 20 { // a partition may have had one transaction only
		if !ok {
			r = c.some(nil)
			at, ok = c.hubMarker(func(h int32) bool { return partition == (h != r.hub.Partition) })
		}
	}
	if !ok {
		return nil, nil
	}
	was := c.inTable(&r)
	want := []string{r.finding(domain.Altered, "doris", "hw_offset_id")}
	now := was.with("hw_offset_id", decimal(at.Offset))
	if partition {
		now["hw_partition_id"] = decimal(int64(at.Partition))
		want = append(want, r.finding(domain.Altered, "doris", "hw_partition_id"))
	}
	return want, c.change(was, now)
}

func (c *chance) swappedInDoris(columns ...string) ([]string, func()) {
	a := c.some(nil)
	b := c.some(func(r *detectRow) bool { return r.hub != a.hub && r.code == a.code && r.generation == a.generation })
	wasA, wasB := c.inTable(&a), c.inTable(&b)
	nowA, nowB := wasA, wasB
	for _, name := range columns {
		nowA, nowB = nowA.with(name, wasB[name]), nowB.with(name, wasA[name])
	}
	c.remove(wasA)
	c.remove(wasB)
	c.insert(nowA)
	c.insert(nowB)
	lower := a
	if before(&b, &a) {
		lower = b
	}
	return []string{lower.finding(domain.Swapped, "doris", "")}, func() {
		c.remove(wasA)
		c.remove(wasB)
		c.insert(wasA)
		c.insert(wasB)
	}
}

func before(a, b *detectRow) bool {
	return a.hub.Partition < b.hub.Partition || a.hub.Partition == b.hub.Partition && a.hub.Offset < b.hub.Offset
}

// strayedInDoris puts a row where the hub has none: so far behind the end, or in a marker's place.
func (c *chance) strayedInDoris(behind int64) ([]string, func()) {
	at := domain.Coord{Partition: c.r.Int32N(4)}
	if behind > 0 {
		at.Offset = c.get("ODS", at.Partition).end + behind
	} else {
		var ok bool
		if at, ok = c.hubMarker(func(int32) bool { return true }); !ok {
			return nil, nil
		}
	}
	r := detectRow{hub: at, city: domain.Coord{Partition: 5, Offset: 4242}, code: "990000"}
	row := cells{
		"hw_partition_id": decimal(int64(at.Partition)), "hw_offset_id": decimal(at.Offset), "sscsdm": "990000", "extract_time": "2026-11-25 10:00:00.000000",
		"record": "nobody's", "city_partition_id": "5", "city_offset_id": "4242", "city_ts": "2026-11-25 10:00:00.000", "hw_ts": "2026-11-25 10:00:00.000",
	}
	c.insert(row)
	return []string{r.finding(domain.Strayed, "doris", "")}, func() { c.remove(row) }
}

func dorisNoPartition(c *chance) ([]string, func()) {
	r := c.some(nil)
	row := c.inTable(&r).with("hw_partition_id", "40")
	f := domain.Finding{Class: domain.Strayed, Where: "doris"}
	f.Row = domain.Lineage{City: domain.Coord{Partition: -1, Offset: -1}, Hub: domain.Coord{Partition: 40, Offset: r.hub.Offset}}
	c.insert(row)
	return []string{said(&f)}, func() { c.remove(row) }
}
