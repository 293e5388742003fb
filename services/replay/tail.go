package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// end is where a partition of the live hub topic ends, and what the journal has beyond.
type end struct {
	shard int
	at    int64 // now
	was   int64 // behind the last row that was committed there
	twice int64 // behind the last offset that was given to two rows, 0 for none
	rows  int64 // of the journal, from where it ends now on
}

// tails leaves of the plan the ends that partitions of the live hub topic lost: what lies between
// where they end and where the journal knows them to have ended.
func (p *planning) tails(ctx context.Context) error {
	topic, all := p.plan.Target.Name, p.plan.Expect.Rows
	ends := map[int32]*end{}
	for _, l := range p.plan.Lanes {
		if err := p.ends(ctx, l, ends); err != nil {
			return err
		}
	}
	var lost []domain.HubSpan
	for _, h := range slices.Sorted(maps.Keys(ends)) {
		e := ends[h]
		switch {
		case e.at >= e.was:
			continue
		case e.twice > e.at:
			return &refusedError{fmt.Sprintf("hub partition %d ends at %d, and offsets up to %d were given twice, since it was written on after an earlier loss: "+
				"nobody can say which row is to be there; replay into a shadow topic", h, e.at, e.twice-1)}
		case len(standing(p.o, e.shard)) == 0:
			return &refusedError{fmt.Sprintf("hub partition %d lost its end, and %s", h, mayWrite(e.shard))}
		}
		lost = append(lost, domain.HubSpan{Partition: h, Span: domain.Span{First: e.at, Next: e.was}})
	}
	if len(lost) == 0 {
		return &refusedError{fmt.Sprintf("nothing is missing: each partition of topic %s goes up to its last committed row, %s rows in all", topic, humanize.Comma(all))}
	}
	p.plan.Rows = domain.Selection{Hub: lost}
	if err := p.count(ctx); err != nil {
		return err
	}
	p.plan.Expect.Present = all - p.plan.Expect.Rows
	p.tailNotes(ends)
	return nil
}

// ends asks where the partitions of a shard end, and reads where they ended.
func (p *planning) ends(ctx context.Context, l domain.PlanLane, ends map[int32]*end) error {
	topic := p.plan.Target.Name
	p.say(fmt.Sprintf("asking where the partitions of topic %s end that shard %d writes", topic, l.Shard))
	now, err := p.s.tails(ctx, p.s.legs.HubLeg(p.o, l.Shard), p.o.Journal.ID())
	var refused *projections.Refusal
	if errors.As(err, &refused) {
		return &refusedError{refused.Reason}
	}
	if err != nil {
		return fmt.Errorf("where the partitions of topic %s end: %w", topic, err)
	}
	return eachCommit(ctx, p.o.Journal, l, func(entry *journal.Entry, c *domain.HubCommitted) error {
		for _, r := range c.Runs {
			e, next := ends[r.Partition], r.Offset+r.N
			if e == nil {
				at, told := now[r.Partition]
				if !told {
					return fmt.Errorf("%s has rows in partition %d of topic %s, of which nobody says where it ends", entry.Ref(), r.Partition, topic)
				}
				e = &end{shard: l.Shard, at: at}
				ends[r.Partition] = e
			}
			if r.Offset < e.was {
				e.twice = max(e.twice, min(e.was, next))
			}
			e.was = max(e.was, next)
			e.rows += max(0, next-max(r.Offset, e.at))
		}
		return nil
	})
}

// tailNotes says what each partition lost, and what becomes of it.
func (p *planning) tailNotes(ends map[int32]*end) {
	note := func(format string, args ...any) { p.plan.Notes = append(p.plan.Notes, fmt.Sprintf(format, args...)) }
	empty := int64(0)
	for _, h := range p.plan.Rows.Hub {
		e := ends[h.Partition]
		empty += h.Span.Len() - e.rows
		note("hub partition %d ends at %d, and ended at %d before: %s rows are lost; offsets without a row: %s",
			h.Partition, e.at, e.was, humanize.Comma(e.rows), humanize.Comma(h.Span.Len()-e.rows))
	}
	note("the rows are written at the offsets that they had, in no transaction: who reads read_committed sees them as they come")
	if empty > 0 {
		note("offsets without a row become the markers of empty transactions, of which no reader sees anything: %s in all", humanize.Comma(empty))
	}
	for _, l := range p.plan.Lanes {
		for _, in := range standing(p.o, l.Shard) {
			note("the hub leg of shard %d stands still until somebody types, once this is done: %s", l.Shard, resolves(in))
		}
	}
}
