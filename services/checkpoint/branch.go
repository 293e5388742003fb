package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
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
}

// openBranch opens the tree and finds its last event in the stream again.
func openBranch(ctx context.Context, j *journal.Journal, s domain.Stream, path string) (*branch, error) {
	t, err := checkpoint.OpenTree(path)
	if err != nil {
		return nil, err
	}
	b := &branch{j: j, stream: s, path: path, tree: t}
	if size := domain.Seq(t.Size()); size > 0 {
		e, err := j.Get(ctx, s, size)
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

// readAtOnce is how many events are read before they are added to the tree.
const readAtOnce = 1024

// grow makes the tree reach the end that the stream has now. The store is asked where that
// is, so an end that was lost while this process runs is found here. A stream that does not
// exist yet has nothing.
func (b *branch) grow(ctx context.Context) error {
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
		n := min(readAtOnce, tail.Seq-b.last.Seq)
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

// sign makes a head of the tree as it is: nil when it is signed already. It is made only if
// the tree goes on from the head that was signed last.
func (b *branch) sign(key *checkpoint.Key) (*checkpoint.Kept, error) {
	old, size := b.signed, int64(b.last.Seq)
	if size <= int64(old.Ref.Seq) { // nothing new; another process may even be ahead, on control
		return nil, nil
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
