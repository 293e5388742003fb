package reconcile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// world is one city partition of ten rows, carried to hub partition 3, and on to the
// table, without a fault; a test spoils it.
type world struct {
	part  partition
	table []dorisRow
}

func newWorld() *world {
	zone := time.UTC
	w := &world{part: partition{
		source:  config.Source{ID: "nanjing", City: "320100"},
		account: &domain.Account{Next: 10, Rows: 10, Hub: 10, Doris: 10},
	}}
	for i := range int64(10) {
		city := cityRow{offset: i, timestamp: 1_700_000_000_000 + i, record: hash(fmt.Sprint(i))}
		w.part.rows = append(w.part.rows, city)
		h := &hubRow{
			partition: 3, offset: 100 + i, timestamp: 1_700_000_001_000, cityOffset: i, cityTime: city.timeText(zone), extract: "2023-11-14 22:13:21",
			record: city.record, city: "320100",
		}
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
	out := &CityReport{Counts: map[domain.Class]int64{}}
	c := &comparison{
		zone: time.UTC, report: &Report{}, parts: map[string]map[int32]*partition{"nanjing": {0: &w.part}},
		bySource: map[string]*CityReport{"nanjing": out}, cities: map[string][]string{"320100": {"nanjing"}},
		strays: &CityReport{Counts: map[domain.Class]int64{}},
	}
	c.compareCity(&w.part)
	c.dorisEnd = dorisEnds([]*partition{&w.part})
	d := compareDoris{c: c, last: -1, hub: w.part.hub}
	for _, r := range w.table {
		if err := d.row(r); err != nil {
			t.Fatal(err)
		}
	}
	d.end()
	return out
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
