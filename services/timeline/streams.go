package timeline

import (
	"cmp"
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// reading is one look at a journal, every stream of which ends where it ended when it was first
// looked at. The further ones are looked at first: whatever they name is then there.
type reading struct {
	j     *journal.Journal
	c     domain.PipelineConfig
	tails map[domain.Stream]domain.Seq // 0: there is no such stream
}

func (r *reading) stream(shard int, leg domain.Leg) domain.Stream {
	return domain.Stream{Pipeline: r.j.Pipeline(), Shard: shard, Leg: leg}
}

func (r *reading) tail(ctx context.Context, s domain.Stream) (domain.Seq, error) {
	if seq, known := r.tails[s]; known {
		return seq, nil
	}
	e, err := r.j.Tail(ctx, s)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		r.tails[s] = 0
	case err != nil:
		return 0, err
	default:
		r.tails[s] = e.Seq
	}
	return r.tails[s], nil
}

// each reads events of a stream in order.
func (r *reading) each(ctx context.Context, s domain.Stream, first, last domain.Seq, do func(*journal.Entry) error) error {
	f, err := r.follow(ctx, s, first, last)
	if err != nil {
		return err
	}
	defer f.close()
	for f.next != nil {
		if err := do(f.next); err != nil {
			return err
		}
		if err := f.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// feed is a part of a stream that is being read.
type feed struct {
	in   *journal.Reader
	last domain.Seq
	next *journal.Entry // nil: no more
}

// follow begins to read a part of a stream.
func (r *reading) follow(ctx context.Context, s domain.Stream, first, last domain.Seq) (*feed, error) {
	if first > last {
		return &feed{}, nil
	}
	in, err := r.j.ReadFrom(ctx, s, first)
	if err != nil {
		return nil, err
	}
	f := &feed{in: in, last: last, next: &journal.Entry{Seq: first - 1}}
	if err := f.step(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *feed) step(ctx context.Context) (err error) {
	if f.next.Seq >= f.last {
		f.next = nil
		return nil
	}
	f.next, err = f.in.Next(ctx)
	return err
}

func (f *feed) close() {
	if f.in != nil {
		f.in.Close()
	}
}

// together are parts of several streams, read in the order of their times.
type together []*feed

// next is the oldest event that was not given yet, nil at the end. Of events of the same time
// control's come first, and then those that are earlier on the way of a row.
func (t together) next(ctx context.Context) (*journal.Entry, error) {
	var first *feed
	for _, f := range t {
		if f.next != nil && (first == nil || earlier(f.next, first.next)) {
			first = f
		}
	}
	if first == nil {
		return nil, nil
	}
	e := first.next
	return e, first.step(ctx)
}

func earlier(a, b *journal.Entry) bool {
	return cmp.Or(cmp.Compare(a.At, b.At), a.Stream.Compare(b.Stream)) < 0
}

func (t together) close() {
	for _, f := range t {
		f.close()
	}
}
