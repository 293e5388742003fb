package report

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// arrange puts a report into the order in which the same contents are always the same bytes,
// makes its times UTC, and lists that are nil empty. A time that JSON has no form for (real
// rows are from the year 10000) is left out.
func arrange(r *Report) {
	settle(reflect.ValueOf(r).Elem())
	slices.SortStableFunc(r.Journal.Streams, func(a, b Stream) int { return cmp.Compare(a.Stream.String(), b.Stream.String()) })
	slices.SortStableFunc(r.Sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.City, b.City), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Partition, b.Partition))
	})
	slices.SortStableFunc(r.Hub, func(a, b HubPartition) int { return cmp.Compare(a.Partition, b.Partition) })
	slices.SortStableFunc(r.Windows, func(a, b Window) int {
		return cmp.Or(cmp.Compare(rank(a.Proof), rank(b.Proof)), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation),
			cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Index, b.Index))
	})
	slices.SortStableFunc(r.Gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Partition, b.Partition),
			cmp.Compare(a.First, b.First), cmp.Compare(a.Next, b.Next), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortStableFunc(r.Evidence, func(a, b Position) int {
		return cmp.Or(cmp.Compare(a.Witness, b.Witness), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(open(&b), open(&a)), cmp.Compare(slices.Index(Classes(), a.Class), slices.Index(Classes(), b.Class)), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.CityPartition, b.CityPartition), cmp.Compare(a.CityOffset, b.CityOffset),
			cmp.Compare(a.HubPartition, b.HubPartition), cmp.Compare(a.HubOffset, b.HubOffset), slices.Compare(a.ID[:], b.ID[:]))
	})
}

// rank is the order of the proofs, which is the order of the way.
func rank(p domain.Proof) int {
	return slices.Index([]domain.Proof{CityJournal, domain.ProofCityHub, domain.ProofHubDoris, PlanTable, PlanTopic, PlanFile}, p)
}

// open is 1 of a finding that nobody accepted.
func open(f *Finding) int {
	if f.Accepted == nil {
		return 1
	}
	return 0
}

func settle(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*time.Time); ok {
			*t = t.UTC()
			return
		}
		for i := range v.NumField() {
			settle(v.Field(i))
		}
	case reflect.Pointer:
		if t, ok := v.Interface().(*time.Time); ok && t != nil {
			utc := t.UTC() // the caller's stays as it is
			if v.Set(reflect.ValueOf(&utc)); utc.Year() < 0 || utc.Year() > 9999 {
				v.SetZero()
			}
			return
		}
		if !v.IsNil() {
			settle(v.Elem())
		}
	case reflect.Slice:
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			settle(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	}
}
