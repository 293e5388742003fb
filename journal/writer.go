package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Writer appends to one stream as its owner, one append in flight. It belongs to
// one goroutine.
type Writer struct {
	j           *Journal
	s           domain.Stream
	incarnation domain.Seq
	h           *head
	positions   []domain.Position
	trail       domain.Trail
	tail        *tail // nil: not kept
	broken      error // set by the first append that did not end well
}

// Takeover makes the process the owner of a stream: it reads the tail and appends
// Opened, trying again until it is stored; from then on every append of an earlier
// owner fails. A stream that the same incarnation already owns is opened without
// another Opened (a re-open after an error). Errors: *FencedError when a higher
// incarnation owns it, ErrMissing, ErrRegressed, *IntegrityError, *BreachError when
// the stream has not any more what this process knows to be stored.
func (j *Journal) Takeover(ctx context.Context, s domain.Stream, incarnation, config domain.Seq) (*Writer, error) {
	for {
		if a, ok := j.newest(s); ok {
			if err := j.Check(ctx, a); err != nil {
				return nil, fmt.Errorf("take over %s: %w", s, err)
			}
		}
		h, err := j.begin(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("take over %s: %w", s, err)
		}
		if err := j.o.Manifest.Record(j.id, s); err != nil {
			return nil, err
		}
		j.happened(h.tail)
		w := &Writer{j: j, s: s, incarnation: incarnation, h: h}
		w.positions = domain.PositionsOf(h.tail.Event)
		w.trail = domain.TrailOf(h.tail.Event).After(h.tail.Seq, h.tail.Event)
		w.tail = j.keepTail(s, h.next())
		switch owner := ownerOf(h.tail); {
		case owner > incarnation:
			return nil, &FencedError{Stream: s, Mine: incarnation, Owner: owner}
		case owner == incarnation:
			return w, nil
		}
		_, err = w.Append(ctx, &domain.Opened{
			Owned: domain.Owned{Incarnation: incarnation}, Config: config, Positions: w.positions, Trail: w.trail,
		})
		var taken *takenError
		switch {
		case err == nil:
			return w, nil
		case errors.As(err, &taken):
			continue // the old owner was faster once more
		default:
			return nil, fmt.Errorf("take over %s: %w", s, err)
		}
	}
}

func ownerOf(e *Entry) domain.Seq {
	if owned, ok := e.Event.(domain.ShardEvent); ok {
		return owned.Owner()
	}
	return 0
}

// Stream is the stream that the writer owns.
func (w *Writer) Stream() domain.Stream { return w.s }

// Journal is the journal of the stream.
func (w *Writer) Journal() *Journal { return w.j }

// Tail is the last event of the stream.
func (w *Writer) Tail() domain.Ref { return w.h.tail.Ref() }

// Owned is what every event of this writer begins with.
func (w *Writer) Owned() domain.Owned { return domain.Owned{Incarnation: w.incarnation} }

// Positions is the position map after the tail (ingest streams). It is not to be
// changed.
func (w *Writer) Positions() []domain.Position { return w.positions }

// Trail is the trail after the tail (hub and doris streams).
func (w *Writer) Trail() domain.Trail { return w.trail }

// Append stores an event after the tail and returns its place once it is durable.
// The event's slices must not change until then. Errors: *FencedError,
// ErrTooLarge (nothing was stored, the writer goes on), and ErrUnknown,
// ErrRegressed, after which only another Takeover tells what is stored.
func (w *Writer) Append(ctx context.Context, ev domain.ShardEvent) (domain.Ref, error) {
	if w.broken != nil {
		return domain.Ref{}, w.broken
	}
	if err := w.append(ctx, ev); err != nil {
		return domain.Ref{}, err
	}
	ref := w.Tail()
	if w.h.size < w.j.o.SegmentBytes {
		return ref, nil
	}
	// The event is stored whatever happens to the roll; if the process died here the
	// next owner's first append would roll.
	if err := w.append(ctx, &domain.Rolled{Owned: w.Owned(), Positions: w.positions, Trail: w.trail}); err != nil {
		return ref, err
	}
	if err := w.j.openSegment(ctx, w.s, w.h); err != nil {
		w.broken = err
		return ref, err
	}
	return ref, nil
}

func (w *Writer) append(ctx context.Context, ev domain.Event) error {
	seq := w.h.next()
	at := w.h.time(w.j)
	parts, hash := Encode(w.j.id, w.s, seq, w.h.tail.Hash, at, ev)
	err := w.j.put(ctx, w.s, w.h, parts, hash)
	if err == nil && w.h.made {
		err = w.believe(ctx)
	}
	if err != nil {
		return w.fail(err, ev, seq)
	}
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	w.h.size += int64(size)
	w.h.tail = &Entry{Journal: w.j.id, Stream: w.s, Seq: seq, Prev: w.h.tail.Hash, At: at, Hash: hash, Size: size, Event: ev}
	w.j.happened(w.h.tail)
	if w.tail != nil {
		w.tail.add(ctx, w.h.tail)
	}
	w.positions = slices.Clone(domain.PositionsOf(ev)) // the caller may use its slice again
	w.trail = domain.TrailOf(ev).After(seq, ev)
	return nil
}

// believe is asked before the first ack in a segment that this process made is
// believed: a later segment means that the stream went on without it, and that the
// one just made had been dropped before.
func (w *Writer) believe(ctx context.Context) error {
	list, err := w.j.o.Store.Segments(ctx, w.s)
	if err != nil {
		return fmt.Errorf("list segments of %s: %w: %w", w.s, ErrUnknown, err)
	}
	if len(list) == 0 {
		return fmt.Errorf("list segments of %s: %w: none there, though an append into %d was acknowledged", w.s, ErrUnknown, w.h.segment)
	}
	if last := list[len(list)-1]; last.First > w.h.segment {
		return &FencedError{Stream: w.s, Mine: w.incarnation}
	}
	w.h.made = false
	return nil
}

func (w *Writer) fail(err error, ev domain.Event, seq domain.Seq) error {
	if errors.Is(err, ErrTooLarge) {
		return fmt.Errorf("append %s to %s@%d: %w", ev.Kind(), w.s, seq, err)
	}
	w.broken = err
	var taken *takenError
	if errors.As(err, &taken) {
		if owner := ownerOf(taken.by); owner > w.incarnation {
			w.broken = &FencedError{Stream: w.s, Mine: w.incarnation, Owner: owner}
		} else {
			w.broken = fmt.Errorf("append %s to %s@%d: %w: %w", ev.Kind(), w.s, seq, ErrUnknown, err)
		}
		if _, isOpened := ev.(*domain.Opened); isOpened {
			return err
		}
	}
	return w.broken
}
