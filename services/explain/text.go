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
	if a.Rebuilt != "" {
		p.fact("rebuilt", a.Rebuilt)
	}
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
	name, partition := b.Event, "hub partition"
	switch {
	case b.Probe:
		name += fmt.Sprintf(", probe %s into %s", b.Label, b.Table)
	case b.Label != "":
		name += fmt.Sprintf(", load %s into %s", b.Label, b.Table)
	case b.Table != "":
		name += ", lines into " + b.Table
	case b.Replay != nil:
		partition = "topic partition"
	}
	p.fact("batch", name)
	if r := b.Replay; r != nil {
		p.fact("replay", fmt.Sprintf("%s into %s, planned by %s: %s; it is %s", r.Plan, r.Into, r.Who, r.Why, r.State))
	}
	of := b.First
	if b.Last != b.First {
		of += " to " + b.Last
	}
	p.fact("carries", fmt.Sprintf("%s of %s, %s excluded", count(b.Rows, "row"), of, thousands(b.Excluded)))
	for _, r := range b.Ranges {
		s := fmt.Sprintf("source %s generation %d partition %d: %s from offset %d to %d", r.Source, r.Generation, r.Partition, count(r.Rows, "row"), r.First, r.Last)
		if r.Placed {
			s += fmt.Sprintf("; %s %d from %d to %d", partition, r.HubPartition, r.HubFirst, r.HubLast)
		}
		p.fact("range", s)
	}
}

// lines writes the life.
func (p *page) lines(lines []Line) {
	if len(lines) == 0 {
		return
	}
	event := 0
	for i := range lines {
		event = max(event, len(lines[i].Event))
	}
	p.print("\n%-*s  %-*s  %-*s  what\n", len(utcFormat), "time", event, "event", digits, "hash")
	for i := range lines {
		l := &lines[i]
		p.print("%s  %-*s  %-*s  %s\n", l.Time.UTC, event, l.Event, digits, short(l.Hash), l.What)
	}
}

const digits = 12 // of a hash
