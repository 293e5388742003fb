package checkpoint

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// Still signs the streams of a journal for a report that is made without a running process:
// nobody writes to them, or others do, on other hosts. It writes nothing but the trees, which say
// what the streams do; a head that it signs is a part of the report alone.
type Still struct {
	bystander
	release func() error
}

// OpenStill opens the key, which it makes if there is none, and the trees of a journal in a
// data directory, which it holds until Close. Errors: checkpoint.ErrHeld.
func OpenStill(ctx context.Context, j *journal.Journal, dataDir, keyFile string) (*Still, error) {
	key, _, err := checkpoint.OpenKey(keyFile)
	if err != nil {
		return nil, err
	}
	release, err := checkpoint.Hold(dataDir)
	if err != nil {
		return nil, err
	}
	s := &Still{bystander: bystander{key: key}, release: release}
	if err := s.openAll(ctx, j, dataDir); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Still) openAll(ctx context.Context, j *journal.Journal, dataDir string) error {
	var err error
	if s.control, err = j.OpenControl(ctx); err != nil {
		return err
	}
	streams, err := audit.Streams(ctx, j, s.control)
	if err != nil {
		return err
	}
	file, err := checkpoint.OpenFile(checkpoint.FilePath(dataDir))
	if err != nil {
		return err
	}
	signed := map[domain.Stream]checkpoint.Kept{}
	for _, h := range file.Heads() {
		if h.Journal == j.ID() {
			signed[h.Ref.Stream] = h
		}
	}
	for _, stream := range streams {
		b, err := openBranch(ctx, j, stream, dataDir, signed[stream])
		if err != nil {
			return err
		}
		s.add(b)
	}
	return nil
}

// Close closes the trees.
func (s *Still) Close() {
	_ = s.close() // what was not written is made again
	_ = s.release()
}

// Key is the key that signs.
func (s *Still) Key(context.Context) (*checkpoint.Key, error) { return s.key, nil }

// Now signs the streams as they are, and gives the newest head of each that Key signed. Where
// control has a head of another key, that is given too: the stream was seen to go on from it.
func (s *Still) Now(ctx context.Context, _ string) ([]checkpoint.Kept, error) { return s.now(ctx) }

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
	for _, b := range s.all() {
		if b.stream == stream {
			return b, nil
		}
	}
	return nil, fmt.Errorf("stream %s has no tree here", stream)
}
