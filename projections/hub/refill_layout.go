package hub

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// tail is what a partition of the live topic lacks, and how far that is put right.
type tail struct {
	partition int32
	span      domain.Span // from where the partition ended to the end of the last row
	runs      []domain.Span
	first     domain.Seq // the first event of the lane that has rows here
	producer  int64      // of the rows
	all       int64      // rows

	at   int64 // what lies before is carried, as the cursor says
	rows int64 // of those before at: the ordinal of the next one
	end  int64 // where the partition ends
	// open are transactions in the partition that nobody but us will ever end, since their
	// markers are lost.
	open []lostEnd
}

// laidOut is what the journal says of a lane that fills the live topic in.
type laidOut struct {
	tails map[int32]*tail
	open  *domain.HubCommitted // the rows of the intent without outcome, nil for none
}

// layOut reads the whole lane: where its rows stood, how many come before the cursor, and what the
// open intent has. Errors: *projections.Refusal where the journal does not say it as the plan
// does, or gives an offset twice.
func (h *Hub) layOut(ctx context.Context, p *past) (*laidOut, error) {
	out, err := h.spans()
	if err != nil {
		return nil, err
	}
	if p.begun != nil {
		out.open = &domain.HubCommitted{}
	}
	lane, err := h.cfg.Replay.Read(ctx, h.j, domain.Cursor{})
	if err != nil {
		return nil, err
	}
	defer lane.Close()
	var cursor domain.Seq
	if p.commit != nil {
		cursor = p.commit.Cursor.Seq
	}
	for !lane.Done() {
		c, err := lane.Next(ctx)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		seq := lane.At().Seq
		if err := out.takes(c, lane.At(), seq <= cursor); err != nil {
			return nil, h.cannot("%s: %v", lane.At(), err)
		}
		if o := out.open; o != nil && cursor < seq && seq <= p.begun.Last.Seq {
			o.Runs, o.Bytes = append(o.Runs, c.Runs...), o.Bytes+c.Bytes
		}
	}
	for _, t := range out.tails {
		if n := len(t.runs); n == 0 || t.runs[n-1].Next != t.span.Next {
			return nil, h.cannot("the lane has no rows of hub partition %d up to %d", t.partition, t.span.Next)
		}
	}
	return out, nil
}

// spans are the tails as the plan has them.
func (h *Hub) spans() (*laidOut, error) {
	out := &laidOut{tails: map[int32]*tail{}}
	for _, s := range h.cfg.Replay.Plan.Rows.Hub {
		switch {
		case s.Partition < 0 || s.Partition >= h.cfg.Pipeline.HubPartitions || s.Span.First < 0 || s.Span.Len() <= 0:
			return nil, h.cannot("hub partition %d, offsets %s: there are none", s.Partition, s.Span)
		case domain.ShardOf(s.Partition, h.cfg.Pipeline.Shards) != h.cfg.Shard:
			continue
		case out.tails[s.Partition] != nil:
			return nil, h.cannot("hub partition %d is named twice", s.Partition)
		}
		out.tails[s.Partition] = &tail{partition: s.Partition, span: s.Span, at: s.Span.First}
	}
	return out, nil
}

func (h *Hub) cannot(format string, args ...any) error {
	return &projections.Refusal{Reason: fmt.Sprintf("plan %s: topic %s cannot be filled in: ", h.cfg.Replay.Plan.ID, h.cfg.Pipeline.HubTopic) +
		fmt.Sprintf(format, args...) + instead}
}

// takes adds the rows of one event; carried says that they lie before the cursor.
func (l *laidOut) takes(c *domain.HubCommitted, at domain.Cursor, carried bool) error {
	for _, r := range c.Runs {
		t := l.tails[r.Partition]
		if t == nil {
			return fmt.Errorf("rows at hub partition %d, which is of another shard", r.Partition)
		}
		run := domain.Span{First: r.Offset, Next: r.Offset + r.N}
		if n := len(t.runs); n > 0 && run.First < t.runs[n-1].Next {
			return fmt.Errorf("offset %d of hub partition %d was given twice: the topic lost its end before, and was written on", run.First, r.Partition)
		}
		if len(t.runs) == 0 {
			t.first = at.Seq
		}
		t.runs, t.all, t.producer = append(t.runs, run), t.all+r.N, rowsProducer(at.Hash)
		if carried {
			t.at, t.rows = run.Next, t.rows+r.N
		}
	}
	return nil
}

// isThere reports whether all rows of the open intent are in the topic, and the last marker.
func (l *laidOut) isThere() bool {
	for _, r := range l.open.Runs {
		t := l.tails[r.Partition]
		if end := r.Offset + r.N; t.end < end || end == t.span.Next && len(t.open) > 0 {
			return false
		}
	}
	return true
}

// pass takes the rows of the open intent as carried.
func (l *laidOut) pass() {
	for _, r := range l.open.Runs {
		t := l.tails[r.Partition]
		t.at, t.rows = r.Offset+r.N, t.rows+r.N
	}
}

// knows is what the partition knows a row by. A log that never held a record takes the sequence 0
// only of a producer that it does not know (KAFKA-15591); so the very first row has one of its own.
func (t *tail) knows(offset, ordinal int64) (producer int64, sequence int32) {
	if offset == 0 {
		return t.producer | 1, 0
	}
	return t.producer, sequenceOf(t.all - 1 - ordinal)
}

// ordinal is that of the row at an offset among those of the tail, if there is one.
func (t *tail) ordinal(offset int64) (n int64, is bool) {
	for _, r := range t.runs {
		if r.Contains(offset) {
			return n + offset - r.First, true
		}
		if r.First > offset {
			break
		}
		n += r.Len()
	}
	return 0, false
}
