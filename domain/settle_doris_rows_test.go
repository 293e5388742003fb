package domain_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

// loaded is a load of ten rows: two cities, two partitions, one offset left out.
func loaded() domain.RowTally {
	t := domain.RowTally{}
	for o := range int64(5) {
		t.Add(domain.RowGroup{HubPartition: 1, City: "320100", CityPartition: 0}, 100+o, 7+o)
		t.Add(domain.RowGroup{HubPartition: 3, City: "320200", CityPartition: 1}, 9+2*o, math.MaxInt64-o)
	}
	return t
}

func TestRowsDecide(t *testing.T) {
	one, other := domain.RowGroup{HubPartition: 1, City: "320100"}, domain.RowGroup{HubPartition: 3, City: "320200", CityPartition: 1}
	if got, _ := domain.RowsDecide(loaded(), loaded()); got != domain.DorisDone {
		t.Errorf("all rows: %v", got)
	}
	if got, differ := domain.RowsDecide(loaded(), nil); got != domain.DorisAbort || len(differ) != 0 {
		t.Errorf("no row: %v", got)
	}
	changed := func(g domain.RowGroup, change func(*domain.RowSums)) domain.RowTally {
		there := loaded()
		s := there[g]
		change(&s)
		there[g] = s
		return there
	}
	for name, c := range map[string]struct {
		there domain.RowTally
		says  []string
	}{
		"one is missing": {changed(one, func(s *domain.RowSums) { s.Rows--; s.Distinct-- }), []string{"4 rows instead of 5"}},
		"one is twice":   {changed(other, func(s *domain.RowSums) { s.Rows++ }), []string{"6 rows instead of 5, of which 5 are different ones"}},
		"one is twice, another missing": {changed(one, func(s *domain.RowSums) { s.Distinct-- }), []string{
			"5 rows instead of 5, of which 4 are different ones, hub offsets add up to 510 instead of 510, city offsets to 45 instead of 45",
		}},
		"another hub offset": {changed(one, func(s *domain.RowSums) { s.Hub = s.Hub.Add(-1) }), []string{
			"5 rows instead of 5, hub offsets add up to 509 instead of 510, city offsets to 45 instead of 45",
		}},
		"another city offset": {changed(other, func(s *domain.RowSums) { s.City = s.City.Add(1) }), []string{
			"hub offsets add up to 65 instead of 65, city offsets to 46116860184273879026 instead of 46116860184273879025",
		}},
		"a group too few": {func() domain.RowTally { there := loaded(); delete(there, one); return there }(), []string{"0 rows instead of 5"}},
		"a group too many": {func() domain.RowTally {
			there := loaded()
			there.Add(domain.RowGroup{HubPartition: 3, CityPartition: -1}, 11, 0)
			return there
		}(), []string{"1 rows instead of 0"}},
		"other rows only": {domain.RowTally{{HubPartition: 1, City: "999999"}: {Rows: 1, Distinct: 1}}, []string{
			"0 rows instead of 5", "1 rows instead of 0", "0 rows instead of 5",
		}},
	} {
		got, differ := domain.RowsDecide(loaded(), c.there)
		if got != domain.DorisIncidents || len(differ) != len(c.says) {
			t.Errorf("%s: %v, %v", name, got, differ)
			continue
		}
		for i, d := range differ {
			if !strings.Contains(d.String(), c.says[i]) {
				t.Errorf("%s: %q, want %q", name, d, c.says[i])
			}
			if i > 0 && fmt.Sprint(differ[i-1].Group) >= fmt.Sprint(d.Group) {
				t.Errorf("%s: %v comes after %v", name, d.Group, differ[i-1].Group)
			}
		}
	}
	if rows, distinct := changed(one, func(s *domain.RowSums) { s.Rows += 2 }).Totals(); rows != 12 || distinct != 10 {
		t.Errorf("totals are %d and %d", rows, distinct)
	}
}

// Whatever rows are taken away, doubled or moved, they are not taken for the load; and
// the order in which rows are counted does not matter.
func TestRowsDecideAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type row struct{ hub, city int64 }
		n := rapid.IntRange(1, 20).Draw(t, "rows")
		first := rapid.Int64Range(0, math.MaxInt64-100).Draw(t, "first")
		g := domain.RowGroup{HubPartition: 1, City: "c"}
		var rows []row
		for i := range n {
			rows = append(rows, row{first + int64(i), rapid.Int64Range(0, math.MaxInt64).Draw(t, "city")})
		}
		tally := func(rows []row) domain.RowTally {
			out, seen := domain.RowTally{}, map[int64]bool{}
			for _, r := range rows {
				out.Add(g, r.hub, r.city)
				if seen[r.hub] {
					s := out[g]
					s.Distinct--
					out[g] = s
				}
				seen[r.hub] = true
			}
			return out
		}
		want := tally(rows)
		if got, _ := domain.RowsDecide(want, tally(rapid.Permutation(rows).Draw(t, "order"))); got != domain.DorisDone {
			t.Fatalf("the same rows: %v", got)
		}
		at := rapid.IntRange(0, n-1).Draw(t, "at")
		without := append(append([]row(nil), rows[:at]...), rows[at+1:]...)
		for name, there := range map[string][]row{
			"without one": without, "one twice": append([]row{rows[at]}, rows...),
			"one in place of another": append(without, row{rows[at].hub + 1, rows[at].city}),
		} {
			got, _ := domain.RowsDecide(want, tally(there))
			if want := map[bool]domain.DorisAction{true: domain.DorisAbort, false: domain.DorisIncidents}[len(there) == 0]; got != want {
				t.Fatalf("%s: %v", name, got)
			}
		}
	})
}
