package origin

import (
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// LeftOut is the rows that the visible loads of a stream left out, by their place in the ingest
// stream: a table need not have them.
type LeftOut map[runKey][]domain.Span // of ordinals

// LeftOut reads a stream of loads up to its end now: a shard's, or that of a replay.
func (o *Journal) LeftOut(ctx context.Context, of domain.Stream) (LeftOut, error) {
	end, err := o.tail(ctx, of)
	if err != nil {
		return nil, err
	}
	out := LeftOut{}
	begun := map[domain.Seq][]domain.Exclusion{}
	s := stream{j: o.j, s: of}
	defer s.close()
	err = s.to(ctx, end, func(e *journal.Entry) error {
		switch ev := e.Event.(type) {
		case *domain.DorisBegun:
			if len(ev.Excluded) > 0 {
				begun[e.Seq] = ev.Excluded
			}
		case *domain.DorisAborted:
			delete(begun, ev.Begun.Seq)
		case *domain.DorisCommitted:
			for _, x := range begun[ev.Begun.Seq] {
				key := runKey{x.Ingest, x.Run}
				out[key] = append(out[key], domain.Span{First: x.Ordinal, Next: x.Ordinal + x.Count})
			}
			delete(begun, ev.Begun.Seq)
		}
		return nil
	})
	return out, err
}

// Has reports whether a row was left out.
func (l LeftOut) Has(e *Expected) bool {
	for _, s := range l[runKey{e.Ingest, e.Run}] {
		if s.Contains(e.Ordinal) {
			return true
		}
	}
	return false
}

// Loaded is how far the visible loads of a shard have come: the last event of the stream that
// they carry. Zero: nothing was loaded.
func (o *Journal) Loaded(ctx context.Context, shard int) (domain.Ref, error) {
	at := o.stream(shard, domain.LegDoris, domain.Cursor{}).s
	tail, err := o.j.Tail(ctx, at)
	if errors.Is(err, journal.ErrNotFound) {
		return domain.Ref{}, nil
	}
	if err != nil {
		return domain.Ref{}, err
	}
	last := domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Commit
	if last == 0 {
		return domain.Ref{}, nil
	}
	e, err := o.j.Get(ctx, at, last)
	if err != nil {
		return domain.Ref{}, err
	}
	if c, is := e.Event.(*domain.DorisCommitted); is {
		return c.Cursor, nil
	}
	return domain.Ref{}, &journal.IntegrityError{Stream: at, Seq: last, What: "the trail of the stream names it as its last commit, and it is none"}
}
