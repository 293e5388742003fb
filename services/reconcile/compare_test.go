package reconcile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// world is one city partition of ten rows, carried to hub partition 3, and on to the
// table, without a fault; a test spoils it.
type world struct {
	format *hubFormat
	part   partition
	table  []dorisRow
	report Report
}

func newWorld() *world {
	zone := time.UTC
	flink := domain.FlinkFormat()
	w := &world{format: formatOf(&flink), part: partition{
		unit:    &unit{id: "nanjing", city: "320100", text: textOf(domain.SourceFormat{}), out: &CityReport{City: "320100", Counts: map[domain.Class]int64{}}},
		account: &domain.Account{Next: 10, Rows: 10, Hub: 10, Doris: 10},
	}}
	for i := range int64(10) {
		city := cityRow{offset: i, timestamp: 1_700_000_000_000 + i, record: hash(fmt.Sprint(i))}
		w.part.rows = append(w.part.rows, city)
		h := &hubRow{
			partition: 3, offset: 100 + i, timestamp: 1_700_000_001_000, cityOffset: i, cityTime: city.timeText(zone), extract: "2023-11-14 22:13:21",
			record: city.record, city: "320100",
		}
		h.part = &w.part
		w.part.hub = append(w.part.hub, h)
		w.table = append(w.table, dorisRow{
			hubPartition: 3, hubOffset: h.offset, hubTime: h.timeText(zone) + ".000", city: h.city, cityOffset: i, cityTime: h.cityTime, extract: h.extract + ".000000",
			record: h.record,
		})
	}
	return w
}

func (w *world) compare(t *testing.T) *CityReport {
	t.Helper()
	u := w.part.unit
	u.parts = map[int32]*partition{0: &w.part}
	c := &comparison{
		zone: time.UTC, report: &w.report, format: w.format, units: []*unit{u}, cities: map[string][]*unit{u.city: {u}},
		strays: &CityReport{Counts: map[domain.Class]int64{}},
	}
	c.compareCities()
	d := compareDoris{c: c, last: -1, hub: w.part.hub}
	for _, r := range w.table {
		if err := d.row(r); err != nil {
			t.Fatal(err)
		}
	}
	d.end()
	c.sayUnchecked(true)
	w.report.Cities = []CityReport{*u.out}
	w.report.conclude(true)
	return u.out
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name    string
		spoil   func(*world)
		found   map[domain.Class]int64
		pending int64
	}{
		{"nothing", func(*world) {}, nil, 0},
		{"lost in the hub, and so in the table", func(w *world) {
			w.part.hub = slices.Delete(w.part.hub, 4, 5)
			w.table = slices.Delete(w.table, 4, 5)
		}, map[domain.Class]int64{domain.Lost: 1}, 0},
		{"lost at the end, where a row on its way would be", func(w *world) {
			w.part.hub, w.table = w.part.hub[:9], w.table[:9]
		}, map[domain.Class]int64{domain.Lost: 1}, 0},
		{"on its way to the hub", func(w *world) {
			w.part.hub, w.table = w.part.hub[:9], w.table[:9]
			w.part.account.Hub, w.part.account.Doris, w.part.pending = 9, 9, 1
		}, nil, 1},
		{"on its way to the journal", func(w *world) {
			w.part.hub, w.table = w.part.hub[:9], w.table[:9]
			w.part.account.Next, w.part.account.Rows, w.part.account.Hub, w.part.account.Doris = 9, 9, 9, 9
		}, nil, 1},
		{"on its way to the table", func(w *world) { w.table, w.part.account.Doris = w.table[:8], 8 }, nil, 2},
		{"lost in the table, while others are on their way", func(w *world) {
			w.table, w.part.account.Doris = slices.Delete(w.table[:8], 2, 3), 8
		}, map[domain.Class]int64{domain.Lost: 1}, 2},
		{"left out by Doris, while others are on their way", func(w *world) {
			w.table, w.part.account.Doris, w.part.account.DorisExcluded = slices.Delete(w.table[:8], 2, 4), 6, 2
			w.part.without, _ = w.part.without.Add(domain.Span{First: 2, Next: 4})
		}, nil, 2},
		{"lost beside what Doris left out", func(w *world) {
			w.table, w.part.account.Doris, w.part.account.DorisExcluded = slices.Delete(w.table, 2, 5), 8, 2
			w.part.without, _ = w.part.without.Add(domain.Span{First: 2, Next: 4})
		}, map[domain.Class]int64{domain.Lost: 1}, 0},
		{"out of order", func(w *world) {
			a, b := w.part.hub[5], w.part.hub[6]
			a.cityOffset, b.cityOffset = b.cityOffset, a.cityOffset
			a.cityTime, b.cityTime, a.record, b.record = b.cityTime, a.cityTime, b.record, a.record
			for i, h := range []*hubRow{a, b} {
				r := &w.table[5+i]
				r.cityOffset, r.cityTime, r.record = h.cityOffset, h.cityTime, h.record
			}
		}, map[domain.Class]int64{domain.Reordered: 1}, 0},
		{"strayed in the hub and loaded", func(w *world) {
			h := *w.part.hub[9]
			h.offset, h.cityOffset = 110, 77
			w.part.hub = append(w.part.hub, &h)
			r := w.table[9]
			r.hubOffset, r.cityOffset = 110, 77
			w.table = append(w.table, r)
		}, map[domain.Class]int64{domain.Strayed: 1}, 0},
		{"twice in a table that keeps both", func(w *world) { w.table = slices.Insert(w.table, 3, w.table[3]) }, map[domain.Class]int64{domain.Doubled: 1}, 0},
		{"null for nothing", func(w *world) { w.table[3].null, w.table[3].record = true, 0 }, map[domain.Class]int64{domain.Altered: 1}, 0},
		{"not acknowledged by the hub and there all the same", func(w *world) {
			w.part.account.Hub, w.part.account.HubExcluded, w.part.account.Doris = 8, 2, 8
			w.part.skip, _ = w.part.skip.Add(domain.Span{First: 3, Next: 5})
			w.table = slices.Delete(w.table, 3, 5)
		}, nil, 0},
		{"lost in the table, beside what the hub did not acknowledge", func(w *world) {
			w.part.account.Hub, w.part.account.HubExcluded, w.part.account.Doris = 8, 2, 8
			w.part.skip, _ = w.part.skip.Add(domain.Span{First: 3, Next: 5})
			w.table = slices.Delete(w.table, 3, 6)
		}, map[domain.Class]int64{domain.Lost: 1}, 0},
		{"a removed city", func(w *world) { w.part.unit.unread, w.part.rows = "removed", nil }, nil, 0},
		{"a removed city's row lost in the hub, as the journal counts", func(w *world) {
			w.part.unit.unread, w.part.rows = "removed", nil
			w.part.hub, w.table = slices.Delete(w.part.hub, 4, 6), slices.Delete(w.table, 4, 6)
		}, map[domain.Class]int64{domain.Lost: 2}, 0},
		{"a removed city's row from nowhere, and one out of order", func(w *world) {
			w.part.unit.unread, w.part.rows = "removed", nil
			w.part.hub[9].cityOffset = 10
			a, b := w.part.hub[2], w.part.hub[3]
			a.cityOffset, b.cityOffset = b.cityOffset, a.cityOffset
			w.table[2].cityOffset, w.table[3].cityOffset, w.table[9].cityOffset = 3, 2, 10
		}, map[domain.Class]int64{domain.Strayed: 1, domain.Reordered: 1, domain.Lost: 1}, 0},
		{"aborted when its source was read committed", func(w *world) {
			w.part.account.Rows, w.part.account.Hub, w.part.account.Doris = 9, 9, 9
			w.part.account.Gaps = map[domain.Reason]int64{domain.ReasonAborted: 1}
			w.part.rows[4].aborted = true
			w.part.hub, w.table = slices.Delete(w.part.hub, 4, 5), slices.Delete(w.table, 4, 5)
		}, nil, 0},
		{"lost beside one that was aborted", func(w *world) {
			w.part.account.Gaps = map[domain.Reason]int64{domain.ReasonAborted: 1}
			w.part.rows[4].aborted, w.part.rows[5].aborted, w.part.rows[7].aborted = true, true, true
			w.part.hub, w.table = slices.Delete(w.part.hub, 4, 6), slices.Delete(w.table, 4, 6)
		}, map[domain.Class]int64{domain.Lost: 1}, 0},
		{"paused, and the city has gone on", func(w *world) {
			w.part.unit.still = true
			w.part.account.Next, w.part.account.Rows, w.part.account.Hub, w.part.account.Doris = 9, 9, 9, 9
			w.part.hub, w.table = w.part.hub[:9], w.table[:9]
		}, nil, 0},
		{"a column of nothing that has something", func(w *world) {
			w.format.nulls = []string{"more"}
			w.part.hub[3].filled = 1
		}, map[domain.Class]int64{domain.Altered: 1}, 0},
		{"a record that is not read, another one in the table", func(w *world) {
			w.part.unit.text = recordText{why: "json", json: true}
			w.part.rows[3].record, w.table[4].record = 0, 1
		}, map[domain.Class]int64{domain.Altered: 1}, 0},
		{"a city's time altered in the hub and carried on", func(w *world) {
			w.part.hub[3].cityTime = "1999-01-01 00:00:00"
			w.table[3].cityTime = "1999-01-01 00:00:00"
		}, map[domain.Class]int64{domain.Altered: 2}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			c.spoil(w)
			out := w.compare(t)
			for _, class := range []domain.Class{domain.Lost, domain.Doubled, domain.Altered, domain.Strayed, domain.Reordered} {
				if out.Counts[class] != c.found[class] {
					t.Errorf("%d %s, want %d", out.Counts[class], class, c.found[class])
				}
			}
			if out.Pending != c.pending {
				t.Errorf("%d on the way, want %d", out.Pending, c.pending)
			}
		})
	}
}
