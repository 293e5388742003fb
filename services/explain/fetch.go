package explain

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// life is what the ingest stream says of one generation of a source partition.
type life struct {
	generation domain.Generation
	opened     *journal.Entry // its SourceOpened
	start      domain.Start
	next       int64          // the next offset to journal, or where the generation ended
	ended      bool           // by a later generation
	over       *journal.Entry // the SourceOpened of that one
	position   domain.Position
}

// fetched is what the ingest stream says of one offset.
type fetched struct {
	life
	entry  *journal.Entry // the Ingested that accounts for it, nil for none
	event  *domain.Ingested
	index  int    // of the run in it
	gap    *Gap   // the offset holds no row
	none   string // why there is none, when no event accounts for it
	others []int  // generations that have the offset too
}

// run is the run that accounts for the offset.
func (f *fetched) run() *domain.Run { return &f.event.Runs[f.index] }

// lives are the generations of a source partition, the oldest first.
func (r *reading) lives(ctx context.Context, s domain.Stream, source domain.SourceID, partition int32) ([]*life, error) {
	tail, err := r.tail(ctx, s)
	if err != nil || tail == nil {
		return nil, err
	}
	now := positionOf(tail.Event, source, partition)
	if now == nil {
		return nil, nil
	}
	var out []*life
	for g := domain.Generation(1); g <= now.Generation; g++ {
		opened, err := r.search(ctx, s, func(e *journal.Entry) (bool, error) {
			p := positionOf(e.Event, source, partition)
			return p != nil && p.Generation >= g, nil
		})
		if err != nil {
			return nil, err
		}
		l := &life{generation: g, opened: opened, next: now.Next, position: *now}
		ev, ok := opened.Event.(*domain.SourceOpened)
		if ok && ev.Generation > g {
			continue // this partition has no such generation
		}
		if !ok || !l.begins(ev, source, partition) {
			return nil, contradiction(opened, "has the first position of %s/%d partition %d and does not open it", source, g, partition)
		}
		if n := len(out); n > 0 {
			before, err := r.j.Get(ctx, s, opened.Seq-1)
			if err != nil {
				return nil, err
			}
			if p := positionOf(before.Event, source, partition); p != nil {
				out[n-1].position, out[n-1].next, out[n-1].ended, out[n-1].over = *p, p.Next, true, opened
			}
		}
		out = append(out, l)
	}
	return out, nil
}

func (l *life) begins(ev *domain.SourceOpened, source domain.SourceID, partition int32) bool {
	for _, start := range ev.Starts {
		if ev.Source == source && start.Partition == partition {
			l.start = start
			return true
		}
	}
	return false
}

// has reports whether the generation accounts for an offset, by a row or a gap.
func (l *life) has(offset int64) bool {
	return min(l.start.LogStart, l.start.First) <= offset && offset < l.next
}

func positionOf(ev domain.Event, source domain.SourceID, partition int32) *domain.Position {
	list := domain.PositionsOf(ev)
	for i := range list {
		if list[i].Source == source && list[i].Partition == partition {
			return &list[i]
		}
	}
	return nil
}

// fetch finds what the journal has of an offset, of the generation that is asked for or the newest
// that has it. hint is where the event of a generation may be, 0 where nobody knows.
func (r *reading) fetch(ctx context.Context, s domain.Stream, source domain.SourceConfig, q *Question, hint func(domain.Generation) domain.Seq) (*fetched, error) {
	lives, err := r.lives(ctx, s, source.ID, q.Partition)
	if err != nil {
		return nil, err
	}
	if len(lives) == 0 {
		return &fetched{none: fmt.Sprintf("partition %d of source %s was never opened", q.Partition, source.ID)}, nil
	}
	var f fetched
	for _, l := range lives {
		switch {
		case q.Generation > 0 && int(l.generation) != q.Generation:
		case l.has(q.Offset), f.opened == nil, !f.has(q.Offset):
			f.life = *l
		}
	}
	if f.opened == nil {
		return &fetched{none: fmt.Sprintf("partition %d of source %s has no generation %d: the newest is %d", q.Partition, source.ID, q.Generation, lives[len(lives)-1].generation)}, nil
	}
	for _, l := range lives {
		if l.generation != f.generation && l.has(q.Offset) {
			f.others = append(f.others, int(l.generation))
		}
	}
	if q.Offset < f.start.First || q.Offset >= f.next {
		f.none = f.outside(q.Offset)
		return &f, nil
	}
	return &f, r.inside(ctx, s, &f, q, hint(f.generation))
}

