package main

import (
	"fmt"
	"runtime"
	"text/tabwriter"
)

// The aim for the encoder; missing it is no failure.
const aimEncoder = 300e6

// dorisReport is everything that `bench doris` measured.
type dorisReport struct {
	dorisOptions
	measured []dorisRun
	encoder  []float64 // bytes of JSON per second
}

// of is the median over the runs.
func (r *dorisReport) of(what func(*dorisRun) float64) float64 {
	var values []float64
	for i := range r.measured {
		values = append(values, what(&r.measured[i]))
	}
	return middle(values)
}

func (r *dorisReport) print() error {
	millions := float64(r.rows) / 1e6
	ours := func(d *dorisRun) float64 { return d.leg.CPU.Seconds() / millions }
	theirs := func(d *dorisRun) float64 { return d.standin.cpu.Seconds() / millions }
	share := func(d *dorisRun) float64 { return 100 * ours(d) / (ours(d) + theirs(d)) }
	first := r.measured[0].leg
	fmt.Fprintf(r.out, "Doris stand-in in its own process, UNIQUE key; %d CPUs, %s/%s, %s; medians of %d runs\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), len(r.measured))
	fmt.Fprintf(r.out, "from the open leg until the last row is visible, out of a journal that was there before; %d loads, %d bytes of JSON a row\n\n",
		first.Loads, first.Bytes/max(1, first.Rows))
	w := tabwriter.NewWriter(r.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d rows of %d B\trows/s\tJSON MB/s\tCPU-s per M\tshare of CPU\tpeak RSS\t\n", r.rows, r.size)
	fmt.Fprintf(w, "hefu\t%.0f\t%.0f\t%.2f\t%.0f %%\t%.0f MiB\t\n",
		r.of(func(d *dorisRun) float64 { return float64(d.leg.Rows) / d.leg.Took.Seconds() }),
		r.of(func(d *dorisRun) float64 { return float64(d.leg.Bytes) / d.leg.Took.Seconds() / 1e6 }),
		r.of(ours), r.of(share), r.of(func(d *dorisRun) float64 { return float64(d.leg.Peak) / (1 << 20) }))
	fmt.Fprintf(w, "stand-in\t\t\t%.2f\t%.0f %%\t%.0f MiB\t\n", r.of(theirs), 100-r.of(share),
		r.of(func(d *dorisRun) float64 { return float64(d.standin.peak) / (1 << 20) }))
	fmt.Fprintf(w, "hefu / stand-in\t\t\t%.2f\t\t%.2f\t\n", r.of(func(d *dorisRun) float64 { return ours(d) / theirs(d) }),
		r.of(func(d *dorisRun) float64 { return float64(d.leg.Peak) / float64(d.standin.peak) }))
	fmt.Fprintf(w, "encoder alone, one core\t\t%.0f\t\t\t\t\n", middle(r.encoder)/1e6)
	fmt.Fprintf(w, "aim for the encoder\t\t≥ %.0f\t\t\t\t\n", aimEncoder/1e6)
	return w.Flush()
}
