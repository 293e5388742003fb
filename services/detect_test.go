package services_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// TestDetection does one wrong thing at a time to a pipeline that stands still, in the hub, in
// the table, or to what a city says, and demands of the whole reconciler the one finding that it
// is: the class, the place, the source and its generation, the exact offsets in city and hub,
// the column. HEFU_DETECT is the number of faults (once each without it), HEFU_DETECT_SEED
// where they are, HEFU_DETECT_ROWS how many rows the largest city has.
func TestDetection(t *testing.T) {
	if testing.Short() {
		t.Skip("the plain run does this")
	}
	rows, faults, together, seed := 12_000, 0, 9, uint64(6)
	number("HEFU_DETECT", &faults)
	number("HEFU_DETECT_ROWS", &rows)
	number("HEFU_DETECT_SEED", &seed)
	number("HEFU_DETECT_TOGETHER", &together)
	s := newScene(t, rows)
	if r := s.look(reconcile.Scope{Deep: true}); len(r.Findings) > 0 || r.Verdict == domain.Diverged {
		t.Fatalf("nothing is wrong yet, and there are findings: %s: %v", r.Why, found(r))
	}
	all := slices.Concat(inHub(), inDoris(), inJournal())
	if faults == 0 {
		faults = len(all)
	}
	r := rand.New(rand.NewPCG(seed, 6))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	done, right, began := make([]int, len(all)), make([]int, len(all)), time.Now()
	var queue []int
	for i := range faults {
		queue = append(queue, i%len(all))
	}
	for round := 0; len(queue) > 0; round++ {
		at := queue[:min(together, len(queue))]
		left := s.detect(all, at, &chance{s, r, map[domain.Coord]bool{}}, func(n int, diff string) {
			if done[n]++; diff == "" {
				right[n]++
				return
			}
			t.Errorf("%s, %s, in round %d (-want +got):\n%s", all[n].place, all[n].name, round, diff)
		})
		if len(left) == len(at) {
			t.Fatalf("there is no place for %s, %s", all[left[0]].place, all[left[0]].name)
		}
		queue = append(left, queue[len(at):]...)
	}
	var table strings.Builder
	total := 0
	for i := range all {
		fmt.Fprintf(&table, "%-16s %-48s %4d of %4d\n", all[i].place, all[i].name, right[i], done[i])
		total += right[i]
	}
	t.Logf("seed %d, %d rows in %s: found and rightly named\n%s%-65s %4d of %4d",
		seed, s.rows(), time.Since(began).Round(time.Second), table.String(), "all", total, faults)
}

// detect does some things wrong at once, at different rows, looks, and puts them right; it says
// of each what is not as it should be, and returns those for which there was no place left.
func (s *scene) detect(all []fault, at []int, c *chance, said func(n int, diff string)) (left []int) {
	var did []int
	var wants [][]string
	deep, of := false, map[string]bool{} // wanted by any
	for _, n := range at {
		want, undo := all[n].do(c)
		if undo == nil {
			left = append(left, n)
			continue
		}
		defer undo()
		did, wants = append(did, n), append(wants, want)
		deep = deep || all[n].place == cityJournal
		for _, w := range want {
			of[w] = true
		}
	}
	r := s.look(reconcile.Scope{Deep: deep})
	got := found(r)
	rest := slices.DeleteFunc(slices.Clone(got), func(f string) bool { return of[f] })
	for i, n := range did {
		have := slices.DeleteFunc(slices.Clone(wants[i]), func(f string) bool { return !slices.Contains(got, f) })
		diff := cmp.Diff(wants[i], have)
		switch {
		case len(rest) > 0 && (diff != "" || len(did) == 1):
			diff += "beside all that is wanted:\n" + strings.Join(rest, "\n")
		case r.Verdict != domain.Diverged:
			diff += fmt.Sprintf("verdict %s: %s", r.Verdict, r.Why)
		}
		said(n, diff)
	}
	if len(rest) > 0 {
		s.t.Errorf("found, and nobody did it: %s", strings.Join(rest, "\n"))
	}
	return left
}

func (s *scene) rows() (n int) {
	s.t.Helper()
	must(s.t, s.db.QueryRowContext(s.t.Context(), "SELECT count(*) FROM ods.ODS_QL_JC_SSJC").Scan(&n))
	return n
}

// number takes a number from the environment, if there is one.
func number[N int | uint64](name string, to *N) {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 63); err == nil {
		*to = N(n)
	}
}
