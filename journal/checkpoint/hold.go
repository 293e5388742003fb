package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrHeld says that another process keeps the trees of a data directory.
var ErrHeld = errors.New("data directory is in use")

// Hold keeps other processes off the trees and the file of checkpoints of a data directory until
// release, or until this process dies. Two that write one tree would each cut off what the other
// is about to write. An embedded store's lock says the same; with an external journal, which many
// processes share, this is the only one. Errors: ErrHeld.
func Hold(dataDir string) (release func() error, err error) {
	dir := filepath.Join(dataDir, treesName)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("hold the trees: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "LOCK"))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("hold the trees: %w", err)
	}
	if !held {
		return nil, fmt.Errorf("%w: the Merkle trees in %s are kept by another process; give each process of a pipeline a data_dir of its own", ErrHeld, dir)
	}
	return lock.Unlock, nil
}
