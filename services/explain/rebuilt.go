package explain

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// rebuilt tells of a source partition that it goes on from what was derived when this journal took
// the place of another one, and of an offset before that what is known of it all the same. Nothing
// is told of a generation that began in this journal.
func (c *control) rebuilt(t *telling, out *Answer, f *fetched, offset int64) {
	if c.rebased == nil {
		return
	}
	ev, _ := c.rebased.Event.(*domain.Rebased)
	opened, _ := f.opened.Event.(*domain.SourceOpened)
	for i := range ev.Positions {
		p := &ev.Positions[i]
		if p.Source != opened.Source || p.Generation != f.generation || p.Partition != f.start.Partition {
			continue
		}
		t.note(c.rebased, oneLine(ev.String()))
		out.Rebuilt = fmt.Sprintf("%s: it goes on at offset %d of this partition (%s)", placeOf(ev), p.Next, p.How)
		if offset < p.Next {
			out.State = fmt.Sprintf("offset %d is of before this journal, which begins at %d: its row is in the hub if it was there then, and its way cannot be told", offset, p.Next)
			out.Rebuilt += unproven(ev, fmt.Sprintf("source %s partition %d", p.Source, p.Partition), offset)
		}
	}
}

// rebuiltHub says the same of a place in the hub that held rows before; false of any other.
func (c *control) rebuiltHub(t *telling, out *Answer, at domain.Coord) bool {
	if c.rebased == nil {
		return false
	}
	ev, _ := c.rebased.Event.(*domain.Rebased)
	for _, h := range ev.Hub {
		if h.Partition != at.Partition || at.Offset >= h.Span.Next {
			continue
		}
		t.note(c.rebased, oneLine(ev.String()))
		out.State = fmt.Sprintf("hub %s is of before this journal, whose rows begin there at %d or behind: what is there cannot be told", at, h.Span.Next)
		out.Rebuilt = fmt.Sprintf("%s: hub partition %d had %s in %s then, and the table %s of them",
			placeOf(ev), h.Partition, count(h.Rows, "row"), h.Span, thousands(h.InTable))
		return true
	}
	return false
}

// placeOf says what a journal took the place of, and by whose hand.
func placeOf(ev *domain.Rebased) string {
	old := "one that nobody remembers"
	if ev.Old != (domain.JournalID{}) {
		old = "journal " + ev.Old.String()
	}
	return fmt.Sprintf("from the rows of hub and table by %s, in the place of %s (%s)", ev.Who, old, oneLine(ev.Why))
}

// unproven is what could not be proven of an offset when the journal was rebuilt.
func unproven(ev *domain.Rebased, where string, offset int64) string {
	var out strings.Builder
	for i := range ev.Unproven {
		if u := &ev.Unproven[i]; u.Where == where && u.Spans.Contains(offset) {
			out.WriteString("; not proven then: it is among " + u.What)
		}
	}
	return out.String()
}
