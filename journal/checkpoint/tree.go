package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is the Merkle tree of one stream in a file: leaf i is the hash of the event at seq
// i + 1, so the size of the tree is the seq of the last event. The file holds tlog's stored
// hashes one after the other and only grows; it says nothing that the stream does not, and
// can always be made from it again. A Tree may be used by many goroutines.
type Tree struct {
	mu    sync.Mutex
	f     file
	size  int64
	peaks []tlog.Hash // the roots of the perfect trees that make the tree, from the largest on
	torn  int64
}

// file is what a tree needs of its file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// OpenTree opens the tree in a file, or an empty one where there is none. What the last
// writer did not finish is cut off: bytes that are no whole hash, hashes that are no whole
// leaf with its parents, and what a power loss left of hashes that were not synced.
func OpenTree(path string) (*Tree, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open tree: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open tree: %w", err), f.Close())
	}
	t, err := openTree(f, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open tree %s: %w", path, err), f.Close())
	}
	return t, nil
}

func openTree(f file, length int64) (*Tree, error) {
	t := &Tree{f: f, size: leaves(length / tlog.HashSize)}
	whole := t.size
	if err := t.sound(); err != nil {
		return nil, err
	}
	t.torn = whole - t.size
	if end := tlog.StoredHashCount(t.size) * tlog.HashSize; end != length {
		return t, f.Truncate(end)
	}
	return t, nil
}

// leaves is the size of the largest tree that has no more than n stored hashes.
func leaves(n int64) int64 {
	size := n / 2 // a tree of that size has fewer than n
	for tlog.StoredHashCount(size+1) <= n {
		size++
	}
	return size
}

// recheck is how many of the last leaves are looked at when a tree is opened, and always
// begins at a multiple of it: more than are ever appended between two syncs.
const recheck = 1 << 16

// sound finds the last leaf up to which the parents follow from their children, and makes
// the peaks there.
func (t *Tree) sound() error {
	from := max(0, t.size/recheck-1) * recheck
	if err := t.findPeaks(from); err != nil {
		return err
	}
	at := tlog.StoredHashCount(from)
	b := make([]byte, (tlog.StoredHashCount(t.size)-at)*tlog.HashSize)
	if _, err := t.f.ReadAt(b, at*tlog.HashSize); err != nil && len(b) > 0 {
		return fmt.Errorf("read the last leaves: %w", err)
	}
	for n := from; n < t.size; n++ {
		first := tlog.StoredHashCount(n) - at
		leaf := tlog.Hash(b[first*tlog.HashSize:])
		stored := grow(t.peaks, n, leaf)
		for i, h := range stored {
			if leaf == (tlog.Hash{}) || tlog.Hash(b[(first+int64(i))*tlog.HashSize:]) != h {
				t.size = n
				return nil
			}
		}
		t.peaks = crown(t.peaks, stored)
	}
	return nil
}

// findPeaks reads the peaks of the tree of a size.
func (t *Tree) findPeaks(size int64) error {
	t.peaks = t.peaks[:0]
	for level := 62; level >= 0; level-- {
		if size&(1<<level) == 0 {
			continue
		}
		n := size >> (level + 1) << 1 // of the peak among the trees of its level
		h, err := t.read([]int64{tlog.StoredHashIndex(level, n)})
		if err != nil {
			return err
		}
		t.peaks = append(t.peaks, h[0])
	}
	return nil
}

// grow is what is stored for leaf n: the leaf, and each parent that it completes.
func grow(peaks []tlog.Hash, n int64, leaf tlog.Hash) []tlog.Hash {
	stored := []tlog.Hash{leaf}
	for i := len(peaks) - 1; n&1 == 1; i, n = i-1, n>>1 {
		stored = append(stored, tlog.NodeHash(peaks[i], stored[len(stored)-1]))
	}
	return stored
}

// crown is the peaks after a leaf was stored with its parents.
func crown(peaks, stored []tlog.Hash) []tlog.Hash {
	return append(peaks[:len(peaks)-(len(stored)-1)], stored[len(stored)-1])
}
