package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// errInUse: two servers writing to one directory would ruin it.
var errInUse = errors.New("another process uses the directory")

// lockWait is for a server that is just about to end: a stack that was killed leaves some
// behind for a moment, and may be started again at once.
const lockWait = 5 * time.Second

// acquire locks dir for this process; the kernel lets go of the lock when the process
// dies.
func acquire(ctx context.Context, dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	waiting, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	held, err := lock.TryLockContext(waiting, 20*time.Millisecond)
	if !held && ctx.Err() == nil && waiting.Err() != nil {
		err = errInUse
	}
	if err != nil {
		return nil, fmt.Errorf("kafka stand-in in %s: %w", dir, err)
	}
	return lock, nil
}

// clusterID returns the id of the cluster in dir, made the first time. kfake
// calls every cluster "kfake" otherwise, and a city could be taken for another.
func clusterID(dir string) (string, error) {
	file := filepath.Join(dir, "cluster_id")
	known, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(known)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := "standin-" + strings.ToLower(rand.Text())
	return id, os.WriteFile(file, []byte(id+"\n"), 0o644)
}
