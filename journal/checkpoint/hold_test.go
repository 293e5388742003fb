package checkpoint_test

import (
	"errors"
	"testing"

	"github.com/hefu-io/hefu/journal/checkpoint"
)

// TestHold: one has the trees of a data directory, and the next one when that is done.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		release, err := checkpoint.Hold(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := checkpoint.Hold(dir); !errors.Is(err, checkpoint.ErrHeld) {
			t.Errorf("a second one got %v", err)
		}
		other, err := checkpoint.Hold(t.TempDir())
		if err := errors.Join(err, other(), release()); err != nil {
			t.Fatal(err)
		}
	}
}
