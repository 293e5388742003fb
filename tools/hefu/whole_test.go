package main

import (
	"os"
	"testing"
)

// whole skips what runs processes for longer than the fast tier has; .ci/run sets HEFU_WHOLE=1 in a
// step of its own.
func whole(t *testing.T) {
	t.Helper()
	if os.Getenv("HEFU_WHOLE") == "" {
		t.Skip("HEFU_WHOLE=1 runs this")
	}
}

// plain skips what asks hefu one thing after the other: that is nothing for the race detector, which
// the tests of two processes at once, of reloads and of servers that are away are left for.
func plain(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the plain run does this")
	}
}
