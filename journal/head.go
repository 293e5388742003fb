package journal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// head is the end of a stream as its next writer needs it.
type head struct {
	segment domain.Seq // first seq of the segment that takes the next event
	made    bool       // whether that segment was just made by this process
	size    int64      // bytes in it
	tail    *Entry     // nil: not even Genesis
}

// time is when the next event is made: by the clock, and never before the tail.
func (h *head) time(j *Journal) domain.Micros {
	if h.tail == nil {
		return j.Now()
	}
	return max(j.Now(), h.tail.At)
}

// next is the seq of the next event.
func (h *head) next() domain.Seq {
	if h.tail == nil {
		return h.segment
	}
	return h.tail.Seq + 1
}

// head reads the end of a stream. A stream without a segment has segment 0.
func (j *Journal) head(ctx context.Context, s domain.Stream) (*head, error) {
	list, err := j.list(ctx, s)
	if err != nil {
		return nil, err
	}
	h := &head{}
	// The newest segment may still be empty: then the tail is the Rolled before it.
	for i := len(list) - 1; i >= 0 && h.tail == nil; i-- {
		if h.segment == 0 {
			h.segment, h.size = list[i].First, list[i].Bytes
		}
		stored, err := j.o.Store.Last(ctx, s, list[i].First)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("tail of %s: %w", s, err)
		default:
			if h.tail, err = j.checkTail(stored, s, list[i].First); err != nil {
				return nil, err
			}
		}
	}
	if h.tail != nil && h.segment > h.tail.Seq+1 {
		return nil, &IntegrityError{Stream: s, Seq: h.tail.Seq + 1, What: fmt.Sprintf("a segment begins at %d after a tail of %d", h.segment, h.tail.Seq)}
	}
	return h, nil
}

// checkTail checks the last event of a segment without knowing its seq beforehand,
// nor, for control, the journal's id.
func (j *Journal) checkTail(stored []byte, s domain.Stream, first domain.Seq) (*Entry, error) {
	e, err := Decode(stored)
	switch {
	case errors.Is(err, ErrMalformed):
		return nil, &IntegrityError{Stream: s, Seq: first, What: "tail of the segment that begins here: " + err.Error()}
	case err != nil:
		return nil, fmt.Errorf("tail of %s: %w", s, err)
	case e.Stream != s:
		return nil, &IntegrityError{Stream: s, Seq: e.Seq, What: "tail belongs to " + e.Stream.String()}
	case e.Seq < first:
		return nil, &IntegrityError{Stream: s, Seq: e.Seq, What: fmt.Sprintf("is the tail of the segment that begins at %d", first)}
	}
	if s.Leg != domain.LegControl && e.Journal != j.id {
		return nil, &IntegrityError{Stream: s, Seq: e.Seq, What: fmt.Sprintf("belongs to journal %s, this one is %s", e.Journal, j.id)}
	}
	return e, nil
}

// begin reads the end of a stream and makes what is not there: the first segment,
// Genesis, and the segment after a Rolled tail. Each step is repeated by whoever
// comes next if the process dies after it.
func (j *Journal) begin(ctx context.Context, s domain.Stream) (*head, error) {
	for {
		h, err := j.head(ctx, s)
		if err != nil {
			return nil, err
		}
		if h.tail == nil {
			if err := j.genesis(ctx, s, h); err != nil {
				return nil, err
			}
			continue // read back: the winner of a race chose the id
		}
		if _, rolled := h.tail.Event.(*domain.Rolled); rolled && h.segment <= h.tail.Seq {
			if err := j.openSegment(ctx, s, h); err != nil {
				return nil, err
			}
		}
		return h, nil
	}
}

func (j *Journal) genesis(ctx context.Context, s domain.Stream, h *head) error {
	if j.o.Manifest.HasStream(s) {
		return j.missing(s)
	}
	if h.segment > 1 {
		return fmt.Errorf("%w: %s begins at %d and nothing is in it: the event before it, which said how to go on, was dropped", ErrMissing, s, h.segment)
	}
	if err := j.o.Store.Create(ctx, s, 1); err != nil {
		return fmt.Errorf("make segment %s/1: %w", s, err)
	}
	h.segment = 1
	now := j.Now()
	parts, hash := Encode(j.id, s, 1, domain.Hash{}, now, &domain.Genesis{Created: now, Pipeline: j.pipeline})
	err := j.put(ctx, s, h, parts, hash)
	var taken *takenError
	if err != nil && !errors.As(err, &taken) {
		return fmt.Errorf("append Genesis of %s: %w", s, err)
	}
	return nil
}

