//go:build crash

// Package crash holds the named points at which a process of a crash test kills
// itself. In this build HEFU_CRASH=name:n ends the process with SIGKILL when it
// comes to the point called name for the n-th time.
package crash

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

var passed atomic.Int64

// Point ends the process here when HEFU_CRASH says so. A kill leaves no time for
// anything: no deferred call runs, no connection is closed.
func Point(name string) {
	want, count, _ := strings.Cut(os.Getenv("HEFU_CRASH"), ":")
	if want != name {
		return
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || passed.Add(1) != n {
		return
	}
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		_ = p.Kill()
	}
	select {} // the signal is on its way
}
