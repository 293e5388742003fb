package domain

import (
	"cmp"
	"fmt"
	"slices"
)

// RowGroup is what the rows of a load are counted by: the run of a city's partition in
// a hub partition.
type RowGroup struct {
	HubPartition  int32
	City          City  // empty: NULL in the table
	CityPartition int64 // -1: NULL in the table
}

// RowSums are of the rows of one group. The sums are exact.
type RowSums struct {
	Rows, Distinct int64 // rows, and different hub offsets among them
	Hub, City      Sum   // of the hub's and of the city's offsets
}

// Plus are the sums of two lots of rows, none of which has a hub offset of the other.
func (s RowSums) Plus(o RowSums) RowSums {
	return RowSums{Rows: s.Rows + o.Rows, Distinct: s.Distinct + o.Distinct, Hub: s.Hub.Plus(o.Hub), City: s.City.Plus(o.City)}
}

// RowTally is what is in the table of a load, or has to be, by group.
type RowTally map[RowGroup]RowSums

// Add counts one more row of a load, each of which has a hub offset of its own.
func (t RowTally) Add(g RowGroup, hubOffset, cityOffset int64) {
	s := t[g]
	s.Rows++
	s.Distinct++
	s.Hub, s.City = s.Hub.Add(hubOffset), s.City.Add(cityOffset)
	t[g] = s
}

// Totals are the rows and distinct rows of all groups.
func (t RowTally) Totals() (rows, distinct int64) {
	for _, s := range t {
		rows += s.Rows
		distinct += s.Distinct
	}
	return rows, distinct
}

// RowDifference is a group whose rows in the table are not those of the load.
type RowDifference struct {
	Group       RowGroup
	Want, There RowSums
}

// String is the difference in one line for people.
func (d RowDifference) String() string {
	s := fmt.Sprintf("%d rows instead of %d", d.There.Rows, d.Want.Rows)
	if d.There.Distinct != d.There.Rows {
		s += fmt.Sprintf(", of which %d are different ones", d.There.Distinct)
	}
	if d.There.Rows == d.Want.Rows {
		s += fmt.Sprintf(", hub offsets add up to %s instead of %s, city offsets to %s instead of %s", d.There.Hub, d.Want.Hub, d.There.City, d.Want.City)
	}
	return s
}

// RowsDecide says what became of a prepared load whose label Doris has forgotten:
// DorisDone when the table holds each of its rows exactly once, DorisAbort when it holds
// none, DorisIncidents with the groups that differ, in order, for anything else.
func RowsDecide(want, there RowTally) (DorisAction, []RowDifference) {
	var out []RowDifference
	for g, w := range want {
		if t := there[g]; t != w {
			out = append(out, RowDifference{g, w, t})
		}
	}
	for g, t := range there {
		if _, known := want[g]; !known {
			out = append(out, RowDifference{Group: g, There: t})
		}
	}
	if len(out) == 0 {
		return DorisDone, nil
	}
	if len(there) == 0 {
		return DorisAbort, nil
	}
	slices.SortFunc(out, func(a, b RowDifference) int {
		return cmp.Or(cmp.Compare(a.Group.HubPartition, b.Group.HubPartition), cmp.Compare(a.Group.City, b.Group.City),
			cmp.Compare(a.Group.CityPartition, b.Group.CityPartition))
	})
	return DorisIncidents, out
}
