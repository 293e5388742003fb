package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// A time of the hub, in any of its forms, is what the table shows of it, rounded to the
// column's digits.
func TestSameMoment(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hub, table string
		same       bool
	}{
		{"2024-05-01 12:00:00", "2024-05-01 12:00:00.000", true},
		{"2024-05-01T12:00:00.12", "2024-05-01 12:00:00.120000", true},
		{"2024-05-01T04:00:00.12Z", "2024-05-01 12:00:00.120", true},
		{"2024-05-01 13:00:00+09:00", "2024-05-01 12:00:00.000", true},
		{"2024-05-01 12:00:00.1236", "2024-05-01 12:00:00.124", true},
		{"2024-05-01 12:00:59.9996", "2024-05-01 12:01:00.000", true},
		{"2024-05-01 12:00:00.1236", "2024-05-01 12:00:00.123", false},
		{"2024-05-01T04:00:00Z", "2024-05-01 04:00:00.000", false},
		{nullText, nullText, true},
		{nullText, "2024-05-01 12:00:00.000", false},
		{"2024-05-01 12:00:00", nullText, false},
		{"noon", "2024-05-01 12:00:00.000", false},
	} {
		if got := sameMoment(c.hub, c.table, zone); got != c.same {
			t.Errorf("%q and %q: %t", c.hub, c.table, got)
		}
	}
}

