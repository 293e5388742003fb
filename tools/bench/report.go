package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// The aims, to compare with; never a failure.
const (
	aimRows    = 0.85 // of naive
	aimCPU     = 1.6  // seconds per million rows
	aimPeak    = 256 << 20
	aimLatency = 150 * time.Millisecond
	aimAgain   = time.Second
)

// report is everything that was measured.
type report struct {
	stack      string
	disk       disk
	runs       int
	contenders []contender
	catchUps   []catchUps
	rate       int
	during     time.Duration
	latencies  []latency
	profile    string
}

// catchUps are the results of one workload by pipeline, in the order of the runs.
type catchUps struct {
	workload
	results map[string][]result
}

func (r *report) print(out io.Writer) error {
	fmt.Fprintf(out, "%s; %d CPUs, %s/%s, %s; medians of %d runs\n", r.stack, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), r.runs)
	fmt.Fprintf(out, "fsync after an append of %d KiB: p50 %s, p99 %s\n", diskAppend>>10, millis(r.disk.p50), millis(r.disk.p99))
	fmt.Fprintf(out, "rows/s and CPU: from the commit of the prefilled city topics (2 cities of 2 partitions) until the hub's last stable offset\n")
	fmt.Fprintf(out, "is past the last row; the start of the process is not in it. peak RSS: since the process began.\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	for i := range r.catchUps {
		r.rows(w, &r.catchUps[i])
	}
	if len(r.latencies) > 0 {
		r.delays(w)
	}
	if err := w.Flush(); err != nil || r.profile == "" {
		return err
	}
	text, err := os.ReadFile(filepath.Join(r.profile, topFile))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "CPU of hefu run with rows of 200 B (profiles in %s)\n%s", r.profile, text)
	return err
}

func (r *report) rows(w io.Writer, c *catchUps) {
	fmt.Fprintf(w, "%d rows of %d B\trows/s\tCPU-s per M\tpeak RSS\t\n", c.rows, c.size)
	for _, p := range r.contenders {
		all := c.results[p.name]
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%d MiB\t\n", p.name,
			median(all, result.rate), median(all, result.cpu), int64(median(all, result.memory))>>20)
	}
	if len(c.results[nameNaive]) > 0 && len(c.results[nameHefu]) > 0 {
		fmt.Fprintf(w, "hefu / naive\t%.2f\t%.2f\t%.2f\t\n", c.ratio(result.rate), c.ratio(result.cpu), c.ratio(result.memory))
	}
	fmt.Fprintf(w, "aim for hefu\t≥ %.2f of naive\t%s\t≤ %d MiB\t\n", aimRows, aimCPUFor(c.size), aimPeak>>20)
	fmt.Fprint(w, "\t\t\t\t\n")
}

// aimCPUFor is the aim for CPU, which was set for rows of 200 B.
func aimCPUFor(size int) string {
	if size != 200 {
		return "-"
	}
	return fmt.Sprintf("≤ %.2f", aimCPU)
}

func (r *report) delays(w io.Writer) {
	fmt.Fprintf(w, "%d rows/s for %s\tproduced → visible p50\tp99\tCPU-s per M\t\n", r.rate, r.during)
	for _, l := range r.latencies {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t\n", l.contender, millis(l.p50), millis(l.p99), l.cpu)
	}
	fmt.Fprintf(w, "aim for hefu\t\t≤ %s\t\t\n", millis(aimLatency))
	fmt.Fprint(w, "\t\t\t\t\n")
	for _, l := range r.latencies {
		if len(l.again) == 0 {
			continue
		}
		fmt.Fprintf(w, "SIGKILL → first row\tmedian\tworst of %d\taim\t\n", len(l.again))
		fmt.Fprintf(w, "%s\t%s\t%s\t≤ %s\t\n", l.contender, millis(quantile(l.again, 0.5)), millis(l.again[len(l.again)-1]), millis(aimAgain))
		fmt.Fprint(w, "\t\t\t\t\n")
	}
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func (r result) rate() float64   { return r.rowsPerSecond }
func (r result) cpu() float64    { return r.cpuPerMillion }
func (r result) memory() float64 { return float64(r.peak) }

// ratio is the median of Hefu by naive in the same run.
func (c *catchUps) ratio(of func(result) float64) float64 {
	var ratios []float64
	for i, r := range c.results[nameHefu] {
		ratios = append(ratios, of(r)/of(c.results[nameNaive][i]))
	}
	return middle(ratios)
}

func median(all []result, of func(result) float64) float64 {
	var values []float64
	for _, r := range all {
		values = append(values, of(r))
	}
	return middle(values)
}

// middle is the median; the lower one of two.
func middle[T cmp.Ordered](values []T) (m T) {
	if len(values) == 0 {
		return m
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
