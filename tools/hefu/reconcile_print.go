package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// findingsShown bounds what a terminal has to take; -o json has more.
const findingsShown = 50

// printReport is a compare as a person reads it: the table, the findings, the verdict.
func printReport(w io.Writer, r *reconcile.Report) {
	printCities(w, r)
	printOthers(w, &r.Others)
	printFindings(w, r)
	printUnchecked(w, r.Unchecked)
	fmt.Fprintf(w, "compared in %s\nverdict: %s: %s\n", r.Took.Round(time.Millisecond), verdictWord(r.Verdict), r.Why)
}

func verdictWord(v domain.Verdict) string {
	if v == domain.Verified {
		return "clean (verified)"
	}
	return string(v)
}

// column is one of the table's; it is left out when it is not needed and all zero.
type column struct {
	name   string
	needed bool
	value  func(*reconcile.CityReport) int64
}

func columns(r *reconcile.Report) []column {
	class := func(name string, needed bool, c domain.Class) column {
		return column{name, needed, func(r *reconcile.CityReport) int64 { return r.Counts[c] }}
	}
	gaps := func(name string, reasons ...domain.Reason) column {
		return column{name, true, func(r *reconcile.CityReport) (n int64) {
			for _, reason := range reasons {
				n += r.Gaps[reason]
			}
			return n
		}}
	}
	out := []column{
		{"in city", !r.Direct, func(r *reconcile.CityReport) int64 { return r.InCity }},
		{"in hub", true, func(r *reconcile.CityReport) int64 { return r.InHub }},
		{"in Doris", true, func(r *reconcile.CityReport) int64 { return r.InDoris }},
		class("lost", true, domain.Lost), class("doubled", true, domain.Doubled), class("altered", true, domain.Altered),
		class("strayed", true, domain.Strayed), class("out of order", false, domain.Reordered),
		{"excluded", true, func(r *reconcile.CityReport) int64 { return r.Excluded }},
		{"on the way", false, func(r *reconcile.CityReport) int64 { return r.Pending }},
		gaps("markers", domain.ReasonCommitMarker, domain.ReasonAbortMarker), gaps("aborted", domain.ReasonAborted),
	}
	// Every other reason for an offset without a row gets a column where it occurs.
	seen := map[domain.Reason]bool{domain.ReasonCommitMarker: true, domain.ReasonAbortMarker: true, domain.ReasonAborted: true}
	for i := range r.Cities {
		for _, reason := range slices.Sorted(maps.Keys(r.Cities[i].Gaps)) {
			if !seen[reason] {
				seen[reason] = true
				out = append(out, gaps(strings.ReplaceAll(reason.String(), "_", " "), reason))
			}
		}
	}
	return slices.DeleteFunc(out, func(c column) bool { return !c.needed && c.sum(r) == 0 })
}

func (c *column) sum(r *reconcile.Report) (n int64) {
	for i := range r.Cities {
		n += c.value(&r.Cities[i])
	}
	return n
}

func printCities(w io.Writer, r *reconcile.Report) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Footer, t.Style().Format.Header = text.FormatDefault, text.FormatDefault
	columns := columns(r)
	header, footer := table.Row{"city", ""}, table.Row{"all", ""}
	var formats []table.ColumnConfig
	for i := range columns {
		header = append(header, columns[i].name)
		footer = append(footer, humanize.Comma(columns[i].sum(r)))
		formats = append(formats, table.ColumnConfig{Number: i + 3, Align: text.AlignRight, AlignFooter: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.AppendHeader(header)
	t.AppendFooter(footer)
	t.SetColumnConfigs(formats)
	for i := range r.Cities {
		row := table.Row{string(r.Cities[i].City), string(r.Cities[i].Source)}
		for _, c := range columns {
			row = append(row, humanize.Comma(c.value(&r.Cities[i])))
		}
		t.AppendRow(row)
	}
	t.Render()
}

// printOthers says what was seen and not checked, since it is not of these books.
func printOthers(w io.Writer, o *reconcile.Others) {
	for _, line := range []struct {
		n    int64
		text string
	}{
		{o.Hub, "rows in the hub from before these books: not checked"},
		{o.Again, "of them that these books carry once more: whoever filled the hub had come further than where they begin"},
		{o.Doris, "rows in the table from before these books: not checked"},
		{o.Beyond, "rows in the table beyond the end of what is read: not checked"},
		{o.Unread, "rows in the table that the hub topic has deleted since: not checked"},
		{o.NotRead, "rows in cities that are not to be read: beyond a bounded end, or where a paused or ended source stands"},
	} {
		if line.n > 0 {
			fmt.Fprintf(w, "%s %s\n", humanize.Comma(line.n), line.text)
		}
	}
}

// printUnchecked says what could not be compared, and why.
func printUnchecked(w io.Writer, list []reconcile.Unchecked) {
	for i := range list {
		u := &list[i]
		of, what := "all sources", "rows"
		if u.Source != "" {
			of = fmt.Sprintf("source %s city %s", u.Source, u.City)
		}
		if u.Column != "" {
			what = "rows, column " + u.Column
		}
		fmt.Fprintf(w, "not checked in %s: %s: %s %s: %s\n", u.Where, of, humanize.Comma(u.Rows), what, u.Why)
	}
}

func printFindings(w io.Writer, r *reconcile.Report) {
	for i := range r.Findings {
		if i == findingsShown {
			fmt.Fprintf(w, "… and %d more\n", int64(len(r.Findings)-i)+r.More)
			break
		}
		fmt.Fprintln(w, findingText(&r.Findings[i]))
	}
	for _, f := range r.Journal {
		fmt.Fprintln(w, "journal does not add up:", f)
	}
}

// findingText names one row: what is wrong with it where, and its coordinates.
func findingText(f *domain.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: source %s city %s, city %d/%d", f.Class, f.Where, f.Source, f.City, f.Row.City.Partition, f.Row.City.Offset)
	if f.Row.Hub.Partition >= 0 {
		fmt.Fprintf(&b, ", hub %d/%d", f.Row.Hub.Partition, f.Row.Hub.Offset)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, ", column %s", f.Column)
	}
	fmt.Fprintf(&b, ": %s", f.Detail)
	return b.String()
}
