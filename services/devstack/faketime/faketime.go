// Package faketime lets a program that tests start live at another time than ours, with libfaketime: for what clocks that
// differ do to Kerberos.
package faketime

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// ErrNotInstalled means that the machine has no libfaketime (Debian: apt-get install libfaketime).
var ErrNotInstalled = errors.New("no libfaketime on this machine")

// Environment is what a program's environment needs for its clock to be off by offset; nil for none.
func Environment(offset time.Duration) ([]string, error) {
	if offset == 0 {
		return nil, nil
	}
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if err != nil || len(found) == 0 {
		return nil, ErrNotInstalled
	}
	return []string{"LD_PRELOAD=" + found[0], fmt.Sprintf("FAKETIME=%+d", int(offset.Seconds()))}, nil
}
