//go:build linux || darwin

package doctor

import (
	"fmt"
	"syscall"
)

// diskOf is the room on the file system that holds a path.
func diskOf(path string) (*diskFacts, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return nil, fmt.Errorf("room on the disk of %s: %w", path, err)
	}
	block := int64(s.Bsize) //nolint:unconvert // uint32 on darwin
	return &diskFacts{
		free: int64(s.Bavail) * block, size: int64(s.Blocks) * block,
		inodes: int64(s.Ffree), inodesSize: int64(s.Files),
	}, nil
}
