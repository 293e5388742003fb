package main

import (
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"
)

// aimOthers is by how much the others may be slower while one city is in trouble; missing it
// is no failure, since machines are noisy.
const aimOthers = 1.05

// ages is what the rows of the sound cities took in a while.
type ages struct {
	rows     float64 // a second
	p50, p99 time.Duration
}

func newAges(sorted []time.Duration, during time.Duration) ages {
	if len(sorted) == 0 {
		return ages{}
	}
	return ages{float64(len(sorted)) / during.Seconds(), quantile(sorted, 0.50), quantile(sorted, 0.99)}
}

// measured is one trouble, and the quiet before it.
type measured struct {
	trouble           trouble
	before, meanwhile ages
	held              int64         // rows of the city that were not in the hub at its end
	back              time.Duration // from its end until they were
}

type citiesReport struct {
	citiesOptions
	victim   string
	rows     int64
	measured []measured
}

func (r *citiesReport) print() error {
	fmt.Fprintf(r.out, "%d cities, each with a cluster of its own (kfake), %d rows a second each; one of them (%s) in trouble for %s, after as much quiet; %d CPUs, %s\n",
		r.cities, r.rate, r.victim, r.during, runtime.NumCPU(), runtime.Version())
	fmt.Fprintf(r.out, "what the rows of the other %d took from the city to a reader of the hub:\n\n", r.cities-1)
	w := tabwriter.NewWriter(r.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "trouble\trows/s before\tmeanwhile\tratio\tp50 before\tmeanwhile\tp99 before\tmeanwhile\tratio\theld back\tback after\t\n")
	for _, m := range r.measured {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.3f\t%s\t%s\t%s\t%s\t%.3f\t%d\t%s\t\n", m.trouble,
			m.before.rows, m.meanwhile.rows, m.meanwhile.rows/m.before.rows, short(m.before.p50), short(m.meanwhile.p50),
			short(m.before.p99), short(m.meanwhile.p99), float64(m.meanwhile.p99)/float64(m.before.p99), m.held, m.back.Round(time.Millisecond))
	}
	fmt.Fprintf(w, "aim\t\t\t≥ %.2f\t\t\t\t\t≤ %.2f\t\t\t\n", 1/aimOthers, aimOthers)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "\n%d rows sent, each of them is in the hub once\n", r.rows)
	return nil
}

func short(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }
