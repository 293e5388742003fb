package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/minio/minio-go/v7"

	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// archiveFacts is what the place of sealed segments says.
type archiveFacts struct {
	config *config.Archive
	// Of a folder.
	fresh    bool  // it is not there yet
	dirErr   error // why it cannot be written to
	disk     *diskFacts
	diskErr  error
	sameDisk bool // as the data directory
	// Of a bucket.
	openErr error  // its configuration cannot be used
	readErr error  // of reading a file that is not there
	answer  string // the code of what it answered; empty: it did not answer
}

// nobodysFile is one that no archive ever has.
const nobodysFile = "hefu-doctor"

// askArchive looks at the folder, or reads a file that is not there from the bucket. Nobody
// can ask a bucket whether we may write without writing.
func askArchive(ctx context.Context, cfg *config.Config) *archiveFacts {
	f := &archiveFacts{config: cfg.Journal.Archive}
	if dir := f.config.Dir; dir != "" {
		_, err := os.Stat(dir)
		f.fresh, f.dirErr = errors.Is(err, fs.ErrNotExist), mayUse(dir)
		f.disk, f.diskErr = diskOf(existing(dir))
		f.sameDisk = sameDevice(existing(dir), existing(cfg.DataDir))
		return f
	}
	place, err := pipeline.OpenPlace(f.config)
	if err != nil {
		f.openErr = err
		return f
	}
	if bucket, ok := place.(*archive.S3); ok {
		defer bucket.Close()
	}
	_, f.readErr = place.Read(ctx, nobodysFile, 0, 1)
	var said minio.ErrorResponse
	switch {
	case f.readErr == nil, errors.Is(f.readErr, archive.ErrNoFile):
		f.answer = "NoSuchKey"
	case errors.As(f.readErr, &said):
		f.answer = said.Code
	}
	return f
}

// withoutPlace is a configuration by which opening the journal makes no folder: one that is
// not there yet has no segment.
func withoutPlace(cfg *config.Config) *config.Config {
	a := cfg.Journal.Archive
	if a == nil || a.Dir == "" {
		return cfg
	}
	if _, err := os.Stat(a.Dir); !errors.Is(err, fs.ErrNotExist) {
		return cfg
	}
	c := *cfg
	c.Journal.Archive = nil
	return &c
}
