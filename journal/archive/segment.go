package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// FileName is the name of a segment's file below the archive's root. It is the same for
// ever, so that whoever archives a segment again finds what is there.
func FileName(id domain.JournalID, s domain.Stream, first domain.Seq) string {
	return fmt.Sprintf("%s/%s/%020d.hefu", id, s, first)
}

// Write archives the segment [first, last] of the store, unless its file is there, and
// reads the file back, whole: what it returns, for control, was compared with the chain
// event hash by event hash. root is of the stream's Merkle tree of size last, or zero.
// It may be repeated at any time: a file that is there is checked and never written over.
// Errors: *journal.IntegrityError for a segment or a file that is not the chain;
// any other error means unknown.
func (s *Store) Write(ctx context.Context, j *journal.Journal, stream domain.Stream, first, last domain.Seq, root domain.Hash) (*domain.Archived, error) {
	prev, end, err := ends(ctx, j, s.Store, stream, first, last)
	if err != nil {
		return nil, fmt.Errorf("archive %s/%d: %w", stream, first, err)
	}
	name := FileName(j.ID(), stream, first)
	if _, err := s.place.Size(ctx, name); errors.Is(err, ErrNoFile) {
		err = s.place.Put(ctx, name, func(w io.Writer) error {
			return s.write(ctx, w, chain{id: j.ID(), s: stream, next: first, prev: prev}, last, root)
		})
		// An answer may be lost: what is there decides.
		if _, lost := s.place.Size(ctx, name); err != nil && lost != nil {
			return nil, fmt.Errorf("archive %s/%d to %s: %w", stream, first, s.place, err)
		}
	}
	f, err := openFile(ctx, s.place, name, stream, first)
	if err != nil {
		return nil, err
	}
	if err := f.verify(ctx, j.ID(), prev, end); err != nil {
		return nil, err
	}
	return &domain.Archived{Last: end, First: first, File: name, Bytes: f.size, Digest: f.digest}, nil
}

// Verify reads the file that an Archived names, whole, and holds it against the segment
// in the store: nothing is dropped before. Errors: as of Write.
func (s *Store) Verify(ctx context.Context, j *journal.Journal, a *domain.Archived) error {
	prev, end, err := ends(ctx, j, s.Store, a.Last.Stream, a.First, a.Last.Seq)
	if err != nil {
		return fmt.Errorf("compare %s/%d with its archive: %w", a.Last.Stream, a.First, err)
	}
	f, err := s.open(ctx, a)
	if err != nil {
		return err
	}
	if end != a.Last {
		return &journal.IntegrityError{Stream: end.Stream, Seq: end.Seq, What: fmt.Sprintf("is %s, control says that %s was archived", end, a.Last)}
	}
	return f.verify(ctx, j.ID(), prev, end)
}

// ends reads what a segment's chain begins and ends with: the hash before it, and its
// last event in the store, which is a Rolled. An event after that, of an owner who came
// too late, is no part of the stream.
func ends(ctx context.Context, j *journal.Journal, store journal.Store, s domain.Stream, first, last domain.Seq) (prev domain.Hash, end domain.Ref, err error) {
	if first > 1 {
		before, err := j.Get(ctx, s, first-1)
		if err != nil {
			return prev, end, err
		}
		prev = before.Hash
	}
	stored, err := store.Get(ctx, s, first, last)
	if err != nil {
		return prev, end, fmt.Errorf("read %s@%d: %w", s, last, err)
	}
	e, err := journal.Decode(stored)
	if err != nil {
		return prev, end, &journal.IntegrityError{Stream: s, Seq: last, What: err.Error()}
	}
	if _, rolled := e.Event.(*domain.Rolled); !rolled || e.Stream != s || e.Seq != last {
		return prev, end, &journal.IntegrityError{Stream: s, Seq: last, What: fmt.Sprintf("is %s@%d %s and should be the Rolled that ends the segment", e.Stream, e.Seq, e.Event.Kind())}
	}
	// The segment behind it vouches for its end, once there is an event.
	next, err := j.Get(ctx, s, last+1)
	switch {
	case errors.Is(err, journal.ErrNotFound):
	case err != nil:
		return prev, end, err
	case next.Prev != e.Hash:
		return prev, end, &journal.IntegrityError{Stream: s, Seq: last, What: fmt.Sprintf("has hash %s, the event after it follows %s", e.Hash, next.Prev)}
	}
	return prev, e.Ref(), nil
}

// write writes the segment's file as the store has it.
func (s *Store) write(ctx context.Context, w io.Writer, at chain, last domain.Seq, root domain.Hash) error {
	f, err := newWriter(w, at.prev)
	if err != nil {
		return err
	}
	from, err := s.Store.Follow(ctx, at.s, at.next, at.next)
	if err != nil {
		return err
	}
	defer from.Close()
	for at.next <= last {
		stored, err := from.Next(ctx)
		if err != nil {
			return fmt.Errorf("read %s@%d: %w", at.s, at.next, err)
		}
		e, err := at.add(stored)
		if err != nil {
			return &journal.IntegrityError{Stream: at.s, Seq: at.next, What: err.Error()}
		}
		if err := f.add(e, stored); err != nil {
			return err
		}
	}
	return f.close(root)
}
