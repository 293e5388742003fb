package doris

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// fakeTable refuses some rows of a batch and keeps an error log as a back end does: of
// the first rows that it refuses, and with or without the row.
type fakeTable struct {
	refuses map[int64]bool
	keeps   int               // entries of the log
	quotes  func(int64) bool  // whether an entry quotes its row
	asked   map[[2]int64]bool // what was probed
}

func (f *fakeTable) probe(p domain.DorisProbe) (refused int64, named map[int64]string, line string) {
	named = map[int64]string{}
	entries := 0
	for _, place := range slices.Sorted(maps.Keys(f.refuses)) {
		if place < p.First || place >= p.Next {
			continue
		}
		refused++
		if entries++; entries > f.keeps {
			continue
		}
		if entries == 1 {
			line = fmt.Sprintf("row %d", place)
		}
		if f.quotes(place) {
			named[place] = fmt.Sprintf("row %d", place)
		}
	}
	return refused, named, line
}

// run searches to the end and demands that no probe comes twice.
func (f *fakeTable) run(t *testing.T, rows int64) *search {
	t.Helper()
	f.asked = map[[2]int64]bool{}
	s := newSearch(rows)
	for p, more := s.next(); more; p, more = s.next() {
		key := [2]int64{p.First, p.Next}
		if p.First < 0 || p.Next > rows || p.First >= p.Next || f.asked[key] {
			t.Fatalf("probe of rows %d to %d of %d, asked before: %t", p.First, p.Next-1, rows, f.asked[key])
		}
		f.asked[key] = true
		refused, named, line := f.probe(p)
		if err := s.learn(p, refused, named, line); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func places(list ...int64) map[int64]bool {
	set := map[int64]bool{}
	for _, n := range list {
		set[n] = true
	}
	return set
}

func all(int64) bool  { return true }
func none(int64) bool { return false }

// TestSearch: how many probes it takes to find which rows, and what is said of them.
func TestSearch(t *testing.T) {
	for name, c := range map[string]struct {
		rows   int64
		table  fakeTable
		probes int
		words  map[int64]string // of some of the rows
	}{
		"all named":            {500_000, fakeTable{refuses: places(3, 77, 499_999), keeps: 50, quotes: all}, 1, map[int64]string{77: "row 77"}},
		"the only row":         {1, fakeTable{refuses: places(0), keeps: 50, quotes: none}, 1, map[int64]string{0: "row 0"}},
		"every row, by count":  {5, fakeTable{refuses: places(0, 1, 2, 3, 4), keeps: 50, quotes: none}, 1, map[int64]string{4: "one of 5 rows, of one of which Doris says: row 0"}},
		"every row, no log":    {2, fakeTable{refuses: places(0, 1)}, 1, map[int64]string{1: "Doris gives no reason"}},
		"one, without a log":   {1 << 19, fakeTable{refuses: places(12345)}, 20, nil},
		"one, log without row": {1024, fakeTable{refuses: places(1023), keeps: 50, quotes: none}, 11, map[int64]string{1023: "row 1023"}},
		"first and last":       {1024, fakeTable{refuses: places(0, 1023)}, 20, nil},
		"side by side":         {1024, fakeTable{refuses: places(511, 512)}, 20, nil},
		"log is cut":           {100_000, fakeTable{refuses: places(1, 2, 3, 4, 5, 99_999), keeps: 5, quotes: all}, 3, map[int64]string{5: "row 5"}},
		"log is cut, then half": {
			1000, fakeTable{refuses: places(1, 2, 3, 600, 601, 602), keeps: 3, quotes: all}, 3, map[int64]string{602: "row 602"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.table.quotes == nil {
				c.table.quotes = none
			}
			s := c.table.run(t, c.rows)
			if s.givenUp() || s.probes != c.probes {
				t.Errorf("%d probes, want %d; given up: %t", s.probes, c.probes, s.givenUp())
			}
			got, want := slices.Sorted(maps.Keys(s.refused)), slices.Sorted(maps.Keys(c.table.refuses))
			if !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
			for place, words := range c.words {
				if s.refused[place] != words {
					t.Errorf("of row %d it says %q, want %q", place, s.refused[place], words)
				}
			}
		})
	}
}

// TestSearchNothing: a load that is refused, and none of its rows is.
func TestSearchNothing(t *testing.T) {
	f := fakeTable{quotes: none}
	if s := f.run(t, 1000); s.givenUp() || len(s.refused) != 0 || s.probes != 1 {
		t.Errorf("found %v in %d probes, given up: %t", s.refused, s.probes, s.givenUp())
	}
}

// TestSearchKeepsWords: where a later log is not to be had, what an earlier one said of
// the same rows counts.
func TestSearchKeepsWords(t *testing.T) {
	s := newSearch(4)
	for _, a := range []struct {
		refused int64
		line    string
	}{{1, "why"}, {1, ""}, {0, ""}} {
		p, _ := s.next()
		if err := s.learn(p, a.refused, nil, a.line); err != nil {
			t.Fatal(err)
		}
	}
	if _, more := s.next(); more || s.refused[1] != "why" {
		t.Errorf("found %v", s.refused)
	}
}

// TestSearchGivesUp: too many rows, or too many probes.
func TestSearchGivesUp(t *testing.T) {
	table := func(n, step int64) *fakeTable {
		f := &fakeTable{refuses: map[int64]bool{}, quotes: none}
		for i := range n {
			f.refuses[i*step] = true
		}
		return f
	}
	if s := table(maxRefused+1, 1).run(t, maxRefused+1); !s.givenUp() || s.probes != 1 {
		t.Errorf("a table that takes nothing: %s, given up: %t", s, s.givenUp())
	}
	if s := table(maxRefused, 1).run(t, maxRefused); s.givenUp() || len(s.refused) != maxRefused {
		t.Errorf("as many as may be: %s, given up: %t", s, s.givenUp())
	}
	s := table(100, 1000).run(t, 100_000)
	if !s.givenUp() || s.probes != maxProbes || !strings.Contains(s.String(), "of 100 are found after 64 probes") {
		t.Errorf("far apart: %s, given up: %t", s, s.givenUp())
	}
}

// TestSearchContradictions: counts that cannot be true stop the search.
func TestSearchContradictions(t *testing.T) {
	type answer struct {
		refused int64
		named   []int64
	}
	for name, answers := range map[string][]answer{
		"more than there are":         {{11, nil}},
		"fewer than are named":        {{1, []int64{2, 3}}},
		"half has more than whole":    {{2, nil}, {3, nil}},
		"half leaves more than fit":   {{9, nil}, {1, nil}},
		"whole is another":            {{4, []int64{0}}, {3, nil}, {2, nil}, {2, nil}},
		"the other half has too few":  {{3, []int64{8, 9}}, {2, nil}},
		"a half has less than before": {{3, []int64{0, 1}}, {1, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSearch(10)
			for i, a := range answers {
				p, more := s.next()
				if !more {
					t.Fatalf("over before answer %d", i)
				}
				named := map[int64]string{}
				for _, n := range a.named {
					named[n] = "x"
				}
				err := s.learn(p, a.refused, named, "x")
				if last := i == len(answers)-1; errors.Is(err, errContradicts) != last {
					t.Fatalf("answer %d to rows %d to %d: %v", i, p.First, p.Next-1, err)
				}
			}
		})
	}
}

// TestSearchAny: whatever is refused and however much the log tells, exactly the refused
// rows are found, unless the search is given up at its bound; a few are always found.
func TestSearchAny(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 4))
		rows := 1 + r.Int64N([]int64{8, 1000, 500_000}[r.IntN(3)])
		n := min(rows, 1+r.Int64N([]int64{2, 20, 1500}[r.IntN(3)]))
		f := fakeTable{refuses: map[int64]bool{}, keeps: []int{0, 1, 50}[r.IntN(3)], quotes: none}
		if r.IntN(2) == 0 {
			f.quotes = all
		} else if r.IntN(2) == 0 {
			f.quotes = func(place int64) bool { return place%3 == 0 }
		}
		for from := r.Int64N(rows); int64(len(f.refuses)) < n; {
			if r.IntN(4) == 0 {
				from = r.Int64N(rows)
			}
			f.refuses[from%rows] = true
			from++
		}
		s := f.run(t, rows)
		if s.givenUp() {
			if n <= 2 || s.probes < maxProbes && n <= maxRefused {
				t.Fatalf("seed %d: given up on %d of %d rows after %d probes", seed, n, rows, s.probes)
			}
			for place := range s.refused {
				if !f.refuses[place] {
					t.Fatalf("seed %d: row %d is found and was not refused", seed, place)
				}
			}
			continue
		}
		if !maps.EqualFunc(f.refuses, s.refused, func(bool, string) bool { return true }) {
			t.Fatalf("seed %d: found %d of %d refused rows", seed, len(s.refused), len(f.refuses))
		}
	}
}
