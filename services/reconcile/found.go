package reconcile

import (
	"cmp"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// keptFindings bounds the findings that are kept; the others are counted.
const keptFindings = 10_000

// found is what was found so far, each once.
type found struct {
	list []domain.Finding
	seen map[domain.FindingID]bool
	more int64
}

// add takes a finding, unless it is known.
func (f *found) add(one domain.Finding) {
	id := one.ID()
	switch {
	case f.seen[id]:
	case len(f.list) >= keptFindings:
		f.more++
	default:
		if f.seen == nil {
			f.seen = map[domain.FindingID]bool{}
		}
		f.seen[id] = true
		f.list = append(f.list, one)
	}
}

// addAll takes several.
func (f *found) addAll(list []domain.Finding, more int64) {
	for _, one := range list {
		f.add(one)
	}
	f.more += more
}

// explained leaves out what the table is not to blame for: where the hub itself is wrong about
// a row, the table differs from it because it has what the journal has. A row that the hub has
// and the table does not is lost all the same.
func explained(hub, table []domain.Finding) []domain.Finding {
	at := map[domain.Coord]bool{}
	for i := range hub {
		if hub[i].Where == "hub" {
			at[place(&hub[i])] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(table), func(f domain.Finding) bool { return f.Class != domain.Lost && at[place(&f)] })
}

// blame takes note of places where the hub is wrong: two rows that were exchanged there are one
// finding, and two places.
func (p *Prover) blame(places []domain.Coord) {
	for _, at := range places {
		if p.blamed == nil {
			p.blamed = map[domain.Coord]bool{}
		}
		if len(p.blamed) < keptFindings {
			p.blamed[at] = true
		}
	}
}

// unblamed leaves out what the table has at places where the hub is wrong, as explained does.
func (p *Prover) unblamed(table []domain.Finding) []domain.Finding {
	return slices.DeleteFunc(table, func(f domain.Finding) bool { return f.Class != domain.Lost && p.blamed[place(&f)] })
}

// place is where the hub has the row of a finding, without its time.
func place(f *domain.Finding) domain.Coord {
	return domain.Coord{Partition: f.Row.Hub.Partition, Offset: f.Row.Hub.Offset}
}

// inOrder sorts findings by place, the journal's first.
func inOrder(list []domain.Finding) {
	order := map[string]int{"journal": 0, "hub": 1, "doris": 2}
	slices.SortStableFunc(list, func(a, b domain.Finding) int {
		return cmp.Or(
			cmp.Compare(order[a.Where], order[b.Where]), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation),
			cmp.Compare(a.Row.City.Partition, b.Row.City.Partition), cmp.Compare(a.Row.City.Offset, b.Row.City.Offset),
			cmp.Compare(a.Row.Hub.Partition, b.Row.Hub.Partition), cmp.Compare(a.Row.Hub.Offset, b.Row.Hub.Offset), cmp.Compare(a.Column, b.Column),
		)
	})
}
