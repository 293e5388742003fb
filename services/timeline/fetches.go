package timeline

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// hole is offsets of a source partition that hold no row, for one reason.
type hole struct {
	key    domain.PartitionKey
	reason domain.Reason
}

// ingested counts what was fetched, and tells of offsets without a row for which there is no
// innocent reason: one line for each source partition and reason.
func (t *telling) ingested(e *journal.Entry, ev *domain.Ingested) {
	t.rhythm.hear(e, ev)
	var rows int64
	for i := range ev.Runs {
		run := &ev.Runs[i]
		rows += run.Rows
		for _, g := range run.Gaps {
			if !g.Reason.Innocent() {
				t.hole(e, hole{keyOf(run), g.Reason}, g.Span, ev.Incident)
			}
		}
	}
	t.flows(e.At, Counts{Fetched: rows})
}

func (t *telling) hole(e *journal.Entry, h hole, span domain.Span, decided domain.IncidentID) {
	t.accounts.gone(h.key, span)
	l := t.holes[h]
	if l == nil {
		l = t.line(e, "")
		l.Ranges = []Range{{City: t.city(h.key.Source), Source: string(h.key.Source), Generation: uint32(h.key.Generation), Partition: h.key.Partition, First: span.First}}
		t.holes[h] = l
	} else {
		l.Times = max(l.Times, 1) + 1
		until := t.time(e.At)
		l.Until = &until
	}
	r := &l.Ranges[0]
	r.Last, r.Rows = span.Next-1, r.Rows+span.Len()
	l.What = fmt.Sprintf("%s of source %s partition %d hold no row: %s%s", number(r.Rows, "offset"), h.key.Source, h.key.Partition, h.reason, byDecision(decided))
}
