package kafka

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// acquire locks dir for this process; the lock goes with the file, also when the
// process dies. Two servers writing to one directory would ruin it.
func acquire(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("kafka stand-in in %s: another process uses the directory: %w", dir, err), lock.Close())
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