func (*Journal) missing(s domain.Stream) error {
	return fmt.Errorf("%w: %s was made before and is not there; put the store back (a new journal on old targets is refused anyway), nothing was made anew", ErrMissing, s)
}

// openSegment makes the segment after a Rolled tail.
func (j *Journal) openSegment(ctx context.Context, s domain.Stream, h *head) error {
	old := h.segment
	first := h.tail.Seq + 1
	if err := j.o.Store.Create(ctx, s, first); err != nil {
		return fmt.Errorf("make segment %s/%d: %w", s, first, err)
	}
	h.segment, h.made, h.size = first, true, 0
	if err := j.o.Store.Seal(ctx, s, old); err != nil {
		j.o.Log.WarnContext(ctx, "segment is rolled but not sealed yet", "stream", s.String(), "first", old, "error", err)
	}
	return nil
}

// takenError says that another event occupies the seq of an append.
type takenError struct{ by *Entry }

func (e *takenError) Error() string {
	return fmt.Sprintf("%s@%d is occupied by another %s", e.by.Stream, e.by.Seq, e.by.Event.Kind())
}

// put stores an event at the head and returns once it is known which event occupies
// that seq: nil when it is this one. An answer that is not clear is resolved by
// asking the leader, and by sending the same bytes again: "not found" proves
// nothing about a message that is still under way. Errors: *takenError,
// ErrRegressed, ErrTooLarge, ErrUnknown (the context ended first).
func (j *Journal) put(ctx context.Context, s domain.Stream, h *head, parts [][]byte, hash domain.Hash) error {
	seq := h.next()
	said := false
	var suspect time.Time // since when an acknowledged event has been missing
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := j.o.Store.Put(ctx, s, h.segment, seq, parts)
		if err == nil || errors.Is(err, ErrTooLarge) {
			return err
		}
		taken, gerr := j.whoIsAt(ctx, s, h.segment, seq)
		switch {
		case gerr == nil && taken.Hash == hash:
			return nil
		case gerr == nil && h.tail != nil && taken.Size > 0 && taken.Prev != h.tail.Hash:
			return fmt.Errorf("append %s@%d: %w: %s", s, seq, ErrRegressed, anotherHash)
		case gerr == nil:
			return &takenError{by: taken}
		case errors.Is(gerr, ErrNotFound) && (errors.Is(err, ErrSequence) || errors.Is(err, ErrSealed)):
			why := j.lost(ctx, s, h)
			switch {
			case why == "":
				suspect = time.Time{} // it is there after all
			case suspect.IsZero():
				suspect = j.o.Now()
			}
			if why == anotherHash || why != "" && j.o.Now().Sub(suspect) > j.o.RegressedAfter {
				return fmt.Errorf("append %s@%d: %w: %s at %d", s, seq, ErrRegressed, why, seq-1)
			}
		}
		if wait == time.Second && !said {
			said = true
			j.o.Log.WarnContext(ctx, "append has no clear answer yet, sending it again", "stream", s.String(), "seq", seq, "error", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("append %s@%d: %w: %w", s, seq, ErrUnknown, err)
		case <-time.After(wait):
		}
	}
}

func (j *Journal) whoIsAt(ctx context.Context, s domain.Stream, segment, seq domain.Seq) (*Entry, error) {
	stored, err := j.o.Store.Get(ctx, s, segment, seq)
	if err != nil {
		return nil, err
	}
	if e, err := Decode(stored); err == nil {
		return e, nil
	}
	// Something is there that is not ours to read; it is certainly not this event. Its
	// size is 0: nothing but the hash is known of it.
	return &Entry{Stream: s, Seq: seq, Hash: sha256.Sum256(stored), Event: &domain.Rolled{}}, nil
}

const (
	anotherHash = "another event stands at an acknowledged seq"
	goneEvent   = "an acknowledged event is gone"
)

// lost looks whether the tail that this process had an ack for is still there: empty
// when it is, or when nobody answers.
func (j *Journal) lost(ctx context.Context, s domain.Stream, h *head) string {
	if h.tail == nil {
		return ""
	}
	stored, err := j.stored(ctx, s, h.tail.Seq)
	switch {
	case errors.Is(err, ErrNotFound):
		return goneEvent
	case err == nil && sha256.Sum256(stored) != h.tail.Hash:
		return anotherHash
	default:
		return ""
	}
}