// The hub's JSON is read by exact names; what is missing is NULL.
func TestHubRowParse(t *testing.T) {
	flink := domain.FlinkFormat()
	format := formatOf(&flink)
	for value, want := range map[string]hubRow{
		`{"sscsdm":"x","city_ts":"a","extract_time":"b","record":"","city_partition_id":1,"city_offset_id":2,"more":{}}`: {
			city: "x", cityTime: "a", extract: "b", record: hash(""), cityPartition: 1, cityOffset: 2,
		},
		`{"SSCSDM":"x","record":null}`: {city: nullText, cityTime: nullText, extract: nullText, null: true, cityPartition: nullNumber, cityOffset: nullNumber},
	} {
		got := hubRow{cityPartition: nullNumber, cityOffset: nullNumber}
		if err := got.parse([]byte(value), format, texts{}); err != nil || got != want {
			t.Errorf("%s: %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "x", "[]", "null", `{"sscsdm":1}`, `{"city_offset_id":"1"}`, `{"city_offset_id":1.5}`} {
		if err := new(hubRow).parse([]byte(value), format, texts{}); err == nil {
			t.Errorf("%s is taken for a row", value)
		}
	}
}

// Rows of the hub before the first one of these books are of others, and so are all of a
// partition that they have nothing of, but for what they are about to carry. Those that
// are carried twice are counted.
func TestRowsOfOthers(t *testing.T) {
	part := &partition{unit: &unit{id: "nanjing", city: "320100"}, account: &domain.Account{Gaps: map[domain.Reason]int64{domain.ReasonStartPolicy: 5}}}
	for _, c := range []struct {
		partition int32
		offset    int64
		part      *partition
		city      int64
		others    bool
		again     int64
	}{
		{3, 9, part, 4, true, 0},
		{3, 9, part, 5, true, 1},
		{3, 9, nil, nullNumber, true, 0},
		{3, 10, part, 5, false, 0},
		{3, 10, part, 4, false, 0},
		{3, 10, nil, nullNumber, false, 0},
		{2, 0, part, 4, true, 0},
		{2, 0, nil, nullNumber, true, 0},
		{2, 0, part, 5, false, 0},
	} {
		cmp := &comparison{report: &Report{}, begins: map[int32]int64{3: 10}, cities: map[string][]*unit{}}
		if c.part != nil {
			cmp.cities["320100"] = []*unit{{parts: map[int32]*partition{0: c.part}}}
		}
		row := &hubRow{partition: c.partition, offset: c.offset, city: "320100", cityOffset: c.city}
		if got := cmp.ofOthers(row); got != c.others || cmp.report.Others.Again != c.again || (cmp.report.Others.Hub == 1) != c.others {
			t.Errorf("%+v: %t, %+v", c, got, cmp.report.Others)
		}
	}
}

// directWorld is ten rows of a partition that is read from offset 10 to 20, and their rows
// in the table.
func directWorld() (*directComparison, *directPart, []dorisRow) {
	d := &directComparison{zone: time.UTC, report: &Report{Direct: true}, out: &CityReport{Source: "hub", Counts: map[domain.Class]int64{}}}
	p := &directPart{partition: 3, first: 10, next: 20, stop: 20}
	var table []dorisRow
	for o := int64(10); o < 20; o++ {
		r := &hubRow{partition: 3, offset: o, timestamp: o, city: nullText, cityTime: nullText, extract: nullText, record: hash(fmt.Sprint(o)), cityPartition: nullNumber, cityOffset: nullNumber}
		p.rows = append(p.rows, r)
		table = append(table, dorisRow{hubPartition: 3, hubOffset: o, hubTime: r.timeText(time.UTC), city: nullText, cityTime: nullText, extract: nullText, record: r.record, cityPartition: nullNumber, cityOffset: nullNumber})
	}
	return d, p, table
}

func TestDirectCompare(t *testing.T) {
	all := domain.Account{Hub: 10, Doris: 10}
	for name, c := range map[string]struct {
		account domain.Account
		spoil   func(*directPart, *[]dorisRow)
		found   map[domain.Class]int64
		pending int64
		exclude int64
		others  Others
	}{
		"nothing":                        {all, func(*directPart, *[]dorisRow) {}, nil, 0, 0, Others{}},
		"lost":                           {all, func(_ *directPart, t *[]dorisRow) { *t = append((*t)[:3:3], (*t)[4:]...) }, map[domain.Class]int64{domain.Lost: 1}, 0, 0, Others{}},
		"on the way":                     {domain.Account{Hub: 10, Doris: 7}, func(_ *directPart, t *[]dorisRow) { *t = (*t)[:7] }, nil, 3, 0, Others{}},
		"lost before what is on the way": {domain.Account{Hub: 10, Doris: 7}, func(_ *directPart, t *[]dorisRow) { *t = (*t)[1:7] }, map[domain.Class]int64{domain.Lost: 1}, 3, 0, Others{}},
		"not journaled yet":              {domain.Account{Hub: 8, Doris: 8}, func(p *directPart, t *[]dorisRow) { p.next = 18; *t = (*t)[:8] }, nil, 2, 0, Others{}},
		"excluded": {domain.Account{Hub: 10, Doris: 8, DorisExcluded: 2}, func(p *directPart, t *[]dorisRow) {
			p.excluded, _ = p.excluded.Add(domain.Span{First: 12, Next: 14})
			*t = append((*t)[:2:2], (*t)[4:]...)
		}, nil, 0, 2, Others{}},
		"of others": {all, func(p *directPart, t *[]dorisRow) {
			*t = append(append([]dorisRow{{hubOffset: 9}}, *t...), dorisRow{hubOffset: 20}, dorisRow{hubOffset: 21})
		}, nil, 0, 0, Others{Doris: 1, Beyond: 2}},
		"gone from the hub": {all, func(p *directPart, t *[]dorisRow) { p.logStart, p.rows = 12, p.rows[2:] }, nil, 0, 0, Others{Unread: 2}},
		"strayed":           {all, func(p *directPart, t *[]dorisRow) { p.rows = append(p.rows[:5:5], p.rows[6:]...) }, map[domain.Class]int64{domain.Strayed: 1}, 0, 0, Others{}},
		"twice":             {all, func(_ *directPart, t *[]dorisRow) { *t = append((*t)[:4:4], (*t)[3:]...) }, map[domain.Class]int64{domain.Doubled: 1}, 0, 0, Others{}},
		"altered": {all, func(_ *directPart, t *[]dorisRow) {
			(*t)[0].city, (*t)[1].cityOffset, (*t)[2].hubTime = "x", 0, "2001-01-01 00:00:00.000"
			(*t)[3].cityTime, (*t)[4].extract, (*t)[5].record, (*t)[6].null, (*t)[7].cityPartition = "2001-01-01 00:00:00.000", "2001-01-01 00:00:00.000", 0, true, 0
		}, map[domain.Class]int64{domain.Altered: 8}, 0, 0, Others{}},
		"of what is no row": {all, func(p *directPart, _ *[]dorisRow) { p.rows[0].broken = "it is no JSON object" }, map[domain.Class]int64{domain.Altered: 1}, 0, 0, Others{}},
	} {
		t.Run(name, func(t *testing.T) {
			d, p, table := directWorld()
			c.spoil(p, &table)
			p.settle(&c.account)
			w := &directWalk{d: d, part: p, left: p.rows, last: -1}
			for i := range table {
				if err := w.row(table[i]); err != nil {
					t.Fatal(err)
				}
			}
			w.end()
			for _, class := range []domain.Class{domain.Lost, domain.Doubled, domain.Altered, domain.Strayed} {
				if d.out.Counts[class] != c.found[class] {
					t.Errorf("%d %s, want %d", d.out.Counts[class], class, c.found[class])
				}
			}
			if d.out.Pending != c.pending || d.out.Excluded != c.exclude || d.report.Others != c.others {
				t.Errorf("%d on the way, %d excluded, others %+v", d.out.Pending, d.out.Excluded, d.report.Others)
			}
		})
	}
}
