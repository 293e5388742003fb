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
