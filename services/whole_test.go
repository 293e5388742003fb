package services_test

import (
	"os"
	"testing"
)

// whole skips what runs engines for longer than the fast tier has: HEFU_WHOLE=1, as .ci/run sets
// it in a step of its own, runs it.
func whole(t *testing.T) {
	t.Helper()
	if os.Getenv("HEFU_WHOLE") == "" {
		t.Skip("HEFU_WHOLE=1 runs this")
	}
}