// outside says why an offset was not journaled.
func (l *life) outside(offset int64) string {
	switch {
	case offset < min(l.start.LogStart, l.start.First):
		return fmt.Sprintf("offset %d lies before offset %d, where the topic's log began when generation %d was opened", offset, l.start.LogStart, l.generation)
	case offset < l.start.First:
		return fmt.Sprintf("offset %d lies in the gap %s with reason %s: the journaled start of generation %d is %d (%s)", offset,
			domain.Span{First: l.start.LogStart, Next: l.start.First}, domain.ReasonStartPolicy, l.generation, l.start.First, l.start.How)
	case l.ended:
		return fmt.Sprintf("offset %d lies beyond the end of generation %d, which went up to offset %d before the source began anew", offset, l.generation, l.next)
	case l.position.Finished():
		return fmt.Sprintf("offset %d lies beyond the end of the partition, which is bounded: it ends at %d (%s)", offset, l.position.Stop, l.start.StopHow)
	case l.position.Closed:
		return fmt.Sprintf("offset %d lies beyond offset %d, up to which the partition was journaled when its source ended", offset, l.next)
	default:
		return fmt.Sprintf("offset %d was not journaled yet: the next one to journal is %d", offset, l.next)
	}
}

// inside finds the event that accounts for an offset of the generation.
func (r *reading) inside(ctx context.Context, s domain.Stream, f *fetched, q *Question, hint domain.Seq) error {
	source := f.opened.Event.(*domain.SourceOpened).Source
	if tail, err := r.tail(ctx, s); err == nil && hint > 0 && hint <= tail.Seq {
		e, err := r.j.Get(ctx, s, hint)
		if err != nil {
			return err
		}
		f.take(e, source, q)
	}
	if f.entry == nil {
		e, err := r.search(ctx, s, func(e *journal.Entry) (bool, error) {
			p := positionOf(e.Event, source, q.Partition)
			return p != nil && (p.Generation > f.generation || p.Generation == f.generation && p.Next > q.Offset), nil
		})
		if err != nil {
			return err
		}
		if f.take(e, source, q); f.entry == nil {
			return contradiction(e, "moves %s partition %d beyond offset %d and has no run with it", source, q.Partition, q.Offset)
		}
	}
	for _, g := range f.run().Gaps {
		if g.Span.First <= q.Offset && q.Offset < g.Span.Next {
			f.gap = gapOf(g)
		}
	}
	return nil
}

// take looks for the run with the offset in an event.
func (f *fetched) take(e *journal.Entry, source domain.SourceID, q *Question) {
	ev, ok := e.Event.(*domain.Ingested)
	if !ok {
		return
	}
	for i := range ev.Runs {
		run := &ev.Runs[i]
		if run.Source == source && run.Generation == f.generation && run.Partition == q.Partition && run.First <= q.Offset && q.Offset < run.Next {
			f.entry, f.event, f.index = e, ev, i
			return
		}
	}
}

func gapOf(g domain.Gap) *Gap {
	return &Gap{First: g.Span.First, Next: g.Span.Next, Reason: g.Reason.String()}
}

// ordinal is the place of a row among those of its run: without the gaps before it.
func ordinal(run *domain.Run, offset int64) int64 {
	n := offset - run.First
	for _, g := range run.Gaps {
		if g.Span.First < offset {
			n -= g.Span.Len()
		}
	}
	return n
}
