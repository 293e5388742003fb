package kafka

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// errInUse: two servers writing to one directory would ruin it.
var errInUse = errors.New("another process uses the directory")

// acquire locks dir for this process; the kernel lets go of the lock when the process
// dies.
func acquire(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	held, err := lock.TryLock()
	if err == nil && !held {
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
