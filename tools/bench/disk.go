package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// disk is how long the disk takes to make an append durable.
type disk struct{ p50, p99 time.Duration }

const (
	diskAppend = 256 << 10
	diskTries  = 200
)

// measureDisk appends and syncs in a directory, as the journal does.
func measureDisk(dir string) (d disk, err error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, diskAppend)
	took := make([]time.Duration, 0, diskTries)
	for range diskTries {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return d, err
		}
		if err := f.Sync(); err != nil {
			return d, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return disk{quantile(took, 0.50), quantile(took, 0.99)}, nil
}

// quantile of sorted values; zero for none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}
