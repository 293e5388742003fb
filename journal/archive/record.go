package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func (s *Store) record(pipeline string) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.knows[pipeline]
	if r == nil {
		r = &record{}
		s.knows[pipeline] = r
	}
	return r
}

// dropped is what control says was dropped of a stream: up to which seq, and the segments
// in order. It is read to its present end the first time, and again when enough says no.
func (s *Store) dropped(ctx context.Context, stream domain.Stream, enough func(through domain.Seq) bool) (through domain.Seq, list []domain.Archived, err error) {
	r := s.record(stream.Pipeline)
	r.reading.Lock()
	defer r.reading.Unlock()
	if c := r.control.Load(); c == nil {
		if err := r.open(ctx, s.Store, stream.Pipeline); err != nil || r.control.Load() == nil {
			return 0, nil, err
		}
	} else if through, _ := r.of(stream); !enough(through) {
		if err := c.CatchUp(ctx); errors.Is(err, journal.ErrNotFound) {
			return 0, nil, fmt.Errorf("%w: what was dropped of %s, since its control stream has no end", journal.ErrMissing, stream)
		} else if err != nil {
			return 0, nil, fmt.Errorf("what was dropped of %s: %w", stream, err)
		}
	}
	through, list = r.of(stream)
	next := domain.Seq(1)
	for i := range list {
		if list[i].First == next {
			next = list[i].Last.Seq + 1
		}
	}
	if next != through+1 {
		return 0, nil, &journal.IntegrityError{Stream: stream, Seq: next, What: fmt.Sprintf("control says that all up to %d was dropped, and not where this was archived", through)}
	}
	return through, list, nil
}

// open reads control from the store, once there is one.
func (r *record) open(ctx context.Context, store journal.Store, pipeline string) error {
	list, err := store.Segments(ctx, domain.ControlStream(pipeline))
	if err != nil || len(list) == 0 {
		return err
	}
	j, err := journal.Open(ctx, pipeline, journal.Options{Store: store})
	if err != nil {
		return err
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		return fmt.Errorf("what was dropped of pipeline %s: %w", pipeline, err)
	}
	r.control.Store(control)
	return nil
}

// of is what is known of a stream.
func (r *record) of(stream domain.Stream) (through domain.Seq, list []domain.Archived) {
	r.control.Load().State(func(c *domain.ControlState) {
		through = c.Dropped[stream]
		for _, a := range c.Archived[stream] {
			if a.Last.Seq <= through {
				list = append(list, a)
			}
		}
	})
	slices.SortFunc(list, func(a, b domain.Archived) int { return cmp.Compare(a.First, b.First) })
	return through, list
}

// known is the dropped segment that begins at a seq, as far as was read; nil for none.
func (s *Store) known(stream domain.Stream, first domain.Seq) (a *domain.Archived) {
	control := s.record(stream.Pipeline).control.Load()
	if control == nil {
		return nil
	}
	control.State(func(c *domain.ControlState) {
		if found, ok := c.Archived[stream][first]; ok && found.Last.Seq <= c.Dropped[stream] {
			a = &found
		}
	})
	return a
}

// gone is the segment that begins at a seq, if the store has it no more because it was
// dropped; nil when the store has it, or nobody ever had.
func (s *Store) gone(ctx context.Context, stream domain.Stream, first domain.Seq) (*domain.Archived, error) {
	if stream.Leg == domain.LegControl {
		return nil, nil
	}
	list, err := s.Store.Segments(ctx, stream)
	if err != nil || slices.ContainsFunc(list, func(g journal.Segment) bool { return g.First == first }) {
		return nil, err
	}
	if _, _, err := s.dropped(ctx, stream, func(through domain.Seq) bool { return through >= first }); err != nil {
		return nil, err
	}
	return s.known(stream, first), nil
}
