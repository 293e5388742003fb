package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// demoResult is what a demo has shown.
type demoResult struct {
	*report.Report
	Seed    uint64
	Fed     int64   // rows that had to arrive
	Aborted int64   // rows of aborted transactions, which must not
	Feeding float64 // seconds that the feed took
	Seconds float64 // until the last row was in Doris, from the start of the first process
	PerSec  float64
	Kills   int
	AgainMS []int64        // from each kill to the first commit after it
	Faults  map[string]int `json:",omitempty"` // what went wrong at Doris, how often
	Files   []string

	cities []string // codes, in the order of Files
}

func (d *demo) conclude(p *proved, took time.Duration) *demoResult {
	r := p.Report
	out := &demoResult{
		Report: r, Seed: d.seed, Fed: d.feed.sent.Load(), Aborted: d.feed.aborted.Load(),
		Feeding: d.feed.took.Seconds(), Seconds: took.Seconds(), Kills: d.kill, Faults: d.wrong, Files: d.names,
	}
	out.PerSec = float64(out.Fed) / out.Seconds
	for _, a := range d.again {
		out.AgainMS = append(out.AgainMS, a.Milliseconds())
	}
	// The reconciler compares what is in the cities; only the feeder knows what must be.
	var inCity, pending int64
	for i := range r.Sources {
		s := &r.Sources[i]
		inCity += s.Rows
		pending += s.Pending + s.PendingDoris
		if !slices.Contains(out.cities, s.City) {
			out.cities = append(out.cities, s.City)
		}
	}
	if inCity != out.Fed || pending > 0 {
		r.Verdict = domain.Diverged
		r.Why = strings.TrimPrefix(r.Why+fmt.Sprintf("; %d rows were fed, the cities show %d, and %d are still on their way", out.Fed, inCity, pending), "; ")
	}
	return out
}

func (r *demoResult) print(w io.Writer) {
	for i, f := range r.Files {
		fmt.Fprintf(w, "%s is %s\n", r.cities[i], f)
	}
	fmt.Fprintf(w, "fed %s rows, and %s more in aborted transactions, which must not arrive\n", humanize.Comma(r.Fed), humanize.Comma(r.Aborted))
	fmt.Fprintf(w, "fed over %.1f s, all in Doris after %.1f s, %s rows/s\n", r.Feeding, r.Seconds, humanize.Comma(int64(r.PerSec)))
	if r.Kills > 0 {
		fmt.Fprintf(w, "survived %d SIGKILLs (seed %d); first rows again after %s ms\n", r.Kills, r.Seed, strings.Trim(fmt.Sprint(r.AgainMS), "[]"))
	}
	if len(r.Faults) > 0 {
		fmt.Fprintf(w, "survived %s\n", wrongs(r.Faults, r.Seed))
	}
	report.Print(w, r.Report)
}

// wrongs lists what went wrong at Doris, most often first.
func wrongs(all map[string]int, seed uint64) string {
	names := slices.Collect(maps.Keys(all))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(all[b]-all[a], strings.Compare(a, b)) })
	sum, list := 0, make([]string, 0, len(names))
	for _, n := range names {
		if sum += all[n]; all[n] > 0 {
			list = append(list, fmt.Sprintf("%s %d", n, all[n]))
		}
	}
	return fmt.Sprintf("%d faults of Doris (seed %d): %s", sum, seed, strings.Join(list, ", "))
}

// tail is the end of a log.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte{'\n'})
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte{'\n'}))
}
