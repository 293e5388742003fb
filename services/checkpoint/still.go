package checkpoint

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// Still signs the streams of a journal that no process writes to, for a report that is made
// without one. Whoever has it holds the journal's store. It writes nothing but the trees,
// which say what the streams do; a head that it signs is a part of the report alone.
type Still struct {
	key      *checkpoint.Key
	branches []*branch
}

// OpenStill opens the key, which it makes if there is none, and the trees of a journal in a
// data directory.
func OpenStill(ctx context.Context, j *journal.Journal, dataDir, keyFile string) (*Still, error) {
	key, _, err := checkpoint.OpenKey(keyFile)
	if err != nil {
		return nil, err
	}
	s := &Still{key: key}
	streams, err := audit.Streams(ctx, j)
	if err != nil {
		return nil, err
	}
	file, err := checkpoint.OpenFile(checkpoint.FilePath(dataDir))
	if err != nil {
		return nil, err
	}
	signed := map[domain.Stream]checkpoint.Kept{}
	for _, h := range file.Heads() {
		if h.Journal == j.ID() {
			signed[h.Ref.Stream] = h
		}
	}
	for _, stream := range streams {
		b, err := openBranch(ctx, j, stream, checkpoint.TreePath(dataDir, j.ID(), stream))
		if err != nil {
			s.Close()
			return nil, err
		}
		b.signed = signed[stream]
		s.branches = append(s.branches, b)
	}
	return s, nil
}

// Close closes the trees.
func (s *Still) Close() {
	for _, b := range s.branches {
		_ = b.tree.Close() // it was synced with what was signed; the rest is made again
	}
}

// Key is the key that signs.
func (s *Still) Key(context.Context) (*checkpoint.Key, error) { return s.key, nil }

// Now signs the streams as they are, and gives the newest signed head of each.
func (s *Still) Now(ctx context.Context) ([]domain.TreeHead, error) {
	var out []domain.TreeHead
	for _, b := range s.branches {
		if err := b.grow(ctx); err != nil {
			return nil, err
		}
		h, err := b.sign(s.key)
		if err != nil {
			return nil, err
		}
		if h != nil {
			b.signed = *h
		}
		if b.signed.Ref.Seq > 0 {
			out = append(out, b.signed.TreeHead())
		}
	}
	return out, nil
}

// Consistency is a proof for checkpoint.CheckConsistency that the tree of a stream at size
// next goes on from the one at size old.
func (s *Still) Consistency(stream domain.Stream, old, next int64) ([]domain.Hash, error) {
	b, err := s.branch(stream)
	if err != nil {
		return nil, err
	}
	return b.tree.Consistency(old, next)
}

// Inclusion is a proof for checkpoint.CheckInclusion that an event is in the tree of a size.
func (s *Still) Inclusion(stream domain.Stream, seq domain.Seq, size int64) ([]domain.Hash, error) {
	b, err := s.branch(stream)
	if err != nil {
		return nil, err
	}
	return b.tree.Inclusion(seq, size)
}

func (s *Still) branch(stream domain.Stream) (*branch, error) {
	for _, b := range s.branches {
		if b.stream == stream {
			return b, nil
		}
	}
	return nil, fmt.Errorf("stream %s has no tree here", stream)
}
