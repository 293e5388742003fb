package proof_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDetection puts one fault into a million rows, again and again, and demands that it is
// found, called by its name, at its exact offsets, and nothing else. HEFU_DETECT is the number
// of faults.
func TestDetection(t *testing.T) {
	faults, size := 300, int64(250_000)
	if underRace {
		faults, size = 45, 10_000
	}
	if n, err := strconv.Atoi(os.Getenv("HEFU_DETECT")); err == nil {
		faults = n
	}
	w := newWorld(size)
	var cases []func(*rand.Rand) (string, error)
	var names []string
	for _, k := range kinds() {
		for _, l := range legs() {
			if k.in(l) {
				names = append(names, fmt.Sprintf("%-14s %s", l.name, k.name))
				cases = append(cases, func(r *rand.Rand) (string, error) { return inject(t, w, l, k, r) })
			}
		}
	}
	done, found := make([]int, len(cases)), make([]int, len(cases))
	for i := range faults {
		c := i % len(cases)
		diff, err := cases[c](rand.New(rand.NewPCG(uint64(i), 6)))
		if err != nil {
			t.Fatal(err)
		}
		if done[c]++; diff == "" {
			found[c]++
		} else {
			t.Errorf("%s, fault %d (-want +got):\n%s", names[c], i, diff)
		}
	}
	var table strings.Builder
	total := 0
	for i := range cases {
		fmt.Fprintf(&table, "%-42s %4d of %4d\n", names[i], found[i], done[i])
		total += found[i]
	}
	t.Logf("found and rightly named, in %d rows a leg:\n%s%-42s %4d of %4d", 4*w.size, table.String(), "all", total, faults)
}

func inject(t *testing.T, w *world, l leg, k kind, r *rand.Rand) (string, error) {
	s, right := l.search(w)
	want := k.do(&hurt{l, right, r.Int64N})
	got, err := w.search(t.Context(), l.of, s)
	slices.Sort(want)
	return cmp.Diff(want, got), err
}

// TestNoFault: where nothing is wrong, nothing is found, and no row is read.
func TestNoFault(t *testing.T) {
	w := newWorld(20_000)
	for _, l := range legs() {
		s, right := l.search(w)
		right.asked = 0
		if _, err := w.search(t.Context(), l.of, s); err != nil {
			t.Fatal(err)
		}
		got, err := w.search(t.Context(), l.of, s)
		if err != nil || len(got) > 0 {
			t.Errorf("%s: %v %v", l.name, got, err)
		}
	}
}
