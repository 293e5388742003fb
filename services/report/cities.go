package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// cityTotals adds up the books of all source partitions of a city.
type cityTotals struct {
	City, Name string
	Sources    []string
	Partitions int
	Source               // the sums of all of them; First and Next are 0
	Offsets    int64     // Next - First of all of them
	Behind     int64     // offsets that the city has and the journal does not, as far as the city was asked
	Findings   []int64   // by class, in the order of Classes
	Windows    []Counted // of proof city-hub
}

// Counted is a number of windows in a state.
type Counted struct {
	State domain.WindowState
	N     int64
}

// States are all states of windows, the worst first: where many windows have the room of one,
// that is the one shown.
func States() []domain.WindowState {
	return []domain.WindowState{
		domain.WindowDiverged, domain.WindowSuspect, domain.WindowUnverifiable, domain.WindowNotChecked,
		domain.WindowBlocked, domain.WindowSettling, domain.WindowOpen, domain.WindowVerified,
	}
}

// byCity adds up the books of each city, in the order of the sources.
func byCity(r *Report) []*cityTotals {
	var out []*cityTotals
	at := map[string]*cityTotals{}
	for i := range r.Sources {
		s := &r.Sources[i]
		c := at[s.City]
		if c == nil {
			c = &cityTotals{City: s.City, Name: s.Name, Findings: make([]int64, len(Classes()))}
			c.Gaps = map[string]int64{}
			at[s.City] = c
			out = append(out, c)
		}
		if !slices.Contains(c.Sources, s.Source) {
			c.Sources = append(c.Sources, s.Source)
		}
		c.add(s)
	}
	// A finding of a city that has no books here gets a line of its own.
	for i := range r.Findings {
		f := &r.Findings[i]
		c := at[string(f.City)]
		if c == nil {
			c = &cityTotals{City: string(f.City), Findings: make([]int64, len(Classes()))}
			at[c.City] = c
			out = append(out, c)
		}
		if class := slices.Index(Classes(), f.Class); class >= 0 {
			c.Findings[class]++
		}
	}
	for _, c := range out {
		c.Windows = inStates(r.Windows, func(w *Window) bool {
			return w.Proof == domain.ProofCityHub && slices.Contains(c.Sources, string(w.Source))
		})
		c.Behind = behind(r, c.Sources)
	}
	slices.SortStableFunc(out, func(a, b *cityTotals) int { return cmp.Compare(a.City, b.City) })
	return out
}

func (c *cityTotals) add(s *Source) {
	c.Partitions++
	c.Offsets += s.Next - s.First
	c.Rows += s.Rows
	c.InHub += s.InHub
	c.ExcludedHub += s.ExcludedHub
	c.Pending += s.Pending
	c.InDoris += s.InDoris
	c.ExcludedDoris += s.ExcludedDoris
	c.PendingDoris += s.PendingDoris
	for reason, n := range s.Gaps {
		c.Gaps[reason] += n
	}
	if s.FromTime != nil && (c.FromTime == nil || s.FromTime.Before(*c.FromTime)) {
		c.FromTime = s.FromTime
	}
	if s.ToTime != nil && (c.ToTime == nil || s.ToTime.After(*c.ToTime)) {
		c.ToTime = s.ToTime
	}
}

// all adds up cities.
func all(cities []*cityTotals) *cityTotals {
	out := &cityTotals{City: "all", Findings: make([]int64, len(Classes()))}
	out.Gaps = map[string]int64{}
	for _, c := range cities {
		partitions := out.Partitions
		s := c.Source
		out.add(&s)
		out.Partitions = partitions + c.Partitions
		out.Offsets += c.Offsets
		out.Behind += c.Behind
		for i, n := range c.Findings {
			out.Findings[i] += n
		}
	}
	return out
}

// behind is how far the journal lags behind what the cities have committed.
func behind(r *Report, sources []string) (n int64) {
	for i := range r.Evidence {
		e := &r.Evidence[i]
		if e.Witness != "city" || !slices.Contains(sources, e.Source) {
			continue
		}
		var next int64
		for j := range r.Sources {
			if s := &r.Sources[j]; s.Source == e.Source && s.Partition == e.Partition {
				next = max(next, s.Next)
			}
		}
		n += max(0, e.LastStable-next)
	}
	return n
}

// inStates counts windows by state, the worst state first, states without one left out.
func inStates(windows []Window, of func(*Window) bool) []Counted {
	by := map[domain.WindowState]int64{}
	for i := range windows {
		if of(&windows[i]) {
			by[windows[i].State]++
		}
	}
	var out []Counted
	for _, s := range States() {
		if by[s] > 0 {
			out = append(out, Counted{s, by[s]})
		}
	}
	return out
}

// reasons are those for which there is an offset without a row, the guilty ones first.
func reasons(r *Report) []string {
	seen := map[string]bool{}
	for i := range r.Sources {
		for reason := range r.Sources[i].Gaps {
			seen[reason] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(guilt(a), guilt(b)), strings.Compare(a, b))
	})
}

// guilt is 0 of a reason that is not innocent.
func guilt(name string) int {
	var reason domain.Reason
	if err := reason.UnmarshalText([]byte(name)); err != nil || !reason.Innocent() {
		return 0
	}
	return 1
}
