package pipeline

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/journal/external"
	"github.com/hefu-io/hefu/services/config"
)

// Store is the place of all journals of a process.
type Store struct {
	journal.Store
	Manifest   journal.Manifest
	MaxPayload int64
	close      func() error
}

// OpenStore opens the embedded store, or connects to the external one. Errors:
// embedded.ErrLocked.
func OpenStore(ctx context.Context, c *config.Config, log *slog.Logger) (*Store, error) {
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
	return journal.Open(ctx, pipeline, journal.Options{
		Store: s.Store, Manifest: s.Manifest, SegmentBytes: int64(c.Journal.SegmentBytes), TailBytes: tailBytes, Log: log,
	})
}
