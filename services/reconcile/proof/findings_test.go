package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// short is a search in a small world: what was done to the right side, and what is found.
type short struct {
	*hurt
	w *world
	s *proof.Search
}

func newShort(l leg) *short {
	w := newWorld(5000)
	s, right := l.search(w)
	return &short{&hurt{l, right, nil}, w, s}
}

// find gives the findings with their details.
func (x *short) find(t *testing.T) (out []string) {
	t.Helper()
	for _, in := range slices.Backward(x.w.windows(x.of)) {
		if _, err := x.s.Look(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	found, more, err := x.s.Findings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		column := string(f.Class)
		if f.Column != "" {
			column += " " + f.Column
		}
		out = append(out, fmt.Sprintf("%s at city %s hub %s: %s", column, f.Row.City, f.Row.Hub, f.Detail))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	if again, _, _ := x.s.Findings(t.Context()); len(again) > 0 {
		t.Errorf("found again: %v", again)
	}
	return out
}

const (
	toHub   = 0
	toDoris = 1
)

// TestFindings are the sentences, class by class.
func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		leg  int
		do   func(*short)
		want []string
	}{
		"lost": {toDoris, func(x *short) { x.removed[spot{0, 7}] = true }, []string{
			"lost at city 0/7 hub 0/14: the hub has it and the table does not",
		}},
		"three times": {toDoris, func(x *short) { x.copyOf(0, 7); x.copyOf(0, 7) }, []string{
			"doubled at city 0/7 hub 0/14: the table has these coordinates more than once, 2 times",
		}},
		"three times in the hub": {toHub, func(x *short) {
			for _, at := range []int64{1998, 3998} {
				r := x.w.row(0, 7, current)
				moveTo(&r, domain.Coord{Offset: at})
				x.added = append(x.added, r)
			}
		}, []string{
			"doubled at city 0/7 hub 0/1998: it is also at hub 0/14",
			"doubled at city 0/7 hub 0/3998: it is also at hub 0/14",
		}},
		"a copy that is altered": {toDoris, func(x *short) {
			r := x.w.row(0, 7, current)
			r.Text[proof.Record] = "secret"
			x.added = append(x.added, r)
		}, []string{
			"doubled at city 0/7 hub 0/14: the table has these coordinates more than once, and this one is altered: record",
		}},
		"altered in two columns": {toDoris, func(x *short) {
			x.put(0, 7, func(r *proof.Row) { r.Text[proof.City], r.Text[proof.HubTime] = "no code", "" })
		}, []string{
			"altered hw_ts at city 0/7 hub 0/14: should be 2024-05-01 00:00:00.000, is \"\"",
			"altered sscsdm at city 0/7 hub 0/14: should be 320100, is no code",
		}},
		"the record is not told": {toHub, func(x *short) {
			x.put(0, 17, func(r *proof.Row) { r.Text[proof.Record], r.Null = "secret", 0 })
		}, []string{
			"altered record at city 0/17 hub 0/34: should be the city's text (NULL), is another text (sha256 2bb80d537b1da3e3)",
		}},
		"long and strange": {toDoris, func(x *short) {
			x.put(0, 7, func(r *proof.Row) { r.Text[proof.City] = strings.Repeat("\x00", 99) })
		}, []string{
			"altered sscsdm at city 0/7 hub 0/14: should be 320100, is \"" + strings.Repeat(`\x00`, 64) + `"…`,
		}},
		"swapped": {toDoris, func(x *short) { x.swap(0, 7, 0, 20) }, []string{
			"swapped at city 0/7 hub 0/14: this row (city 0/7, hub 0/14) and another (city 0/20, hub 0/40) have each other's coordinates",
		}},
		"swapped between cities": {toHub, func(x *short) { x.swap(0, 7, 2, 20) }, []string{
			"swapped at city 0/7 hub 0/41: this row (city 0/7, hub 0/41) and another (city 0/20, hub 0/14) have each other's coordinates; the other one is of suzhou",
		}},
		"exchanged between hub partitions": {toHub, func(x *short) {
			x.put(0, 7, func(r *proof.Row) { moveTo(r, x.hub(1, 7)) })
			x.put(1, 7, func(r *proof.Row) { moveTo(r, x.hub(0, 7)) })
		}, []string{
			"swapped at city 0/7 hub 1/14: this row (city 0/7, hub 1/14) and another (city 1/7, hub 0/14) have each other's coordinates",
		}},
		"moved back, and others up": {toHub, func(x *short) {
			x.put(0, 7, func(r *proof.Row) { moveTo(r, x.hub(0, 10)) })
			for o := int64(8); o <= 10; o++ {
				x.put(0, o, func(r *proof.Row) { moveTo(r, x.hub(0, o-1)) })
			}
		}, []string{
			"reordered at city 0/7 hub 0/20: it should be at hub 0/14 and is at 0/20, out of the order of its city",
		}},
		"two exchanged between two that are": {toHub, func(x *short) {
			for _, pair := range [][2]int64{{7, 50}, {20, 21}} {
				x.put(0, pair[0], func(r *proof.Row) { moveTo(r, x.hub(0, pair[1])) })
				x.put(0, pair[1], func(r *proof.Row) { moveTo(r, x.hub(0, pair[0])) })
			}
		}, []string{
			"reordered at city 0/7 hub 0/100: it should be at hub 0/14 and is at 0/100, out of the order of its city",
			"reordered at city 0/20 hub 0/42: it should be at hub 0/40 and is at 0/42, out of the order of its city",
			"reordered at city 0/50 hub 0/14: it should be at hub 0/100 and is at 0/14, out of the order of its city",
		}},
		"elsewhere in the hub, in order": {toHub, func(x *short) {
			x.put(0, 998, func(r *proof.Row) { moveTo(r, domain.Coord{Offset: 1999}) })
		}, []string{
			"altered hw_offset_id at city 0/998 hub 0/1999: should be 1996, is 1999",
		}},
		"reordered with a time of nobody's": {toHub, func(x *short) {
			x.put(0, 7, func(r *proof.Row) { moveTo(r, x.hub(0, 8)); r.Text[proof.HubTime] = "now" })
			x.put(0, 8, func(r *proof.Row) { moveTo(r, x.hub(0, 7)) })
		}, []string{
			"altered hw_ts at city 0/7 hub 0/16: should be 2024-05-01 00:00:00.000, is now",
			"reordered at city 0/7 hub 0/16: it should be at hub 0/14 and is at 0/16, out of the order of its city",
		}},
		"reordered with the times of the places": {toHub, func(x *short) {
			x.exchange(0, 249, 0, 250, proof.HubPartition, proof.HubOffset, proof.HubTime)
			x.added[0].Hub, x.added[1].Hub = x.added[1].Hub, x.added[0].Hub
		}, []string{
			"reordered at city 0/249 hub 0/500: it should be at hub 0/498 and is at 0/500, out of the order of its city",
		}},
		"in each other's window": {toDoris, func(x *short) { // a row moved onto the place of one that is lost
			x.removed[spot{0, 20}] = true
			x.put(0, 7, func(r *proof.Row) { moveTo(r, x.hub(0, 20)) })
		}, []string{
			"altered hw_offset_id at city 0/7 hub 0/14: should be 14, is 40",
			"lost at city 0/20 hub 0/40: the hub has it and the table does not",
		}},
		"each moved onto the next": {toDoris, func(x *short) {
			x.removed[spot{0, 22}] = true
			x.put(0, 21, func(r *proof.Row) { moveTo(r, x.hub(0, 22)) })
			x.put(0, 20, func(r *proof.Row) { moveTo(r, x.hub(0, 21)) })
		}, []string{
			"altered hw_offset_id at city 0/20 hub 0/40: should be 40, is 42",
			"altered hw_offset_id at city 0/21 hub 0/42: should be 42, is 44",
			"lost at city 0/22 hub 0/44: the hub has it and the table does not",
		}},
		"each moved onto the one before": {toDoris, func(x *short) {
			x.removed[spot{0, 20}] = true
			x.put(0, 21, func(r *proof.Row) { moveTo(r, x.hub(0, 20)) })
			x.put(0, 22, func(r *proof.Row) { moveTo(r, x.hub(0, 21)) })
		}, []string{
			"lost at city 0/20 hub 0/40: the hub has it and the table does not",
			"altered hw_offset_id at city 0/21 hub 0/42: should be 42, is 40",
			"altered hw_offset_id at city 0/22 hub 0/44: should be 44, is 42",
		}},
		"moved, and there twice": {toDoris, func(x *short) {
			x.put(0, 7, func(r *proof.Row) { moveTo(r, domain.Coord{Offset: 1998}) })
			x.put(0, 7, func(r *proof.Row) { moveTo(r, domain.Coord{Offset: 3998}) })
		}, []string{
			"altered hw_offset_id at city 0/7 hub 0/14: should be 14, is 1998",
			"strayed at city 0/7 hub 0/3998: the hub has no row with these coordinates",
		}},
		"half of a swap": {toDoris, func(x *short) {
			x.swap(0, 7, 0, 20)
			x.added[0].Text[proof.Record] = "secret"
		}, []string{
			"altered city_offset_id at city 0/7 hub 0/14: should be 7, is 20",
			"altered city_ts at city 0/7 hub 0/14: should be 2024-05-01 00:00:00.051, is 2024-05-01 00:00:00.142",
			"altered record at city 0/7 hub 0/14: should be the hub's text (sha256 2fa13d21c71e07cd), is another text (sha256 d68747dd73feab0a)",
			"altered city_offset_id at city 0/20 hub 0/40: should be 20, is 7",
			"altered city_ts at city 0/20 hub 0/40: should be 2024-05-01 00:00:00.142, is 2024-05-01 00:00:00.051",
			"altered record at city 0/20 hub 0/40: should be the hub's text (sha256 d68747dd73feab0a), is another text (sha256 2bb80d537b1da3e3)",
		}},
		"a swap with times of nobody's": {toDoris, func(x *short) {
			x.swap(0, 7, 0, 1020)
			x.added[0].Text[proof.HubTime], x.added[1].Text[proof.HubTime] = "then", "now"
		}, []string{
			"altered hw_ts at city 0/7 hub 0/14: should be 2024-05-01 00:00:00.000, is now",
			"swapped at city 0/7 hub 0/14: this row (city 0/7, hub 0/14) and another (city 0/1020, hub 0/2040) have each other's coordinates",
			"altered hw_ts at city 0/1020 hub 0/2040: should be 2024-05-01 00:00:04.000, is then",
		}},
		"three with each other's city coordinates": {toDoris, func(x *short) {
			for o := int64(7); o < 10; o++ {
				from := x.w.row(0, 7+(o-6)%3, current)
				x.put(0, o, func(r *proof.Row) {
					r.Text[proof.CityOffset], r.Text[proof.CityTime] = from.Text[proof.CityOffset], from.Text[proof.CityTime]
				})
			}
		}, []string{
			"altered city_offset_id at city 0/7 hub 0/14: should be 7, is 8",
			"altered city_ts at city 0/7 hub 0/14: should be 2024-05-01 00:00:00.051, is 2024-05-01 00:00:00.058",
			"altered city_offset_id at city 0/8 hub 0/16: should be 8, is 9",
			"altered city_ts at city 0/8 hub 0/16: should be 2024-05-01 00:00:00.058, is 2024-05-01 00:00:00.065",
			"altered city_offset_id at city 0/9 hub 0/18: should be 9, is 7",
			"altered city_ts at city 0/9 hub 0/18: should be 2024-05-01 00:00:00.065, is 2024-05-01 00:00:00.051",
		}},
		"one copy nearer than the other": {toHub, func(x *short) {
			x.put(0, 7, func(r *proof.Row) {
				r.Text[proof.ExtractTime], r.Text[proof.CityTime] = "then", "there"
				moveTo(r, domain.Coord{Offset: 1998})
			})
			x.put(0, 7, func(r *proof.Row) { r.Text[proof.ExtractTime] = "then" })
		}, []string{
			"altered extract_time at city 0/7 hub 0/14: should be 2024-05-01 00:00:00.002000, is then",
			"doubled at city 0/7 hub 0/1998: it is also at hub 0/14, and this one is altered: city_ts, extract_time",
		}},
		"of nobody's city": {toHub, func(x *short) {
			r := x.w.row(0, 999, current)
			r.Text[proof.City], r.Text[proof.CityPartition] = "320999", "12"
			x.s.Outside(x.of, r)
		}, []string{
			"strayed at city 12/999 hub 0/1998: the journal has no row with these coordinates",
		}},
		"another row at the place of one that is lost": {toHub, func(x *short) {
			x.removed[spot{0, 7}] = true
			r := x.w.row(0, 999, current)
			r.Text[proof.Record], r.Text[proof.HubTime], r.Text[proof.ExtractTime] = "else", "then", "there"
			moveTo(&r, x.hub(0, 7))
			x.added = append(x.added, r)
		}, []string{
			"lost at city 0/7 hub 0/14: the journal has it and the hub does not",
			"strayed at city 0/999 hub 0/14: the journal has no row with these coordinates",
		}},
		"strayed": {toHub, func(x *short) { x.added = append(x.added, x.w.row(0, 999, current)) }, []string{
			"strayed at city 0/999 hub 0/1998: the journal has no row with these coordinates",
		}},
		"former": {toHub, func(x *short) {
			r := x.w.row(0, 7, current-1)
			r.Generation = 0
			moveTo(&r, domain.Coord{Offset: 1998})
			x.added = append(x.added, r)
		}, []string{
			"former at city 0/7 hub 0/1998: it is of generation 1 of the source partition",
		}},
	} {
		x := newShort(legs()[c.leg])
		c.do(x)
		if diff := cmp.Diff(c.want, x.find(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
