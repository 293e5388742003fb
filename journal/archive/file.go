package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// file is a segment's file, opened: its index is read.
type file struct {
	place  Place
	name   string
	stream domain.Stream // that it is to hold
	first  domain.Seq
	size   int64
	digest domain.Hash // of the index
	ix     *Index
	z      *zstd.Decoder
}

// openFile reads the index of the file of a segment. Errors: ErrNoFile,
// *journal.IntegrityError for one that is not as it was written, and whatever the place
// says while it does not answer. All of them name the file and where it is.
func openFile(ctx context.Context, place Place, name string, s domain.Stream, first domain.Seq) (*file, error) {
	f := &file{place: place, name: name, stream: s, first: first}
	size, err := place.Size(ctx, name)
	if err != nil {
		return nil, f.silent(err)
	}
	if f.size = size; size < trailerSize {
		return nil, f.damaged(0, errNotAFile.Error())
	}
	end, err := place.Read(ctx, name, size-trailerSize, int(trailerSize))
	if err != nil {
		return nil, f.silent(err)
	}
	t, err := readTrailer(end, size)
	if err != nil {
		return nil, f.damaged(0, err.Error())
	}
	b, err := place.Read(ctx, name, t.offset-headerSize, int(t.size)+headerSize)
	if err != nil {
		return nil, f.silent(err)
	}
	if f.ix, err = readIndex(b, t); err != nil {
		return nil, f.damaged(0, err.Error())
	}
	if f.ix.Stream != s || f.ix.First != first {
		return nil, f.damaged(0, fmt.Sprintf("holds %s from %d on", f.ix.Stream, f.ix.First))
	}
	f.digest = t.digest
	if f.z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock)); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return f, nil
}

// silent is the error of a place that did not give what was asked for.
func (f *file) silent(err error) error {
	if errors.Is(err, ErrNoFile) {
		return fmt.Errorf("archive file %s of %s/%d is not in %s: put it back, nothing is skipped: %w", f.name, f.stream, f.first, f.place, err)
	}
	return fmt.Errorf("read archive file %s of %s/%d in %s: %w", f.name, f.stream, f.first, f.place, err)
}

// damaged is the error of a file that is not as it was written. seq 0 is the whole file.
func (f *file) damaged(seq domain.Seq, what string) error {
	return &journal.IntegrityError{Stream: f.stream, Seq: max(seq, f.first), What: fmt.Sprintf("archive file %s in %s: %s; put back a copy of it, nothing is skipped", f.name, f.place, what)}
}

// events reads one block.
func (f *file) events(ctx context.Context, i int) ([][]byte, error) {
	k := &f.ix.Blocks[i]
	b, err := f.place.Read(ctx, f.name, k.Offset, int(k.Size))
	if err != nil {
		return nil, f.silent(err)
	}
	switch {
	case int64(len(b)) < k.Size:
		return nil, f.damaged(k.First, fmt.Sprintf("block %d ends after %d bytes of %d", i, len(b), k.Size))
	case sha256.Sum256(b) != k.SHA256:
		return nil, f.damaged(k.First, fmt.Sprintf("block %d has another SHA-256 than its index says", i))
	}
	raw, err := f.z.DecodeAll(b, make([]byte, 0, k.Raw))
	if err != nil {
		return nil, f.damaged(k.First, fmt.Sprintf("block %d: %v", i, err))
	}
	list, err := split(raw, f.ix.events(i))
	if err != nil {
		return nil, f.damaged(k.First, fmt.Sprintf("block %d: %v", i, err))
	}
	return list, nil
}

// verify reads the whole file and demands that it is this segment: each event is of the
// journal and the stream, in order, and each names the hash of the one before, from prev
// on to last. A chain that ends in the same hash is the same chain, event hash by event
// hash.
func (f *file) verify(ctx context.Context, id domain.JournalID, prev domain.Hash, last domain.Ref) error {
	at := chain{id: id, s: f.stream, next: f.first, prev: prev}
	for i := range f.ix.Blocks {
		list, err := f.events(ctx, i)
		if err != nil {
			return err
		}
		for _, stored := range list {
			if _, err := at.add(stored); err != nil {
				return f.damaged(at.next, err.Error())
			}
		}
	}
	switch {
	case at.next-1 != last.Seq || at.prev != last.Hash:
		return f.damaged(last.Seq, fmt.Sprintf("ends with %s at %d, the segment with %s", at.prev, at.next-1, last))
	case f.ix.Journal != id || f.ix.Last != last.Seq || f.ix.Hash != last.Hash || f.ix.Prev != prev:
		return f.damaged(last.Seq, "its index names other events than it holds")
	}
	return nil
}

// chain walks the stored events of a stream.
type chain struct {
	id   domain.JournalID
	s    domain.Stream
	next domain.Seq
	prev domain.Hash
}

// add checks the next event.
func (c *chain) add(stored []byte) (*journal.Entry, error) {
	e, err := journal.Decode(stored)
	switch {
	case err != nil:
		return nil, err
	case e.Journal != c.id || e.Stream != c.s || e.Seq != c.next:
		return nil, fmt.Errorf("%s@%d of journal %s stands where %s@%d of journal %s should", e.Stream, e.Seq, e.Journal, c.s, c.next, c.id)
	case e.Prev != c.prev:
		return nil, fmt.Errorf("%s@%d follows hash %s, the event before it has %s", c.s, c.next, e.Prev, c.prev)
	}
	c.next, c.prev = e.Seq+1, e.Hash
	return e, nil
}
