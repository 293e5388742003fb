package embedded_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childDir, when set, makes this binary the process that a test kills.
const childDir = "HEFU_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
