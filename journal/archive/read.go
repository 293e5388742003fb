package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// What is kept of what was read: the indexes of so many files, and so many blocks for
// whoever asks for single events.
const (
	keptFiles  = 64
	keptBlocks = 4
)

// kept is a block that was read.
type kept struct {
	of     domain.Hash // the file
	block  int
	events [][]byte
}

// open opens the file of a segment as control knows it.
func (s *Store) open(ctx context.Context, a *domain.Archived) (*file, error) {
	s.mu.Lock()
	f := s.files[a.Digest]
	s.mu.Unlock()
	if f != nil {
		return f, nil
	}
	f, err := openFile(ctx, s.place, a.File, a.Last.Stream, a.First)
	if err != nil {
		return nil, err
	}
	if f.digest != a.Digest || f.size != a.Bytes {
		return nil, f.damaged(0, fmt.Sprintf("is another file than control names: %d bytes with an index of SHA-256 %s, and control says %d and %s", f.size, f.digest, a.Bytes, a.Digest))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.files) >= keptFiles {
		clear(s.files) // read again where they are needed
	}
	s.files[a.Digest] = f
	return f, nil
}

// event reads one event of a dropped segment.
func (s *Store) event(ctx context.Context, a *domain.Archived, seq domain.Seq) ([]byte, error) {
	if seq < a.First || seq > a.Last.Seq {
		return nil, fmt.Errorf("get %s@%d of archived segment %d: %w", a.Last.Stream, seq, a.First, journal.ErrNotFound)
	}
	f, err := s.open(ctx, a)
	if err != nil {
		return nil, err
	}
	i := f.ix.block(seq)
	list := s.keptBlock(a.Digest, i)
	if list == nil {
		if list, err = f.events(ctx, i); err != nil {
			return nil, err
		}
		s.keep(kept{a.Digest, i, list})
	}
	return bytes.Clone(list[seq-f.ix.Blocks[i].First]), nil
}

func (s *Store) keptBlock(of domain.Hash, block int) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.of == of && k.block == block {
			return k.events
		}
	}
	return nil
}

func (s *Store) keep(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == keptBlocks {
		copy(s.kept, s.kept[1:])
		s.kept = s.kept[:keptBlocks-1]
	}
	s.kept = append(s.kept, k)
}

// Follow implements journal.Store. A segment that is dropped while it is followed goes on
// in its file.
func (s *Store) Follow(ctx context.Context, stream domain.Stream, first, seq domain.Seq) (journal.Follower, error) {
	f := &follower{s: s, stream: stream, first: first, next: seq}
	if f.a = s.known(stream, first); f.a != nil {
		return f, nil
	}
	stored, err := s.Store.Follow(ctx, stream, first, seq)
	if err == nil {
		f.stored = stored
		return f, nil
	}
	return f, f.moveOn(ctx, err)
}

type follower struct {
	s           *Store
	stream      domain.Stream
	first, next domain.Seq
	stored      journal.Follower // nil: the segment is read from its file
	a           *domain.Archived
	block       [][]byte // what is left of it
}

// Next implements journal.Follower.
func (f *follower) Next(ctx context.Context) ([]byte, error) {
	if f.stored != nil {
		b, err := f.stored.Next(ctx)
		if err == nil {
			f.next++ // where the store left one out, the reader sees it
			return b, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if err := f.moveOn(ctx, err); err != nil {
			return nil, err
		}
	}
	if f.next > f.a.Last.Seq { // nothing comes after a Rolled
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if len(f.block) == 0 {
		if err := f.load(ctx); err != nil {
			return nil, err
		}
	}
	b := f.block[0]
	f.block[0] = nil // let go of with the last of them
	f.block = f.block[1:]
	f.next++
	return b, nil
}

// moveOn leaves the store for the archive if err says that the segment is not there.
func (f *follower) moveOn(ctx context.Context, err error) error {
	if !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	a, lost := f.s.gone(ctx, f.stream, f.first)
	if lost != nil {
		return lost
	}
	if a == nil {
		return err
	}
	f.Close()
	f.a = a
	return nil
}

// load reads the block that holds the next event.
func (f *follower) load(ctx context.Context) error {
	file, err := f.s.open(ctx, f.a)
	if err != nil {
		return err
	}
	i := file.ix.block(max(f.next, f.first))
	list, err := file.events(ctx, i)
	if err == nil {
		f.block = list[max(f.next, f.first)-file.ix.Blocks[i].First:]
	}
	return err
}

// Close implements journal.Follower.
func (f *follower) Close() {
	if f.stored != nil {
		f.stored.Close()
		f.stored = nil
	}
}
