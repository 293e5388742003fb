package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Reader hands out the events of a stream in order, over all segments, and waits at
// the end. It demands seq = previous + 1 and the chain to match, else it stops with
// an *IntegrityError: it never skips. It belongs to one goroutine.
type Reader struct {
	j       *Journal
	s       domain.Stream
	seq     domain.Seq // of the next event
	prev    domain.Hash
	f       Follower
	segment domain.Seq
	last    *Entry // what was handed out last
	err     error
}

// Read makes a Reader of the events after a cursor. A cursor with a seq must be an
// event of the stream with that hash, else *IntegrityError or *BreachError; the zero
// cursor is the beginning. A stream that does not exist yet is waited for.
func (j *Journal) Read(ctx context.Context, s domain.Stream, after domain.Cursor) (*Reader, error) {
	r := &Reader{j: j, s: s, seq: after.Seq + 1, prev: after.Hash}
	if after.Seq == 0 {
		return r, nil
	}
	e, err := j.Get(ctx, s, after.Seq)
	if errors.Is(err, ErrNotFound) {
		// Whoever has a cursor has read or appended this event.
		err = j.Check(ctx, Anchor{Journal: j.id, Ref: domain.Ref{Stream: s, Seq: after.Seq, Hash: after.Hash}, Where: "a cursor"})
		if err == nil { // it came late
			e, err = j.Get(ctx, s, after.Seq)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s after %d: %w", s, after.Seq, err)
	}
	if e.Hash != after.Hash {
		return nil, &IntegrityError{Stream: s, Seq: after.Seq, What: fmt.Sprintf("hash is %s, the cursor says %s", e.Hash, after.Hash)}
	}
	r.last = e
	return r, nil
}

// Continue makes a Reader of the events after one that the store need not have any more: the
// first that it hands out has to follow that hash.
func (j *Journal) Continue(s domain.Stream, after domain.Cursor) *Reader {
	return &Reader{j: j, s: s, seq: after.Seq + 1, prev: after.Hash}
}

// ReadFrom makes a Reader that begins with the event at seq. The chain is checked
// from the event before it on.
func (j *Journal) ReadFrom(ctx context.Context, s domain.Stream, seq domain.Seq) (*Reader, error) {
	if seq <= 1 {
		return j.Read(ctx, s, domain.Cursor{})
	}
	e, err := j.Get(ctx, s, seq-1)
	if err != nil {
		return nil, fmt.Errorf("read %s from %d: %w", s, seq, err)
	}
	return &Reader{j: j, s: s, seq: seq, prev: e.Hash, last: e}, nil
}

// Next waits for the next event. After an error other than the context's the reader
// is of no more use.
func (r *Reader) Next(ctx context.Context) (*Entry, error) {
	if r.err != nil {
		return nil, r.err
	}
	e, err := r.next(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.err = err
		}
		return nil, err
	}
	r.seq, r.prev, r.last = e.Seq+1, e.Hash, e
	return e, nil
}

func (r *Reader) next(ctx context.Context) (*Entry, error) {
	e, err := r.fromTail(ctx)
	if e == nil && err == nil {
		e, err = r.fromStore(ctx)
	}
	if err != nil {
		return nil, err
	}
	if e.Prev != r.prev {
		return nil, &IntegrityError{Stream: r.s, Seq: r.seq, What: fmt.Sprintf("follows hash %s, the event before it has %s", e.Prev, r.prev)}
	}
	return e, nil
}

func (r *Reader) fromStore(ctx context.Context) (*Entry, error) {
	if err := r.follow(ctx); err != nil {
		return nil, err
	}
	stored, err := r.f.Next(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s@%d: %w", r.s, r.seq, err)
	}
	return r.j.check(stored, r.s, r.seq)
}

// follow opens the segment that holds the next event, waiting until it is made.
func (r *Reader) follow(ctx context.Context) error {
	_, rolled := eventOf(r.last).(*domain.Rolled)
	if r.f != nil && (!rolled || r.segment == r.seq) {
		return nil
	}
	r.Close()
	for wait := time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		list, err := r.j.list(ctx, r.s)
		if err != nil {
			return err
		}
		segment, ok := segmentAt(list, r.seq)
		if ok && (!rolled || segment == r.seq) {
			if err := r.j.patient(ctx, func() error { return r.closed(ctx, list, segment) }); err != nil {
				return err
			}
			r.f, err = r.j.o.Store.Follow(ctx, r.s, segment, r.seq)
			if err != nil {
				return fmt.Errorf("follow %s from %d: %w", r.s, r.seq, err)
			}
			r.segment = segment
			return nil
		}
		if !ok && len(list) > 0 {
			return r.j.hole(r.s, r.seq, "the store's first segment begins at %d", list[0].First)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// closed demands that a segment that another one follows goes on to there: at an end before
// it a follower would wait for ever.
func (r *Reader) closed(ctx context.Context, list []Segment, segment domain.Seq) error {
	i := slices.IndexFunc(list, func(g Segment) bool { return g.First > segment })
	if i < 0 {
		return nil
	}
	stored, err := r.j.o.Store.Last(ctx, r.s, segment)
	if errors.Is(err, ErrNotFound) {
		return r.j.hole(r.s, segment, "the segment that begins here is empty, and another begins at %d", list[i].First)
	}
	if err != nil {
		return fmt.Errorf("end of segment %s/%d: %w", r.s, segment, err)
	}
	e, err := r.j.checkTail(stored, r.s, segment)
	if err == nil && e.Seq+1 != list[i].First {
		return r.j.hole(r.s, e.Seq+1, "the segment before it ends here, and the next one begins at %d", list[i].First)
	}
	return err
}

func eventOf(e *Entry) domain.Event {
	if e == nil {
		return nil
	}
	return e.Event
}

// Close ends the reader.
func (r *Reader) Close() {
	if r.f != nil {
		r.f.Close()
		r.f = nil
	}
}
