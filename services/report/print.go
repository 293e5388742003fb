package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/hefu-io/hefu/domain"
)

// printedFindings bounds what a terminal has to take; the file has more.
const printedFindings = 50

// Print writes a report as a terminal has it: the cities, the findings, what was not checked,
// the coverage, and the verdict last, where a person looks. A failed write shows in whoever
// owns the writer.
func Print(w io.Writer, r *Report) {
	printScope(w, r)
	if r.Scope.Plan == nil {
		printCities(w, r)
	}
	printRebased(w, r.Journal.Rebased)
	for _, o := range r.Others {
		fmt.Fprintf(w, "%s %s: not checked\n", humanize.Comma(o.Rows), o.What)
	}
	printFindings(w, r)
	for _, u := range r.Unchecked {
		of, what := "all sources", "rows"
		if u.Source != "" {
			of = fmt.Sprintf("source %s city %s", u.Source, u.City)
		}
		if u.Column != "" {
			what = "rows, column " + u.Column
		}
		fmt.Fprintf(w, "not checked in %s: %s: %s %s: %s\n", u.Where, of, humanize.Comma(u.Rows), what, u.Why)
	}
	printCoverage(w, r)
	fmt.Fprintf(w, "compared in %s\nverdict: %s: %s\n", r.Done.Sub(r.Began).Round(time.Millisecond), verdictWord(r.Verdict), r.Why)
}

func verdictWord(v domain.Verdict) string {
	if v == domain.Verified {
		return "clean (verified)"
	}
	return string(v)
}

func printScope(w io.Writer, r *Report) {
	of := "all sources"
	if len(r.Scope.Sources) > 0 {
		of = "sources " + strings.Join(r.Scope.Sources, ", ")
	}
	when := ""
	if r.Scope.From != nil || r.Scope.To != nil {
		when = fmt.Sprintf(", extract_time %s to %s", stamp(r.Scope.From, zone(r), time.DateTime), stamp(r.Scope.To, zone(r), time.DateTime))
	}
	if p := r.Scope.Plan; p != nil {
		fmt.Fprintf(w, "pipeline %s, replay %s into %s, depth %s\nthe plan that was approved has the digest %s\n", r.Scope.Pipeline, p.ID, p.Where(), r.Scope.Depth, p.Digest)
		return
	}
	fmt.Fprintf(w, "pipeline %s, %s%s, depth %s\n", r.Scope.Pipeline, of, when, r.Scope.Depth)
}

// printColumn is one of the table's; it is left out when it is not needed and all zero.
type printColumn struct {
	name   string
	needed bool
	value  func(*cityTotals) int64
}

func printColumns(r *Report, total *cityTotals) []printColumn {
	city, doris := slices.Contains(r.Scope.Proofs, domain.ProofCityHub), slices.Contains(r.Scope.Proofs, domain.ProofHubDoris)
	out := []printColumn{
		{"in city", city, func(c *cityTotals) int64 { return c.Rows }},
		{"in hub", true, func(c *cityTotals) int64 { return c.InHub }},
		{"in Doris", doris, func(c *cityTotals) int64 { return c.InDoris }},
	}
	for i, class := range Classes() {
		needed := slices.Contains([]domain.Class{domain.Lost, domain.Doubled, domain.Altered, domain.Strayed}, class)
		out = append(out, printColumn{string(class), needed, func(c *cityTotals) int64 { return c.Findings[i] }})
	}
	out = append(out,
		printColumn{"excluded", true, func(c *cityTotals) int64 { return c.ExcludedHub + c.ExcludedDoris }},
		printColumn{"on the way", false, func(c *cityTotals) int64 { return c.Pending + c.PendingDoris }})
	for _, reason := range reasons(r) {
		out = append(out, printColumn{strings.ReplaceAll(reason, "_", " "), false, func(c *cityTotals) int64 { return c.Gaps[reason] }})
	}
	return slices.DeleteFunc(out, func(c printColumn) bool { return !c.needed && c.value(total) == 0 })
}

func printCities(w io.Writer, r *Report) {
	cities := byCity(r)
	total := all(cities)
	columns := printColumns(r, total)
	header, footer := table.Row{"city", ""}, table.Row{"all", ""}
	var aligned []int
	for i, c := range columns {
		header = append(header, c.name)
		footer = append(footer, humanize.Comma(c.value(total)))
		aligned = append(aligned, i+3)
	}
	t := newTable(w, header, footer, aligned...)
	for _, c := range cities {
		row := table.Row{c.City, strings.Join(c.Sources, " ")}
		for _, column := range columns {
			row = append(row, humanize.Comma(column.value(c)))
		}
		t.AppendRow(row)
	}
	t.Render()
}

// newTable is a table whose columns of these numbers, from 1, are of figures.
func newTable(w io.Writer, header, footer table.Row, figures ...int) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Footer, t.Style().Format.Header = text.FormatDefault, text.FormatDefault
	t.AppendHeader(header)
	if footer != nil {
		t.AppendFooter(footer)
	}
	var formats []table.ColumnConfig
	for _, n := range figures {
		formats = append(formats, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignFooter: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(formats)
	return t
}

func printFindings(w io.Writer, r *Report) {
	for i := range r.Findings {
		if i == printedFindings {
			break
		}
		fmt.Fprintln(w, FindingText(&r.Findings[i]))
	}
	if n := int64(max(0, len(r.Findings)-printedFindings)) + r.More; n > 0 {
		fmt.Fprintf(w, "… and %s more\n", humanize.Comma(n))
	}
}

// FindingText names one row: what is wrong with it where, its coordinates, and who accepted it.
func FindingText(f *Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: source %s city %s", f.Class, f.Where, f.Source, f.City)
	if f.CityPartition >= 0 {
		fmt.Fprintf(&b, ", city %d/%d", f.CityPartition, f.CityOffset)
	}
	if f.HubPartition >= 0 {
		fmt.Fprintf(&b, ", hub %d/%d", f.HubPartition, f.HubOffset)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, ", column %s", f.Column)
	}
	fmt.Fprintf(&b, ": %s", f.Detail)
	if a := f.Accepted; a != nil {
		fmt.Fprintf(&b, " (accepted by %s: %s)", a.Who, a.Why)
	}
	return b.String()
}

func printCoverage(w io.Writer, r *Report) {
	t := newTable(w, table.Row{"proof", "rows", "verified", "", "differ", "not checked", "on the way", "windows"}, nil, 2, 3, 4, 5, 6, 7)
	for _, c := range r.Coverage {
		left, right := Places(c.Proof)
		var windows []string
		for _, s := range inStates(r.Windows, func(w *Window) bool { return w.Proof == c.Proof }) {
			windows = append(windows, fmt.Sprintf("%s %s", humanize.Comma(s.N), s.State))
		}
		t.AppendRow(table.Row{
			spot(left) + " → " + spot(right), humanize.Comma(c.Rows), humanize.Comma(c.Verified), share(c.Verified, c.Rows),
			humanize.Comma(c.Diverged), humanize.Comma(c.NotChecked), humanize.Comma(c.Pending), strings.Join(windows, ", "),
		})
	}
	t.Render()
}
