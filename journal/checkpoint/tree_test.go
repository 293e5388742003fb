package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// event is the hash of the event at a seq.
func event(seq int64) (h domain.Hash) {
	binary.BigEndian.PutUint64(h[:], uint64(seq))
	h[31] = 7
	return h
}

func events(from, to int64) (out []domain.Hash) {
	for seq := from; seq <= to; seq++ {
		out = append(out, event(seq))
	}
	return out
}

// memory is a tree's file, with a fault for the next write.
type memory struct {
	b     []byte
	fault string // "before", "after" or "torn"
}

var errDisk = errors.New("no space left")

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, at)
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	fault := m.fault
	m.fault = ""
	switch fault {
	case "before":
		return 0, errDisk
	case "torn":
		p = p[:len(p)/2]
	}
	if grow := int(at) + len(p) - len(m.b); grow > 0 {
		m.b = append(m.b, make([]byte, grow)...)
	}
	copy(m.b[at:], p)
	if fault != "" {
		return len(p), errDisk
	}
	return len(p), nil
}

func (m *memory) Truncate(size int64) error { m.b = m.b[:size]; return nil }
func (m *memory) Sync() error               { return nil }
func (m *memory) Close() error              { return nil }

func newTree(t testing.TB, m *memory) *checkpoint.Tree {
	t.Helper()
	tree, err := checkpoint.OpenTreeFile(m, int64(len(m.b)))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// reference is the tree as tlog itself makes it.
func reference(t *testing.T, n int64) (stored []tlog.Hash, read tlog.HashReader) {
	t.Helper()
	read = tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i := range n {
		h := event(i + 1)
		more, err := tlog.StoredHashes(i, h[:], read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	return stored, read
}

// TestTreeIsTlog: the same bytes and the same roots as tlog's, and proofs that its checks
// and ours take, and only for what they prove.
func TestTreeIsTlog(t *testing.T) {
	const n = 70
	stored, read := reference(t, n)
	m := &memory{}
	tree := newTree(t, m)
	for from := int64(1); from <= n; from += 7 { // in pieces
		if err := tree.Append(events(from, min(n, from+6))...); err != nil {
			t.Fatal(err)
		}
	}
	var want []byte
	for _, h := range stored {
		want = append(want, h[:]...)
	}
	if !bytes.Equal(m.b, want) || tree.Size() != n {
		t.Fatalf("%d bytes of a tree of %d, tlog has %d", len(m.b), tree.Size(), len(want))
	}
	roots := map[int64]domain.Hash{}
	for size := int64(1); size <= n; size++ {
		root, err := tlog.TreeHash(size, read)
		got, gerr := tree.Root(size)
		if err != nil || gerr != nil || domain.Hash(root) != got {
			t.Fatalf("root of %d: %v %v %v", size, got, err, gerr)
		}
		roots[size] = got
	}
	for old := int64(1); old <= n; old++ {
		for next := old; next <= n; next++ {
			proof, err := tree.Consistency(old, next)
			if err == nil {
				err = checkpoint.CheckConsistency(proof, old, roots[old], next, roots[next])
			}
			if err != nil {
				t.Fatalf("from %d to %d: %v", old, next, err)
			}
			other := roots[old]
			other[5]++
			if checkpoint.CheckConsistency(proof, old, other, next, roots[next]) == nil {
				t.Fatalf("from another root of %d to %d", old, next)
			}
			proof, err = tree.Inclusion(domain.Seq(old), next)
			if err == nil {
				err = checkpoint.CheckInclusion(proof, domain.Seq(old), event(old), next, roots[next])
			}
			if err != nil {
				t.Fatalf("%d in %d: %v", old, next, err)
			}
			if checkpoint.CheckInclusion(proof, domain.Seq(old), event(old+1), next, roots[next]) == nil {
				t.Fatalf("another event is at %d in %d", old, next)
			}
		}
	}
	for _, err := range []error{
		second(tree.Root(0)), second(tree.Root(n + 1)), second(tree.Consistency(5, 4)), second(tree.Inclusion(0, 3)), second(tree.Holds(n+1, event(1))),
		checkpoint.CheckConsistency(nil, 0, domain.Hash{}, 0, domain.Hash{}), checkpoint.CheckInclusion(nil, 4, event(4), 3, roots[3]),
	} {
		if err == nil {
			t.Error("something that is not there was given")
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestTreeIsCutToWholeLeaves: wherever the last write ended, what is whole is kept and the
// rest is appended again, to the same bytes.
func TestTreeIsCutToWholeLeaves(t *testing.T) {
	const n = 23
	whole := &memory{}
	if err := newTree(t, whole).Append(events(1, n)...); err != nil {
		t.Fatal(err)
	}
	for length := range len(whole.b) + 1 {
		m := &memory{b: bytes.Clone(whole.b[:length])}
		tree := newTree(t, m)
		size := tree.Size()
		if checkpoint.StoredBytes(size) > int64(length) || size < n && checkpoint.StoredBytes(size+1) <= int64(length) || tree.Torn() != 0 {
			t.Fatalf("of %d bytes a tree of %d, torn %d", length, size, tree.Torn())
		}
		if err := tree.Append(events(size+1, n)...); err != nil || !bytes.Equal(m.b, whole.b) {
			t.Fatalf("cut at %d: %v, other bytes: %v", length, err, !bytes.Equal(m.b, whole.b))
		}
	}
}

// TestTreeAfterPowerLoss: zeros where hashes were not synced are cut off, and so is
// whatever does not follow from the leaves.
func TestTreeAfterPowerLoss(t *testing.T) {
	const n = 23
	whole := &memory{}
	if err := newTree(t, whole).Append(events(1, n)...); err != nil {
		t.Fatal(err)
	}
	for from := 0; from < len(whole.b); from += 32 {
		m := &memory{b: bytes.Clone(whole.b)}
		clear(m.b[from:])
		tree := newTree(t, m)
		if tree.Size()+tree.Torn() != n || tree.Torn() == 0 || checkpoint.StoredBytes(tree.Size()) > int64(from) {
			t.Fatalf("zeros from %d: a tree of %d, torn %d", from, tree.Size(), tree.Torn())
		}
	}
	head := headOf(t, newTree(t, whole), 16)
	for at := range checkpoint.StoredBytes(16) {
		m := &memory{b: bytes.Clone(whole.b)}
		m.b[at] ^= 1
		tree := newTree(t, m)
		var damaged *checkpoint.TreeError
		if err := tree.Vouch("x.tree", head); !errors.As(err, &damaged) {
			t.Fatalf("byte %d is another one, and the tree of %d holds: %v", at, tree.Size(), err)
		}
	}
	if err := newTree(t, whole).Vouch("x.tree", head); err != nil {
		t.Error(err)
	}
	if err := newTree(t, &memory{}).Vouch("x.tree", head); err != nil {
		t.Errorf("a tree that is made again: %v", err)
	}
}

func headOf(t *testing.T, tree *checkpoint.Tree, size int64) domain.TreeHead {
	t.Helper()
	root, err := tree.Root(size)
	if err != nil {
		t.Fatal(err)
	}
	return domain.TreeHead{Ref: domain.Ref{Seq: domain.Seq(size), Hash: event(size)}, Root: root}
}

// TestAppendThatFails: whatever became of the write, the tree is as before and takes the
// same events again.
func TestAppendThatFails(t *testing.T) {
	for _, fault := range []string{"before", "torn", "after"} {
		m := &memory{}
		tree := newTree(t, m)
		if err := tree.Append(events(1, 5)...); err != nil {
			t.Fatal(err)
		}
		before := headOf(t, tree, 5)
		m.fault = fault
		if err := tree.Append(events(6, 9)...); !errors.Is(err, errDisk) || tree.Size() != 5 {
			t.Fatalf("%s: %v, size %d", fault, err, tree.Size())
		}
		if err := tree.Append(events(6, 9)...); err != nil {
			t.Fatal(err)
		}
		if again := newTree(t, m); again.Size() != 9 || again.Torn() != 0 || again.Vouch("", before) != nil {
			t.Errorf("%s: a tree of %d, torn %d", fault, again.Size(), again.Torn())
		}
		_, read := reference(t, 9)
		want, err := tlog.TreeHash(9, read)
		if root, rerr := tree.Root(9); err != nil || rerr != nil || root != domain.Hash(want) {
			t.Errorf("%s: another root", fault)
		}
	}
}

// TestTreeFile: on a disk, opened again.
func TestTreeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b.tree")
	tree, err := checkpoint.OpenTree(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tree.Append(events(1, 10)...), tree.Sync(), tree.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "torn"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if tree, err = checkpoint.OpenTree(path); err != nil {
		t.Fatal(err)
	}
	holds, err := tree.Holds(10, event(10))
	if err != nil || !holds || tree.Size() != 10 {
		t.Errorf("size %d, holds its last event: %v, %v", tree.Size(), holds, err)
	}
	if holds, err = tree.Holds(10, event(9)); err != nil || holds {
		t.Errorf("holds another event: %v, %v", holds, err)
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != checkpoint.StoredBytes(10) || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	tree, err := checkpoint.OpenTree(filepath.Join(b.TempDir(), "x.tree"))
	if err != nil {
		b.Fatal(err)
	}
	batch := events(1, 64) // as many as come in 200 ms at 100,000 rows/s
	for b.Loop() {
		if err := tree.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
	perEvent := float64(b.Elapsed().Microseconds()) / float64(b.N*len(batch))
	b.ReportMetric(perEvent, "µs/event")
	b.ReportMetric(perEvent/300*1000, "ns/row")
	if err := tree.Close(); err != nil {
		b.Fatal(err)
	}
}
