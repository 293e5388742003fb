package doris

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

var errInUse = errors.New("another stand-in uses it")

// lockFolder keeps a second process out of a stand-in's folder. The kernel lets go of the lock when the process dies.
func lockFolder(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	held, err := lock.TryLock()
	if err == nil && !held {
		err = errInUse
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return lock, nil
}
