package main

import (
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"
)

// aimLag is what live rows may feel of a replay at the default limits; missing it is no
// failure.
const aimLag = 1.10

// replayReport prints what `bench replay` measured, as it comes.
type replayReport struct{ replayOptions }

func (r *replayReport) head() error {
	_, err := fmt.Fprintf(r.out, "Kafka and Doris stand-ins in processes of their own, UNIQUE key; %d CPUs, %s/%s, %s\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}

func (w way) String() string {
	switch w {
	case wayLive:
		return "live path into the table"
	case wayTable:
		return "replay into a shadow table"
	case wayFile:
		return "replay into a file"
	default:
		return "replay into nothing (null)"
	}
}

// speed prints the ways, and each against the live path of the same rounds.
func (r *replayReport) speed(rounds []round) error {
	first := &rounds[0][wayLive].leg
	fmt.Fprintf(r.out, "%d rows of %d B, %d bytes of JSON each, out of a journal that was there before; no limits; medians of %d rounds\n\n",
		r.rows, r.size, first.Bytes/max(1, first.Rows), len(rounds))
	w := tabwriter.NewWriter(r.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\trows/s\tof live\tCPU-µs per row\tof live\tDoris stand-in, CPU-µs per row\tloads\tpeak RSS\t")
	rate := func(d *dorisRun) float64 { return perSecond(d.leg.Rows, d.leg.Took) }
	cpu := func(d *dorisRun) float64 { return perRow(d.leg.CPU, d.leg.Rows) }
	for _, by := range allWays() {
		of := func(what func(*dorisRun) float64) float64 {
			return middleOf(rounds, func(x round) float64 { return what(x[by]) })
		}
		toLive := func(what func(*dorisRun) float64) float64 {
			return middleOf(rounds, func(x round) float64 { return what(x[by]) / what(x[wayLive]) })
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%s\t\n", by, of(rate), toLive(rate), of(cpu), toLive(cpu),
			of(func(d *dorisRun) float64 { return perRow(d.standin.cpu, d.leg.Rows) }),
			of(func(d *dorisRun) float64 { return float64(d.leg.Loads) }),
			mib(int64(of(func(d *dorisRun) float64 { return float64(d.leg.Peak) }))))
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func perRow(cpu time.Duration, rows int64) float64 {
	return float64(cpu.Nanoseconds()) / 1e3 / float64(max(1, rows))
}

// middleOf is the median of something.
func middleOf[T any](list []T, what func(T) float64) float64 {
	values := make([]float64, 0, len(list))
	for _, x := range list {
		values = append(values, what(x))
	}
	return middle(values)
}

// lag prints the windows, and those with a replay against those without. Two that follow each
// other are a round.
func (r *replayReport) lag(windows []window) error {
	fmt.Fprintf(r.out, "%d live rows/s from %d cities; windows of %s by turns, medians of %d rounds; times from the journal: extract_time, outcome, visible\n",
		r.rate, lagCities, r.live, len(windows)/2)
	w := tabwriter.NewWriter(r.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "fetched until\tin the hub p50\tp99\tvisible in Doris p50\tp99\treplayed rows/s\tCPU of a core\t")
	values := []func(*window) float64{
		func(w *window) float64 { return w.hub.quantile(0.50).Seconds() },
		func(w *window) float64 { return w.hub.quantile(0.99).Seconds() },
		func(w *window) float64 { return w.table.quantile(0.50).Seconds() },
		func(w *window) float64 { return w.table.quantile(0.99).Seconds() },
	}
	var with, without []*window
	for i := range windows {
		if windows[i].replay {
			with = append(with, &windows[i])
		} else {
			without = append(without, &windows[i])
		}
	}
	for _, kind := range []struct {
		name string
		list []*window
	}{{"without a replay", without}, {"with one", with}} {
		fmt.Fprintf(w, "%s\t", kind.name)
		for _, v := range values {
			fmt.Fprintf(w, "%.1f ms\t", 1e3*middleOf(kind.list, v))
		}
		fmt.Fprintf(w, "%.0f\t%.1f %%\t\n", middleOf(kind.list, func(w *window) float64 { return perSecond(w.carried, w.to.Sub(w.from)) }),
			middleOf(kind.list, func(w *window) float64 { return 100 * w.cpu.Seconds() / w.to.Sub(w.from).Seconds() }))
	}
	fmt.Fprint(w, "ratio in a round\t")
	for _, v := range values {
		var ratios []float64
		for i := range with {
			ratios = append(ratios, v(with[i])/v(without[i]))
		}
		fmt.Fprintf(w, "%.2f\t", middle(ratios))
	}
	fmt.Fprintln(w, "\t\t")
	fmt.Fprintf(w, "aim\t\t\t≤ %.2f\t≤ %.2f\t\t\t\n", aimLag, aimLag)
	return w.Flush()
}
