// Package checkpoint signs, all the time, what the journal is: it keeps the Merkle trees of
// the streams that this process writes, and of control, and puts their signed roots on
// control, into a file beside the journal, and into the hub. A start compares the journal
// with them (pipeline.Vouch).
package checkpoint

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Service is the checkpoints of all pipelines of a process.
type Service struct {
	set   *pipeline.Set
	board *projections.Board
	log   *slog.Logger

	ready   chan struct{} // closed when the following is there
	key     *checkpoint.Key
	keepers []*keeper
}

// New makes the Service; nothing is opened yet.
func New(set *pipeline.Set, board *projections.Board, log *slog.Logger) *Service {
	return &Service{set: set, board: board, log: log, ready: make(chan struct{})}
}

// Run signs until the context ends, and once more then. It returns an error when the process
// must stop, exit code 2: the journal is not what was signed, or the key or the trees cannot
// be used.
func (s *Service) Run(ctx context.Context) error {
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	if err := s.open(ctx, opened); err != nil {
		return err
	}
	close(s.ready)
	g, running := errgroup.WithContext(ctx)
	for _, k := range s.keepers {
		g.Go(func() error { return k.run(running) })
		g.Go(func() error { return k.tell(running) })
	}
	err = g.Wait()
	for _, k := range s.keepers {
		if err == nil {
			k.last(ctx)
		}
		k.close(ctx)
	}
	if err != nil {
		return err
	}
	return ctx.Err()
}

// open makes or reads the key, and a keeper for each pipeline.
func (s *Service) open(ctx context.Context, opened []*pipeline.Open) error {
	c := s.set.Config()
	var made bool
	var err error
	if s.key, made, err = checkpoint.OpenKey(c.KeyFile()); err != nil {
		return &projections.Refusal{Reason: err.Error()}
	}
	if made {
		s.log.InfoContext(ctx, "signing key made: give the public key to whoever is to verify reports", "public_key", s.key.VerifierKey(), "file", c.KeyFile()+".pub")
	}
	file, err := openShared(checkpoint.FilePath(c.DataDir))
	if err != nil {
		return err
	}
	for _, o := range opened {
		k, err := newKeeper(ctx, c, s.set.Role(), o, s.key, file, s.log)
		if in := projections.Unsound(domain.ControlStream(o.Config.Name), err); in != nil {
			return &projections.Refusal{Reason: journal.Damaged(err).Error()}
		}
		if err != nil {
			return fmt.Errorf("pipeline %s: %w", o.Config.Name, err)
		}
		s.keepers = append(s.keepers, k)
		s.board.AddCheckpoints(k.status)
	}
	return nil
}

// Key is the key that signs, once it is there.
func (s *Service) Key(ctx context.Context) (*checkpoint.Key, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ready:
		return s.key, nil
	}
}

// Now signs all streams of a pipeline as they are at this moment, and gives the newest head of
// each that Key signed: those too that another process writes, which this one reads and keeps a
// tree of. Where control has a head of another key, that is given too: the stream was seen to go
// on from it. Errors: *journal.BreachError for a stream that is not what was signed.
func (s *Service) Now(ctx context.Context, pipeline string) ([]checkpoint.Kept, error) {
	if _, err := s.Key(ctx); err != nil {
		return nil, err
	}
	for _, k := range s.keepers {
		if k.o.Config.Name != pipeline {
			continue
		}
		own, err := k.now(ctx)
		if err == nil {
			var others []checkpoint.Kept
			others, err = k.others.now(ctx)
			own = append(own, others...)
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", pipeline, err)
		}
		return own, nil
	}
	return nil, fmt.Errorf("no pipeline %s here", pipeline)
}

// Consistency is a proof for checkpoint.CheckConsistency that the tree of a stream at size
// next goes on from the one at size old.
func (s *Service) Consistency(stream domain.Stream, old, next int64) ([]domain.Hash, error) {
	b, err := s.branch(stream)
	if err != nil {
		return nil, err
	}
	return b.tree.Consistency(old, next)
}

// Inclusion is a proof for checkpoint.CheckInclusion that an event is in the tree of a size.
func (s *Service) Inclusion(stream domain.Stream, seq domain.Seq, size int64) ([]domain.Hash, error) {
	b, err := s.branch(stream)
	if err != nil {
		return nil, err
	}
	return b.tree.Inclusion(seq, size)
}

func (s *Service) branch(stream domain.Stream) (*branch, error) {
	select {
	case <-s.ready:
	default:
		return nil, fmt.Errorf("tree of %s: the journal is not open yet", stream)
	}
	for _, k := range s.keepers {
		if b := k.branch(stream); b != nil {
			return b, nil
		}
	}
	return nil, fmt.Errorf("stream %s has no tree here", stream)
}
