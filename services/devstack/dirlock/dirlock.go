// Package dirlock keeps a second process out of the directory of a stand-in.
package dirlock

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrInUse is returned for a directory that another process has: two servers writing to one would ruin it.
var ErrInUse = errors.New("another process uses it")

// patience is for a server that is just about to end: a stack that was killed leaves some behind for a moment, and may
// be started again at once.
const patience = 5 * time.Second

// Take locks dir for this process until the lock is closed; the kernel lets go of it when the process dies. Errors:
// ErrInUse after some seconds.
func Take(ctx context.Context, dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	held, err := lock.TryLockContext(waiting, 20*time.Millisecond)
	switch {
	case held:
		return lock, nil
	case ctx.Err() == nil && waiting.Err() != nil:
		err = ErrInUse
	}
	return nil, fmt.Errorf("lock directory %s: %w", dir, err)
}
