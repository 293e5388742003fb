package origin

import (
	"context"
	"sort"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Slice is what was journaled in a while, by extract_time, which never falls in a stream.
type Slice struct {
	Ingest domain.Span                         // seqs of the ingest events
	Cities map[domain.PartitionKey]domain.Span // city offsets; partitions without any are left out
	Hub    map[int32]domain.Span               // hub offsets of those rows that are committed
}

// Between resolves a while, [from, until), to the offsets of each partition. It reads some
// twenty events of the ingest stream, and the hub events of the while.
func (b *Books) Between(ctx context.Context, from, until domain.Micros) (*Slice, error) {
	first, err := b.firstAt(ctx, from)
	if err != nil {
		return nil, err
	}
	next, err := b.firstAt(ctx, until)
	if err != nil {
		return nil, err
	}
	s := &Slice{Ingest: domain.Span{First: int64(first), Next: int64(max(first, next))}, Cities: map[domain.PartitionKey]domain.Span{}, Hub: map[int32]domain.Span{}}
	if first >= next {
		return s, nil
	}
	before, err := b.through(ctx, first-1)
	if err != nil {
		return nil, err
	}
	after, err := b.through(ctx, next-1)
	if err != nil {
		return nil, err
	}
	for key, end := range after {
		if in := (domain.Span{First: before[key], Next: end}); in.Len() > 0 {
			s.Cities[key] = in
		}
	}
	if b.o.config.Direct {
		for key, in := range s.Cities {
			if !b.isFormer(key) {
				s.Hub[key.Partition] = in
			}
		}
		return s, nil
	}
	return s, b.hubBetween(ctx, first, next, s.Hub)
}

// firstAt is the first ingest event that was written at a time or later and has rows; behind the
// last one where there is none. What holds no rows counts as written with the next that does.
func (b *Books) firstAt(ctx context.Context, at domain.Micros) (domain.Seq, error) {
	var failed error
	n := sort.Search(int(b.ingest.at.Seq), func(i int) bool {
		for seq := domain.Seq(i + 1); seq <= b.ingest.at.Seq && failed == nil; seq++ {
			e, err := b.o.j.Get(ctx, b.ingest.s, seq)
			if err != nil {
				failed = err
				break
			}
			if in, is := e.Event.(*domain.Ingested); is {
				return in.ExtractTime >= at
			}
		}
		return true
	})
	return domain.Seq(n + 1), failed
}

// mark says how far the hub was after one of its commits.
type mark struct {
	commit domain.Seq
	ingest domain.Seq // the last ingest event that is in the hub
}

// markEvery bounds the marks: there is one for so many events of the hub stream.
const markEvery = 256

func (b *Books) mark(seq domain.Seq) {
	if n := len(b.marks); n == 0 || seq >= b.marks[n-1].commit+markEvery {
		b.marks = append(b.marks, mark{seq, b.passed.hub})
	}
}

// hubBetween finds the hub offsets of the rows of ingest events [first, next).
func (b *Books) hubBetween(ctx context.Context, first, next domain.Seq, out map[int32]domain.Span) error {
	// From the last mark whose commit came before the first event.
	i := sort.Search(len(b.marks), func(i int) bool { return b.marks[i].ingest >= first })
	from := domain.Seq(0)
	if i > 0 {
		from = b.marks[i-1].commit
	}
	hub := b.hub
	hub.r = nil
	if err := hub.after(ctx, from); err != nil {
		return err
	}
	defer hub.close()
	for over := false; !over && hub.at.Seq < b.hub.at.Seq; {
		err := hub.to(ctx, domain.Cursor{Seq: hub.at.Seq + 1}, func(e *journal.Entry) error {
			c, is := e.Event.(*domain.HubCommitted)
			if !is {
				return nil
			}
			for _, r := range c.Runs {
				if r.Ingest < first || r.Ingest >= next {
					continue
				}
				in := domain.Span{First: r.Offset, Next: r.Offset + r.N}
				if have, known := out[r.Partition]; known {
					in = domain.Span{First: min(have.First, in.First), Next: max(have.Next, in.Next)}
				}
				out[r.Partition] = in
			}
			over = c.Cursor.Seq+1 >= next
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
