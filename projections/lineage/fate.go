package lineage

import (
	"cmp"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// place is an ingest run.
type place struct {
	ingest domain.Seq
	run    int
}

// byRun sorts exclusions to the runs that they are of.
func byRun(list []domain.Exclusion) map[place][]domain.Exclusion {
	out := map[place][]domain.Exclusion{}
	for _, x := range list {
		at := place{x.Ingest, x.Run}
		out[at] = append(out[at], x)
	}
	for _, of := range out {
		slices.SortFunc(of, func(a, b domain.Exclusion) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	}
	return out
}

// fates says what became of the rows of a hub transaction's ingest runs.
type fates struct {
	taken map[place][]domain.HubRun // by their first ordinals
	hub   map[place][]domain.Exclusion
	doris map[place][]domain.Exclusion
}

// of is about the rows of one run.
func (f *fates) of(at place) fate {
	taken := f.taken[at]
	slices.SortFunc(taken, func(a, b domain.HubRun) int { return cmp.Compare(a.First, b.First) })
	return fate{taken: taken, hub: f.hub[at], doris: f.doris[at]}
}

// fate is asked about each row of a run, in order.
type fate struct {
	taken []domain.HubRun
	hub   []domain.Exclusion
	doris []domain.Exclusion
}

// next is what became of a row, and the hub run that holds it, nil for none; false when the
// journal does not say it, which cannot be.
func (f *fate) next(ordinal int64) (State, *domain.HubRun, bool) {
	for len(f.taken) > 0 && ordinal >= f.taken[0].First+f.taken[0].N {
		f.taken = f.taken[1:]
	}
	if len(f.taken) > 0 && ordinal >= f.taken[0].First {
		if excluded(&f.doris, ordinal) {
			return ExcludedDoris, &f.taken[0], true
		}
		return InTable, &f.taken[0], true
	}
	return ExcludedHub, nil, excluded(&f.hub, ordinal)
}

// excluded reports whether a row is listed; ordinals rise from call to call.
func excluded(list *[]domain.Exclusion, ordinal int64) bool {
	for len(*list) > 0 && ordinal >= (*list)[0].Ordinal+(*list)[0].Count {
		*list = (*list)[1:]
	}
	return len(*list) > 0 && ordinal >= (*list)[0].Ordinal
}
