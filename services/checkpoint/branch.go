package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// branch is one stream and its tree, which grows as events are appended by this process, or
// read where others appended them.
type branch struct {
	j      *journal.Journal
	stream domain.Stream
	path   string
	tree   *checkpoint.Tree
	last   domain.Ref      // the last event in the tree, zero for none
	signed checkpoint.Kept // the newest head that is signed, by whomever
	grown  bool            // it reached the end of the stream once
}

// openBranch opens the tree in a data directory and finds its last event in the stream again;
// signed is the newest head that is known there.
func openBranch(ctx context.Context, j *journal.Journal, s domain.Stream, dataDir string, signed checkpoint.Kept) (*branch, error) {
	path := checkpoint.TreePath(dataDir, j.ID(), s)
	t, err := checkpoint.OpenTree(path)
	if err != nil {
		return nil, err
	}
	b := &branch{j: j, stream: s, path: path, tree: t, signed: signed}
	if size := domain.Seq(t.Size()); size > 0 {
		e, err := j.Get(ctx, s, size)
		if errors.Is(err, journal.ErrNotFound) {
			at := journal.Anchor{
				Journal: j.ID(), Ref: domain.Ref{Stream: s, Seq: size}, Where: "the tree " + path,
				Holds: func(h domain.Hash) (bool, error) { return t.Holds(size, h) },
			}
			if gone := j.Check(ctx, at); gone != nil {
				err = gone
			}
		}
		if err == nil {
			b.last = e.Ref()
			var holds bool
			if holds, err = t.Holds(size, e.Hash); err == nil && !holds {
				err = &checkpoint.TreeError{Path: path, Why: fmt.Sprintf("its last event is not %s with hash %s", e.Ref(), e.Hash)}
			}
		}
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	return b, nil
}

// take adds what this process knows of the stream without asking.
func (b *branch) take() error {
	return b.add(b.j.Hashes(b.stream, b.last.Seq+1)...)
}

func (b *branch) add(events ...domain.Hash) error {
	if len(events) == 0 {
		return nil
	}
	if err := b.tree.Append(events...); err != nil {
		return fmt.Errorf("%s: %w", b.stream, err)
	}
	b.last = domain.Ref{Stream: b.stream, Seq: b.last.Seq + domain.Seq(len(events)), Hash: events[len(events)-1]}
	return nil
}

// readAtOnce is how many events are read before they are added to the tree, and syncEvery after
// how many the tree is synced where there are many: a power loss leaves less undone than is looked
// at when it is opened.
const (
	readAtOnce = 1024
	syncEvery  = 32 * readAtOnce
)

// grow makes the tree reach the end that the stream has now. The store is asked where that
// is, so an end that was lost while this process runs is found here. A stream that does not
// exist yet has nothing.
func (b *branch) grow(ctx context.Context) (err error) {
	defer func() { b.grown = b.grown || err == nil }()
	if err := b.take(); err != nil {
		return err
	}
	tail, err := b.j.Tail(ctx, b.stream)
	if errors.Is(err, journal.ErrNotFound) && b.last.Seq == 0 {
		return nil
	}
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	if err != nil || tail.Seq <= b.last.Seq {
		if b.last.Seq > 0 && (err != nil || tail.Seq < b.last.Seq || tail.Hash != b.last.Hash) {
			return b.j.Check(ctx, journal.Anchor{Journal: b.j.ID(), Ref: b.last, Where: "the tree " + b.path})
		}
		return nil
	}
	if err := b.take(); err != nil || b.last.Seq >= tail.Seq {
		return err
	}
	r, err := b.j.Read(ctx, b.stream, b.last)
	if err != nil {
		return err
	}
	defer r.Close()
	for b.last.Seq < tail.Seq {
		if b.last.Seq%syncEvery == 0 {
			if err := b.tree.Sync(); err != nil {
				return err
			}
		}
		n := min(readAtOnce-b.last.Seq%readAtOnce, tail.Seq-b.last.Seq)
		events := make([]domain.Hash, n)
		for i := range events {
			e, err := r.Next(ctx)
			if err != nil {
				return err
			}
			events[i] = e.Hash
		}
		if err := b.add(events...); err != nil {
			return err
		}
	}
	return nil
}

// sign makes a head of the tree as it is: nil when this key signed it already. It is made only
// if the tree goes on from the head that was signed last, by whomever.
func (b *branch) sign(key *checkpoint.Key) (*checkpoint.Kept, error) {
	old, size := b.signed, int64(b.last.Seq)
	if size == 0 || size < int64(old.Ref.Seq) || size == int64(old.Ref.Seq) && old.Key == key.VerifierKey() {
		return nil, nil // nothing new; another process may even be ahead, on control
	}
	root, err := b.tree.Root(size)
	if err != nil {
		return nil, err
	}
	if before := int64(old.Ref.Seq); before > 0 {
		proof, err := b.tree.Consistency(before, size)
		if err == nil {
			err = checkpoint.CheckConsistency(proof, before, old.Root, size, root)
		}
		if err != nil {
			return nil, &checkpoint.TreeError{Path: b.path, Why: err.Error()}
		}
	}
	if err := b.tree.Sync(); err != nil {
		return nil, err
	}
	note, err := checkpoint.Sign(key, b.j.ID(), b.last, root)
	if err != nil {
		return nil, err
	}
	return &checkpoint.Kept{Key: key.VerifierKey(), Head: checkpoint.Head{Journal: b.j.ID(), Ref: b.last, Root: root, Note: note}}, nil
}

// said is the newest head of the stream on control, zero for none. It is verified with the key
// that stands beside it there: whose that is, control says of no key. Errors: *audit.HeadError.
func (b *branch) said(control *journal.Control) (k checkpoint.Kept, err error) {
	var h domain.TreeHead
	control.State(func(s *domain.ControlState) { h, k.Key = s.Heads[b.stream], s.Signed[b.stream] })
	if h.Ref.Seq == 0 {
		return checkpoint.Kept{}, nil
	}
	v, err := note.NewVerifier(k.Key)
	if err == nil {
		k.Head, err = checkpoint.Parse(h.Note, v)
	}
	if err == nil && (k.Journal != b.j.ID() || k.TreeHead() != h) {
		err = errors.New("it says something else")
	}
	if err != nil {
		return k, &audit.HeadError{Head: checkpoint.Head{Journal: b.j.ID(), Ref: h.Ref, Root: h.Root}, Found: "its note is none of it: " + err.Error()}
	}
	return k, nil
}

// heads are what a report has of the stream: the head of the whole tree, which this key signed,
// and the one that control has, if another key signed that. Nothing of a stream that has no event.
func (b *branch) heads(said checkpoint.Kept, key *checkpoint.Key) ([]checkpoint.Kept, error) {
	switch {
	case b.signed.Ref.Seq > b.last.Seq:
		return nil, fmt.Errorf("%s is signed up to %d, and the store gave it up to %d: it answered from before", b.stream, b.signed.Ref.Seq, b.last.Seq)
	case b.signed.Ref.Seq == 0:
		return nil, nil
	case said.Ref.Seq == 0 || said.Ref.Seq > b.last.Seq || said.Key == key.VerifierKey(): // or it came just now
		return []checkpoint.Kept{b.signed}, nil
	default:
		return []checkpoint.Kept{b.signed, said}, nil
	}
}

// follows demands that the tree goes on from a head that somebody signed, zero for none.
func (b *branch) follows(h checkpoint.Kept) error {
	if h.Ref.Seq == 0 {
		return nil
	}
	return b.tree.Vouch(b.path, h.TreeHead())
}
