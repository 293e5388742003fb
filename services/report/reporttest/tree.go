package reporttest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// Key is the key of a number, always the same.
func Key(t testing.TB, n uint64) (signer note.Signer, verifier string) {
	seed := hash("key %d", n)
	private, verifier, err := note.GenerateKey(&fixed{seed[:]}, "hefu.io/journal")
	must(t, err)
	signer, err = note.NewSigner(private)
	must(t, err)
	return signer, verifier
}

// fixed gives the same bytes each time.
type fixed struct{ left []byte }

func (f *fixed) Read(b []byte) (int, error) {
	if len(f.left) == 0 {
		return 0, errors.New("a key takes 32 bytes")
	}
	n := copy(b, f.left)
	f.left = f.left[n:]
	return n, nil
}

// Tree is the Merkle tree of a stream of made-up events.
type Tree struct {
	ID     domain.JournalID
	Stream domain.Stream

	events []domain.Hash
	stored []tlog.Hash
	t      testing.TB
}

// NewTree makes a tree of n events.
func NewTree(t testing.TB, id domain.JournalID, s domain.Stream, n int) *Tree {
	tree := &Tree{ID: id, Stream: s, t: t}
	for i := range n {
		tree.events = append(tree.events, hash("%s %s %d", id, s, i))
	}
	return tree.grow()
}

// Rewritten is the tree with another event at seq (0: at none) and more events at its end.
func (t *Tree) Rewritten(seq int64, more int) *Tree {
	out := &Tree{ID: t.ID, Stream: t.Stream, events: slices.Clone(t.events), t: t.t}
	if seq > 0 {
		out.events[seq-1] = hash("another one")
	}
	for i := range more {
		out.events = append(out.events, hash("%s more %d", t.Stream, i))
	}
	return out.grow()
}

func (t *Tree) grow() *Tree {
	for i := range t.events {
		more, err := tlog.StoredHashesForRecordHash(int64(i), tlog.RecordHash(t.events[i][:]), t)
		must(t.t, err)
		t.stored = append(t.stored, more...)
	}
	return t
}

// ReadHashes implements tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = t.stored[index]
	}
	return out, nil
}

// Size is the number of events.
func (t *Tree) Size() int64 { return int64(len(t.events)) }

// Ref is the event at seq.
func (t *Tree) Ref(seq int64) report.Ref {
	return report.Ref{Stream: t.Stream, Seq: domain.Seq(seq), Hash: t.events[seq-1]}
}

// Root is that of the first size events.
func (t *Tree) Root(size int64) domain.Hash {
	h, err := tlog.TreeHash(size, t)
	must(t.t, err)
	return domain.Hash(h)
}

// Consistency proves that the tree of the first old events is a prefix.
func (t *Tree) Consistency(old, size int64) []domain.Hash {
	p, err := tlog.ProveTree(size, old, t)
	must(t.t, err)
	return hashes(p)
}

// Inclusion proves that the event at seq is in the tree of size.
func (t *Tree) Inclusion(seq, size int64) []domain.Hash {
	p, err := tlog.ProveRecord(size, seq-1, t)
	must(t.t, err)
	return hashes(p)
}

func hashes(p []tlog.Hash) []domain.Hash {
	out := make([]domain.Hash, len(p))
	for i, h := range p {
		out[i] = domain.Hash(h)
	}
	return out
}

// OtherBase64 is a report's file with its signature written in another way that decodes to the
// same bytes: base64 leaves two bits of its last digit open.
func OtherBase64(file []byte) []byte {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	out := bytes.Clone(file)
	at := bytes.LastIndexByte(out, '=') - 1
	out[at] = digits[bytes.IndexByte([]byte(digits), out[at])|1]
	return out
}
