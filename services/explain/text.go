package explain

import (
	"fmt"
	"io"
	"strings"
)

// Text writes the answer for people: what it is, where it is, and its life, a line an event.
func (a *Answer) Text(w io.Writer) error {
	p := &page{w: w}
	p.fact("asked", a.Asked)
	p.fact("state", a.State)
	p.fact("journal", fmt.Sprintf("%s of pipeline %s, shard %d; times are UTC, in brackets %s", a.Journal, a.Pipeline, a.Shard, a.Timezone))
	p.row(a.Row)
	if b := a.Batch; b != nil {
		p.batch(b)
	}
	if h := a.Hub; h != nil {
		at := fmt.Sprintf("%s partition %d offset %d", h.Topic, h.Partition, h.Offset)
		if h.Timestamp != nil {
			at += ", timestamp " + both(h.Timestamp)
		}
		p.fact("hub", at)
	}
	if d := a.Doris; d != nil {
		txn := ""
		if d.Txn != 0 {
			txn = fmt.Sprintf(", transaction %d", d.Txn)
		}
		p.fact("doris", fmt.Sprintf("%s, label %s%s, visible %s", d.Table, d.Label, txn, both(d.Visible)))
	}
	for _, g := range a.Others {
		p.fact("also", fmt.Sprintf("generation %d has this offset too: --generation %d", g, g))
	}
	p.lines(a.Lines)
	if a.Row != nil && a.Row.Record != nil && a.Row.Record.Text != nil {
		p.print("\n%s\n", *a.Row.Record.Text)
	}
	return p.err
}

// page writes until something goes wrong.
type page struct {
	w   io.Writer
	err error
}

func (p *page) print(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *page) fact(key, value string) { p.print("%-9s%s\n", key, value) }

func both(t *Time) string { return fmt.Sprintf("%s (%s)", t.UTC, t.Local) }

func (p *page) row(r *Row) {
	if r == nil {
		return
	}
	code := ""
	if r.City != "" {
		code = "city " + r.City + ", "
	}
	p.fact("row", fmt.Sprintf("%ssource %s generation %d, topic %s partition %d offset %d", code, r.Source, r.Generation, r.Topic, r.Partition, r.Offset))
	p.fact("fetched", both(r.ExtractTime)+", its extract_time")
	p.record(r.Record)
	if len(r.Gaps) == 0 {
		p.fact("gaps", "none in its run")
		return
	}
	var parts []string
	for _, g := range r.Gaps {
		parts = append(parts, fmt.Sprintf("%s %s", thousands(g.Offsets), g.Reason))
	}
	s := "in its run " + strings.Join(parts, ", ")
	if g := r.Before; g != nil {
		s += fmt.Sprintf("; just before it [%d,%d) %s", g.First, g.Next, g.Reason)
	}
	if g := r.After; g != nil {
		s += fmt.Sprintf("; just behind it [%d,%d) %s", g.First, g.Next, g.Reason)
	}
	p.fact("gaps", s)
}

func (p *page) record(r *Record) {
	from := fmt.Sprintf("record batch %d to %d, %s, CRC-32C %s", r.Batch.First, r.Batch.Last, count(int64(r.Batch.Bytes), "byte"), r.Batch.CRC32C)
	switch {
	case !r.Decodes:
		p.fact("record", "cannot be read: its batch does not decode; "+from)
		return
	case r.Null:
		p.fact("record", "null, timestamp "+both(r.Timestamp))
	default:
		p.fact("record", fmt.Sprintf("%s, timestamp %s", count(int64(r.Bytes), "byte"), both(r.Timestamp)))
		p.fact("digests", fmt.Sprintf("SHA-256 %s, XXH3 %s", r.SHA256, r.XXH3))
	}
	p.fact("batch", from)
}

func (p *page) batch(b *Batch) {
	name := b.Event
	if b.Label != "" {
		kind := "load"
		if b.Probe {
			kind = "probe"
		}
		name += fmt.Sprintf(", %s %s into %s", kind, b.Label, b.Table)
	}
	p.fact("batch", name)
	of := b.First
	if b.Last != b.First {
		of += " to " + b.Last
	}
	p.fact("carries", fmt.Sprintf("%s of %s, %s excluded", count(b.Rows, "row"), of, thousands(b.Excluded)))
	for _, r := range b.Ranges {
		s := fmt.Sprintf("source %s generation %d partition %d: %s from offset %d to %d", r.Source, r.Generation, r.Partition, count(r.Rows, "row"), r.First, r.Last)
		if r.Placed {
			s += fmt.Sprintf("; hub partition %d from %d to %d", r.HubPartition, r.HubFirst, r.HubLast)
		}
		p.fact("range", s)
	}
}

// lines writes the life. Of an event without a time it says between which it was.
func (p *page) lines(lines []Line) {
	if len(lines) == 0 {
		return
	}
	event, before := 0, len("< before")
	for i := range lines {
		event, before = max(event, len(lines[i].Event)), max(before, len(lines[i].before()))
	}
	p.print("\n%-*s  %-*s  %-*s  %-*s  what\n", stamp, " time, or > after", before, "< before", event, "event", digits, "hash")
	for i := range lines {
		l := &lines[i]
		p.print("%-*s  %-*s  %-*s  %-*s  %s\n", stamp, l.after(), before, l.before(), event, l.Event, digits, short(l.Hash), l.What)
	}
}

const (
	day    = len("2006-01-02 ")
	stamp  = len(">" + utcFormat)
	digits = 12 // of a hash
)

// after is when the event happened, or after when.
func (l *Line) after() string {
	switch {
	case l.Time != nil:
		return " " + l.Time.UTC
	case l.After != nil:
		return ">" + l.After.UTC
	default:
		return ""
	}
}

// before is before when an event without a time happened; the day only where it is another one.
func (l *Line) before() string {
	switch {
	case l.Time != nil || l.Before == nil:
		return ""
	case l.After != nil && l.After.UTC[:day] == l.Before.UTC[:day]:
		return "<" + l.Before.UTC[day:]
	default:
		return "<" + l.Before.UTC
	}
}
