package checkpoint

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/domain"
)

// Size is the number of events in the tree: the seq of the last one.
func (t *Tree) Size() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// Torn is how many events were in the file when it was opened and were cut off, since what
// is stored above them does not follow from them.
func (t *Tree) Torn() int64 { return t.torn }

// Append adds the events that follow. They are not durable before Sync. After an error the
// tree is as it was, and the same events may be appended again.
func (t *Tree) Append(events ...domain.Hash) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b []byte
	size, peaks := t.size, append([]tlog.Hash(nil), t.peaks...)
	for i := range events {
		stored := grow(peaks, size, tlog.RecordHash(events[i][:]))
		for _, h := range stored {
			b = append(b, h[:]...)
		}
		peaks, size = crown(peaks, stored), size+1
	}
	if _, err := t.f.WriteAt(b, tlog.StoredHashCount(t.size)*tlog.HashSize); err != nil {
		return fmt.Errorf("append %d events to the tree of size %d: %w", len(events), t.size, err)
	}
	t.size, t.peaks = size, peaks
	return nil
}

// Sync makes everything that was appended durable.
func (t *Tree) Sync() error {
	if err := t.f.Sync(); err != nil {
		return fmt.Errorf("sync the tree: %w", err)
	}
	return nil
}

// Close gives the file back.
func (t *Tree) Close() error { return t.f.Close() }

// Holds reports whether the event at seq is in the tree with this hash.
func (t *Tree) Holds(seq domain.Seq, event domain.Hash) (bool, error) {
	if err := t.within(int64(seq), int64(seq)); err != nil {
		return false, err
	}
	leaf, err := t.read([]int64{tlog.StoredHashIndex(0, int64(seq)-1)})
	if err != nil {
		return false, err
	}
	return leaf[0] == tlog.RecordHash(event[:]), nil
}

// Root is the root of the tree of the first size events.
func (t *Tree) Root(size int64) (domain.Hash, error) {
	if err := t.within(size, size); err != nil {
		return domain.Hash{}, err
	}
	h, err := tlog.TreeHash(size, tlog.HashReaderFunc(t.read))
	return domain.Hash(h), err
}

// Consistency is a proof for CheckConsistency between two trees of this stream.
func (t *Tree) Consistency(old, next int64) ([]domain.Hash, error) {
	if err := t.within(old, next); err != nil {
		return nil, err
	}
	proof, err := tlog.ProveTree(next, old, tlog.HashReaderFunc(t.read))
	return hashes[domain.Hash](proof), err
}

// Inclusion is a proof for CheckInclusion that the event at seq is in the tree of a size.
func (t *Tree) Inclusion(seq domain.Seq, size int64) ([]domain.Hash, error) {
	if err := t.within(int64(seq), size); err != nil {
		return nil, err
	}
	proof, err := tlog.ProveRecord(size, int64(seq)-1, tlog.HashReaderFunc(t.read))
	return hashes[domain.Hash](proof), err
}

// within demands 1 ≤ first ≤ last ≤ size.
func (t *Tree) within(first, last int64) error {
	if size := t.Size(); first < 1 || last < first || last > size {
		return fmt.Errorf("events %d to %d of a tree of size %d", first, last, size)
	}
	return nil
}

// read reads stored hashes by their index. What is below the size never changes, so it
// needs no lock.
func (t *Tree) read(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if _, err := t.f.ReadAt(out[i][:], index*tlog.HashSize); err != nil {
			return nil, fmt.Errorf("read stored hash %d of the tree: %w", index, err)
		}
	}
	return out, nil
}
