package main

import (
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"
)

// The aims, to compare with; never a failure.
const (
	aimRowCost   = 1.0 // microseconds, chain and digest together
	aimVerify    = 1e6 // rows per second
	aimProofPeak = 256 << 20
	aimShare     = 10.0 // per cent of one core
)

// proofReport prints what `bench proof` measured, as it comes.
type proofReport struct{ proofOptions }

func (r *proofReport) head() error {
	_, err := fmt.Fprintf(r.out, "%d cities of %d partitions, rows of %d B; Kafka and Doris stand-ins in processes of their own; %d CPUs, %s/%s, %s\n\n",
		r.cities, partitions, proofRowSize, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}

// table prints rows of cells.
func (r *proofReport) table(lines ...string) error {
	w := tabwriter.NewWriter(r.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func (r *proofReport) costs(all []rowCost) error {
	lines := []string{"CPU-µs per row\tchain\ttree\tdigest and vector\ttogether\taim\t"}
	for _, c := range all {
		lines = append(lines, fmt.Sprintf("%d rows an event\t%.3f\t%.3f\t%.3f\t%.3f\t≤ %.0f\t", c.perEvent, c.chain, c.tree, c.digest, c.chain+c.tree+c.digest, aimRowCost))
	}
	return r.table(lines...)
}

func perSecond(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }

func (r *proofReport) audited(v *verification) error {
	return r.table("verify\tseconds\tM rows/s\tMB/s\tCPU-s per M\taim\t",
		fmt.Sprintf("%s\t%.2f\t%.2f\t%.0f\t%.3f\t≥ %.0f M rows/s\t", v.what, v.took.Seconds(), perSecond(v.rows, v.took)/1e6, perSecond(v.bytes, v.took)/1e6,
			v.cpu.Seconds()/(float64(v.rows)/1e6), aimVerify/1e6))
}

func (r *proofReport) verified(v *verification) error {
	return r.table("verify\tms\twindows\twindows/s\trows that it stands for\tMB\taim\t",
		fmt.Sprintf("%s\t%.1f\t%d\t%.0f\t%d, %.0f M/s\t%.1f\t≥ %.0f M rows/s\t", v.what, float64(v.took.Microseconds())/1e3, v.windows,
			perSecond(int64(v.windows), v.took), v.rows, perSecond(v.rows, v.took)/1e6, float64(v.bytes)/1e6, aimVerify/1e6))
}

func (r *proofReport) reconciled(p *proofRun) error {
	millions := float64(p.rows) / 1e6
	return r.table(fmt.Sprintf("reconcile of %d rows\tseconds\tof it, Doris answers\trows/s without\tCPU-s per M\tpeak RSS\t", p.rows),
		fmt.Sprintf("hefu reconcile\t%.1f\t%.1f\t%.0f\t%.2f\t%s\t", p.took.Seconds(), p.asking.Seconds(), perSecond(p.rows, p.took-p.asking), p.cpu.Seconds()/millions, mib(p.peak)),
		fmt.Sprintf("Kafka stand-in\t\t\t\t%.2f\t\t", p.hubCPU.Seconds()/millions),
		fmt.Sprintf("Doris stand-in\t\t\t\t%.2f\t\t", p.dorisCPU.Seconds()/millions),
		fmt.Sprintf("aim\t\t\t\t\t≤ %s\t", mib(aimProofPeak)),
		"\t\t\t\t\t\t",
		"bytes read\tjournal\thub\tDoris\ttogether\t\t",
		fmt.Sprintf("hefu reconcile\t%s\t%s\t%.0f KiB\t%s\t\t", mib(p.journal), mib(p.hub), float64(p.doris)/1024, mib(p.journal+p.hub+p.doris)))
}

func (r *proofReport) service(all []share) error {
	lines := []string{fmt.Sprintf("%d rows/s for %s, all at once\tCPU of a core\tof it, looks\tlooks\trows/s: hub\ttable\tcompared\tCPU-µs per row of these\tpeak RSS\taim\t", r.rate, r.live)}
	never := all[0].cpu
	for _, s := range all {
		what, looks, compared, each, aim := "hefu run without looks", "-", "-", "-", "-"
		if s.interval > 0 {
			what = fmt.Sprintf("a look every %s", s.interval)
			looks = fmt.Sprintf("%.1f %%", 100*(s.cpu-never).Seconds()/s.during.Seconds())
			compared = fmt.Sprintf("%.0f", perSecond(s.compared, s.during))
			if s.compared > 0 { // else no look came to its end meanwhile
				each = fmt.Sprintf("%.1f", (s.cpu-never).Seconds()*1e6/float64(s.compared))
			}
			aim = fmt.Sprintf("≤ %.0f %%", aimShare)
		}
		lines = append(lines, fmt.Sprintf("%s\t%.1f %%\t%s\t%d\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t", what, 100*s.cpu.Seconds()/s.during.Seconds(), looks,
			s.looks, perSecond(s.hub, s.during), perSecond(s.table, s.during), compared, each, mib(s.peak), aim))
	}
	return r.table(lines...)
}
