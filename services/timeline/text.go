package timeline

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Text writes the story for people, a line for what happened.
func (s *Story) Text(w io.Writer) error {
	p := &page{}
	p.fact("timeline", fmt.Sprintf("of pipeline %s, journal %s", s.Pipeline, s.Journal))
	p.fact("window", s.window())
	p.fact("slow", "is what takes longer than "+s.Slow)
	for _, a := range s.Alive {
		p.fact("alive", a)
	}
	for _, b := range s.Before {
		p.fact("already", b)
	}
	p.print("\n")
	for _, l := range s.Lines {
		p.print("%-*s  %s%s\n", spanWidth, s.when(l), l.headline(), eventOf(l, " (%s)"))
		for _, r := range l.shown() {
			p.print("%-*s    %s\n", spanWidth, "", r)
		}
		if l.Later != "" {
			p.print("%-*s    → %s\n", spanWidth, "", l.Later)
		}
	}
	if s.LeftOut > 0 {
		p.print("%s\n", s.leftOut())
	}
	if len(s.Blast) > 0 {
		p.print("\nblast radius\n%s\n", s.table().Render())
	}
	p.print("\nverdict: %s\n", s.Verdict)
	_, err := p.WriteTo(w)
	return err
}

// spanWidth is the width of "15:04:05.000–15:04:05.000".
const spanWidth = 25

// page is a text in the making.
type page struct{ bytes.Buffer }

func (p *page) print(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func (p *page) fact(key, value string) { p.print("%-10s%s\n", key, value) }

// window is the window on both clocks.
func (s *Story) window() string {
	const zone = " -07:00"
	span := func(from, to time.Time, zone string) string {
		return fmt.Sprintf("%s to %s", from.Format(time.DateTime), to.Format(time.DateTime+zone))
	}
	return fmt.Sprintf("%s (%s); %s UTC", span(s.From, s.To, zone), s.Timezone, span(s.From.UTC(), s.To.UTC(), ""))
}

// when is the time of a line, or from when to when.
func (s *Story) when(l *Line) string {
	at := moment(l.At, s.From)
	if l.Until != nil {
		at += "–" + moment(*l.Until, l.At)
	}
	return at
}

// headline is what happened, and how often.
func (l *Line) headline() string {
	switch {
	case l.Counts != nil:
		return strings.ToLower(l.Kind) + ": " + l.What
	case l.Times > 1:
		return fmt.Sprintf("%s; %d times in all", l.What, l.Times)
	default:
		return l.What
	}
}

func eventOf(l *Line, format string) string {
	if l.Event == "" {
		return ""
	}
	return fmt.Sprintf(format, l.Event)
}

// mostRanges is how many ranges of a line are shown; JSON has all.
const mostRanges = 20

// shown are the ranges of a line for people.
func (l *Line) shown() (out []string) {
	for i, r := range l.Ranges {
		if i == mostRanges {
			return append(out, fmt.Sprintf("and %d more partitions", len(l.Ranges)-mostRanges))
		}
		name := "source " + r.Source
		if r.City != "" {
			name = fmt.Sprintf("city %s, %s", r.City, name)
		}
		out = append(out, fmt.Sprintf("%s generation %d partition %d: offsets %d to %d, %s", name, r.Generation, r.Partition, r.First, r.Last, r.amount(l.Kind)))
	}
	return out
}

func (r *Range) amount(kind string) string {
	if kind == "Ingested" { // it tells of gaps
		return number(r.Rows, "offset")
	}
	return number(r.Rows, "row")
}

func (s *Story) leftOut() string {
	return fmt.Sprintf("%d lines more are left out: a smaller window has them.", s.LeftOut)
}

// table is the blast radius.
func (s *Story) table() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"city", "source", "gen", "partition", "offsets", "rows", "visible after", "not there", "left out", "no row", "findings", "why"})
	for i := range s.Blast {
		row := &s.Blast[i]
		t.AppendRow(table.Row{
			row.City, row.Source, row.Generation, row.Partition, row.offsets(), number(row.Rows, "row"), row.slowest(),
			row.NotThere, row.Excluded, row.Gone, row.Findings, strings.Join(row.Why, ", "),
		})
	}
	return t
}

// offsets shows the first few spans.
func (t *Touched) offsets() string {
	const most = 4
	var out []string
	for i, s := range t.Offsets {
		if i == most {
			break
		}
		if s.Len() == 1 {
			out = append(out, fmt.Sprint(s.First))
			continue
		}
		out = append(out, fmt.Sprintf("%d–%d", s.First, s.Next-1))
	}
	if more := len(t.Offsets) - most + t.LeftOut; len(t.Offsets) > most {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

func (t *Touched) slowest() string {
	if t.Rows == 0 || t.Rows == t.NotThere {
		return "–"
	}
	return (time.Duration(t.Longest) * time.Millisecond).String()
}
