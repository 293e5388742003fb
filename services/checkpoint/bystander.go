package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// bystander keeps trees of streams that others write, or nobody, in this data directory, and
// signs them for a report. Nothing else needs these signatures: who writes a stream signs it all
// the time. So the trees grow only when a report is made, and the first one reads the streams
// whole. What it signs is a part of the report alone.
type bystander struct {
	key     *checkpoint.Key
	control *journal.Control

	mu sync.Mutex // one grows and signs at a time

	listing  sync.Mutex
	branches []*branch
}

func (s *bystander) add(b *branch) {
	s.listing.Lock()
	defer s.listing.Unlock()
	s.branches = append(s.branches, b)
}

func (s *bystander) all() []*branch {
	s.listing.Lock()
	defer s.listing.Unlock()
	return slices.Clone(s.branches)
}

// now signs the streams as they are, each only after it was held against the newest head of it
// on control, whoever signed that: the stream has that event, and its tree that root. It gives
// both. Errors: *journal.BreachError for a stream that is not what was signed,
// *checkpoint.TreeError for a tree that is not what the stream is.
func (s *bystander) now(ctx context.Context) (out []checkpoint.Kept, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	branches := s.all()
	if len(branches) == 0 {
		return nil, nil
	}
	if err := s.control.CatchUp(ctx); err != nil {
		return nil, err
	}
	for _, b := range branches {
		heads, err := s.sign(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("sign %s for a report: %w", b.stream, journal.Damaged(err))
		}
		out = append(out, heads...)
	}
	return out, nil
}

func (s *bystander) sign(ctx context.Context, b *branch) ([]checkpoint.Kept, error) {
	said, err := b.said(s.control)
	if err != nil {
		return nil, err
	}
	if said.Ref.Seq > 0 {
		where := "the checkpoint on control, signed with " + said.Key
		if err := b.j.Check(ctx, journal.Anchor{Journal: said.Journal, Ref: said.Ref, Where: where}); err != nil {
			return nil, err
		}
	}
	if err := b.grow(ctx); err != nil {
		return nil, err
	}
	if err := b.follows(said); err != nil {
		return nil, err
	}
	if said.Ref.Seq > b.signed.Ref.Seq {
		b.signed = said
	}
	h, err := b.sign(s.key)
	if err != nil {
		return nil, err
	}
	if h != nil {
		b.signed = *h
	}
	return b.heads(said, s.key)
}

// close closes the trees. They were synced with what was signed; the rest is made again.
func (s *bystander) close() (err error) {
	for _, b := range s.all() {
		err = errors.Join(err, b.tree.Close())
	}
	return err
}
