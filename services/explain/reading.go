package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// reading is one look at a journal, every stream of which ends where it ended when it was first
// looked at. The further ones are looked at first: whatever they name is then there.
type reading struct {
	j     *journal.Journal
	c     domain.PipelineConfig
	zone  *time.Location
	tails map[domain.Stream]*journal.Entry // nil: there is no such stream
}

func (r *reading) stream(shard int, leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: r.j.Pipeline(), Shard: shard, Leg: leg}
}

// tail is the last event of a stream, nil when there is no such stream.
func (r *reading) tail(ctx context.Context, s domain.Stream) (*journal.Entry, error) {
	if e, known := r.tails[s]; known {
		return e, nil
	}
	e, err := r.j.Tail(ctx, s)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return nil, err
	}
	r.tails[s] = e
	return e, nil
}

// ends takes the ends of a shard's streams against the way of a row.
func (r *reading) ends(ctx context.Context, shard int) error {
	for _, leg := range slices.Backward(domain.Legs()) {
		if _, err := r.tail(ctx, r.stream(shard, leg)); err != nil {
			return err
		}
	}
	return nil
}

// search finds the first event of which holds is true; it must be true of all events after it,
// too. It reads as many events as a halving takes. nil: of none.
func (r *reading) search(ctx context.Context, s domain.Stream, holds func(*journal.Entry) (bool, error)) (found *journal.Entry, err error) {
	tail, err := r.tail(ctx, s)
	if err != nil || tail == nil {
		return nil, err
	}
	low, high := domain.Seq(1), tail.Seq+1
	for low < high {
		mid := low + (high-low)/2
		e, err := r.j.Get(ctx, s, mid)
		if err != nil {
			return nil, err
		}
		yes, err := holds(e)
		switch {
		case err != nil:
			return nil, err
		case yes:
			found, high = e, mid
		default:
			low = mid + 1
		}
	}
	return found, nil
}

// each reads the events from first to last.
func (r *reading) each(ctx context.Context, s domain.Stream, first, last domain.Seq, do func(*journal.Entry) error) error {
	if first > last {
		return nil
	}
	in, err := r.j.ReadFrom(ctx, s, first)
	if err != nil {
		return err
	}
	defer in.Close()
	for seq := first; seq <= last; seq++ {
		e, err := in.Next(ctx)
		if err != nil {
			return err
		}
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

// contradiction is an event that says otherwise than those around it.
func contradiction(e *journal.Entry, format string, args ...any) error {
	return &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf(format, args...)}
}
