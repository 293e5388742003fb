package report

import (
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
)

// Print writes the difference as a terminal has it.
func (d *Difference) Print(w io.Writer) {
	fmt.Fprintf(w, "%s (%s) → %s (%s)\n", d.Before.Done.Format(time.RFC3339), d.Before.Verdict, d.After.Done.Format(time.RFC3339), d.After.Verdict)
	if d.Before.Journal != d.After.Journal {
		fmt.Fprintf(w, "another journal: %s, and now %s\n", d.Before.Journal, d.After.Journal)
	}
	if !d.SameScope {
		fmt.Fprintln(w, "they looked at different things: what is gone may just not have been looked at")
	}
	for _, list := range []struct {
		what     string
		findings []Finding
	}{{"new", d.New}, {"gone", d.Gone}, {"accepted", d.Accepted}} {
		for i := range list.findings {
			if i == printedFindings {
				fmt.Fprintf(w, "… and %d more %s\n", len(list.findings)-i, list.what)
				break
			}
			fmt.Fprintf(w, "%s: %s\n", list.what, FindingText(&list.findings[i]))
		}
	}
	for _, c := range d.Coverage {
		left, right := Places(c.After.Proof)
		fmt.Fprintf(w, "%s → %s: verified %s (%s) → %s (%s); differ %s → %s; not checked %s → %s; on their way %s → %s\n", spot(left), spot(right),
			humanize.Comma(c.Before.Verified), share(c.Before.Verified, c.Before.Rows), humanize.Comma(c.After.Verified), share(c.After.Verified, c.After.Rows),
			humanize.Comma(c.Before.Diverged), humanize.Comma(c.After.Diverged), humanize.Comma(c.Before.NotChecked), humanize.Comma(c.After.NotChecked),
			humanize.Comma(c.Before.Pending), humanize.Comma(c.After.Pending))
	}
	for _, c := range d.Windows {
		left, right := Places(c.Proof)
		fmt.Fprintf(w, "windows %s → %s %s: %s → %s\n", spot(left), spot(right), c.State, humanize.Comma(c.Before), humanize.Comma(c.After))
	}
	d.printSources(w)
	for _, s := range d.Streams {
		how := "not proven by the later report"
		if s.Proven {
			how = "proven"
		}
		fmt.Fprintf(w, "journal %s: %d → %d, %+d events (%s)\n", s.Stream, s.Before, s.After, int64(s.After)-int64(s.Before), how)
	}
}

func (d *Difference) printSources(w io.Writer) {
	if len(d.Sources) == 0 {
		return
	}
	t := newTable(w, table.Row{"city", "source", "partition", "next", "rows", "in hub", "in Doris", "excluded", "on the way"}, nil, 3, 4, 5, 6, 7, 8, 9)
	for _, s := range d.Sources {
		t.AppendRow(table.Row{s.City, s.Source, s.Partition, signed(s.Next), signed(s.Rows), signed(s.InHub), signed(s.InDoris), signed(s.Excluded), signed(s.Pending)})
	}
	t.Render()
}

// signed is "+1,234", "-5", "0".
func signed(n int64) string {
	if n > 0 {
		return "+" + humanize.Comma(n)
	}
	return humanize.Comma(n)
}
