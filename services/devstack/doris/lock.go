package doris

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

var errInUse = errors.New("another stand-in uses it")

// lockWait is for a stand-in that is just about to end: a stack that was killed leaves one behind for a moment, and may
// be started again at once.
const lockWait = 5 * time.Second

// lockFolder keeps a second process out of a stand-in's folder. The kernel lets go of the lock when the process dies.
func lockFolder(ctx context.Context, dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	held, err := lock.TryLockContext(waiting, 20*time.Millisecond)
	if !held && ctx.Err() == nil && waiting.Err() != nil {
		err = errInUse
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return lock, nil
}
