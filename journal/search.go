package journal

import (
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
)

// Search finds the first event of a stream, between two and both included, of which something
// holds that then holds of all later ones; nil where it holds of none. It looks near the first
// one and then further and further away, so that what is near costs little and what is far a
// logarithm.
func (j *Journal) Search(ctx context.Context, s domain.Stream, from, to domain.Seq, holds func(*Entry) (bool, error)) (found *Entry, err error) {
	at := func(seq domain.Seq) (bool, error) {
		e, err := j.Get(ctx, s, seq)
		if err != nil {
			return false, err
		}
		yes, err := holds(e)
		if yes {
			found = e
		}
		return yes, err
	}
	// It holds of nothing before low, and of high unless that is beyond the end.
	low, high := max(from, 1), to+1
	for step := domain.Seq(1); low+step-1 < high; step *= 2 {
		yes, err := at(low + step - 1)
		if err != nil {
			return nil, err
		}
		if yes {
			high = low + step - 1
			break
		}
		low += step
	}
	for low < high {
		mid := low + (high-low)/2
		yes, err := at(mid)
		switch {
		case err != nil:
			return nil, err
		case yes:
			high = mid
		default:
			low = mid + 1
		}
	}
	return found, nil
}

// Until is the last event of a stream that was made at a time or before, 0 for none: the times
// of a stream never fall.
func (j *Journal) Until(ctx context.Context, s domain.Stream, at domain.Micros) (domain.Seq, error) {
	tail, err := j.Tail(ctx, s)
	switch {
	case errors.Is(err, ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case tail.At <= at:
		return tail.Seq, nil
	}
	e, err := j.Search(ctx, s, 1, tail.Seq, func(e *Entry) (bool, error) { return e.At > at, nil })
	if err != nil {
		return 0, err
	}
	return e.Seq - 1, nil
}
