package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Store is a journal.Store with an archive behind it: segments that control says were
// dropped are read from their files, everything else is the store's. Control itself is
// never dropped.
type Store struct {
	journal.Store
	place Place

	mu    sync.Mutex
	knows map[string]*record    // by pipeline
	files map[domain.Hash]*file // by the digest that control knows
	kept  []kept                // the blocks read last
}

// record is what a pipeline's control stream says of the archive.
type record struct {
	reading sync.Mutex                      // one at a time
	control atomic.Pointer[journal.Control] // nil: there was no control stream yet
}

// New puts an archive behind a store.
func New(store journal.Store, place Place) *Store {
	return &Store{Store: store, place: place, knows: map[string]*record{}, files: map[domain.Hash]*file{}}
}

// Place is where the files are.
func (s *Store) Place() Place { return s.place }

// Stored lists the segments that are in the store itself, also those of which Dropped
// was said and the deletion did not come to be.
func (s *Store) Stored(ctx context.Context, stream domain.Stream) ([]journal.Segment, error) {
	return s.Store.Segments(ctx, stream)
}

// Segments implements journal.Store: the dropped segments, sealed and of no bytes, and
// those of the store. A segment between them that is nowhere is journal.ErrMissing.
func (s *Store) Segments(ctx context.Context, stream domain.Stream) ([]journal.Segment, error) {
	list, err := s.Store.Segments(ctx, stream)
	if err != nil || stream.Leg == domain.LegControl {
		return list, err
	}
	// Dropped stands on control before a segment is missing: what was not in the list is
	// found there now. One that begins where the known ones end leaves nothing to ask.
	through, gone, err := s.dropped(ctx, stream, func(through domain.Seq) bool {
		return len(list) > 0 && list[0].First <= through+1
	})
	if err != nil || through == 0 {
		return list, err
	}
	list = slices.DeleteFunc(list, func(g journal.Segment) bool { return g.First <= through })
	if len(list) == 0 || list[0].First != through+1 {
		return nil, fmt.Errorf("%w: %s was dropped up to %d, and the store does not go on at %d: put the store back, nothing was made anew", journal.ErrMissing, stream, through, through+1)
	}
	out := make([]journal.Segment, 0, len(gone)+len(list))
	for i := range gone {
		// Bytes and Next are 0: the store does not count it, and no start reads it back.
		out = append(out, journal.Segment{First: gone[i].First, Sealed: true})
	}
	return append(out, list...), nil
}

// Drop implements journal.Store. In a journal it takes only what control says was archived
// and dropped, and it knows so from then on: an owner who came too late may make the segment
// again, empty, and it must hide nothing.
func (s *Store) Drop(ctx context.Context, stream domain.Stream, first domain.Seq) error {
	if _, _, err := s.dropped(ctx, stream, func(through domain.Seq) bool { return through >= first }); err != nil {
		return err
	}
	if s.known(stream, first) == nil && s.record(stream.Pipeline).control.Load() != nil {
		return fmt.Errorf("drop %s/%d: control does not say that it was: nothing was dropped", stream, first)
	}
	return s.Store.Drop(ctx, stream, first)
}

// Get implements journal.Store.
func (s *Store) Get(ctx context.Context, stream domain.Stream, first, seq domain.Seq) ([]byte, error) {
	return s.read(ctx, stream, first,
		func() ([]byte, error) { return s.Store.Get(ctx, stream, first, seq) },
		func(*domain.Archived) domain.Seq { return seq })
}

// Last implements journal.Store.
func (s *Store) Last(ctx context.Context, stream domain.Stream, first domain.Seq) ([]byte, error) {
	return s.read(ctx, stream, first,
		func() ([]byte, error) { return s.Store.Last(ctx, stream, first) },
		func(a *domain.Archived) domain.Seq { return a.Last.Seq })
}

// read asks the store, and the archive for what is not there because it was dropped.
func (s *Store) read(ctx context.Context, stream domain.Stream, first domain.Seq, stored func() ([]byte, error), seq func(*domain.Archived) domain.Seq) ([]byte, error) {
	a := s.known(stream, first)
	if a == nil {
		b, err := stored()
		if !errors.Is(err, journal.ErrNotFound) {
			return b, err
		}
		var lost error
		if a, lost = s.gone(ctx, stream, first); lost != nil {
			return nil, lost // not "not found": nobody knows
		}
		if a == nil {
			return nil, err
		}
	}
	return s.event(ctx, a, seq(a))
}
