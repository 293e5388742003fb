//go:build unix

package doctor

import (
	"fmt"
	"syscall"
)

// descriptors are the open files of this process's soft and hard limit.
func descriptors() (soft, hard uint64, err error) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, 0, fmt.Errorf("limit of open files: %w", err)
	}
	return uint64(r.Cur), uint64(r.Max), nil //nolint:unconvert // int64 on some BSDs
}

// sameDevice reports whether two paths are on one file system.
func sameDevice(a, b string) bool {
	var at, other syscall.Stat_t
	return syscall.Stat(a, &at) == nil && syscall.Stat(b, &other) == nil && at.Dev == other.Dev
}

// mayWrite asks whether this user may write to a folder, and writes nothing.
func mayWrite(folder string) error {
	const writeAndEnter = 2 | 1 // W_OK, X_OK
	if err := syscall.Access(folder, writeAndEnter); err != nil {
		return fmt.Errorf("write to %s: %w", folder, err)
	}
	return nil
}
