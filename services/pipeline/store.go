package pipeline

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/journal/external"
	"github.com/hefu-io/hefu/services/config"
)

// Store is the place of all journals of a process.
type Store struct {
	journal.Store
	Manifest   journal.Manifest
	MaxPayload int64
	Archive    *archive.Store // Store itself, where there is an archive behind it; else nil
	close      func() error
}

// OpenStore opens the embedded store, or connects to the external one, with the archive
// behind it. Errors: embedded.ErrLocked.
func OpenStore(ctx context.Context, c *config.Config, log *slog.Logger) (*Store, error) {
	s, err := openStore(ctx, c, log)
	if err != nil || c.Journal.Archive == nil {
		return s, err
	}
	return s, s.openArchive(c.Journal.Archive)
}

func openStore(ctx context.Context, c *config.Config, log *slog.Logger) (*Store, error) {
	if c.Journal.Mode == config.ModeExternal {
		x, err := external.Open(ctx, external.Config{
			Servers: c.Journal.Servers, CredentialsFile: c.Journal.CredentialsFile, CAFile: c.Journal.CAFile,
			Replicas: c.Journal.Replicas, Dir: c.DataDir, Log: log,
		})
		if err != nil {
			return nil, err
		}
		return &Store{Store: x.Store(), Manifest: x.Manifest(), MaxPayload: x.MaxPayload(), close: x.Close}, nil
	}
	e, err := embedded.Open(ctx, filepath.Join(c.DataDir, "journal"))
	if err != nil {
		return nil, err
	}
	return &Store{Store: e.Store(), Manifest: e.Manifest(), MaxPayload: embedded.MaxPayload, close: e.Close}, nil
}

// Close gives the store back.
func (s *Store) Close() error { return s.close() }

// tailBytes of each shard's ingest stay in memory for the hub leg. Two blocks of the
// embedded server's store: a reader that lags by more than them reads no block that is
// still being written.
const tailBytes = 16 << 20

// OpenJournal opens a pipeline's journal in the store.
func (s *Store) OpenJournal(ctx context.Context, c *config.Config, pipeline string, log *slog.Logger) (*journal.Journal, error) {
	return s.openJournal(ctx, c, pipeline, nil, log)
}

// gone is how long an event of the embedded store must be missing to be gone: its server has
// read its files before it answers.
const gone = 100 * time.Millisecond

func (s *Store) openJournal(ctx context.Context, c *config.Config, pipeline string, anchors []journal.Anchor, log *slog.Logger) (*journal.Journal, error) {
	var regressedAfter time.Duration
	if c.Journal.Mode == config.ModeEmbedded {
		regressedAfter = gone
	}
	return journal.Open(ctx, pipeline, journal.Options{
		Anchors: anchors, RegressedAfter: regressedAfter,
		Store: s.Store, Manifest: s.Manifest, SegmentBytes: int64(c.Journal.SegmentBytes), TailBytes: tailBytes, Log: log,
	})
}
