package dirlock_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/dirlock"
)

// TestTake: one holds the lock; another one waits for it, and not for ever.
func TestTake(t *testing.T) {
	dir := t.TempDir()
	first, err := dirlock.Take(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if l, err := dirlock.Take(gone, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that went away got %v, %v", l, err)
	}
	if l, err := dirlock.Take(t.Context(), dir); !errors.Is(err, dirlock.ErrInUse) {
		t.Errorf("the second got %v, %v", l, err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := dirlock.Take(t.Context(), dir)
		waiting <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("after the first let go: %v", err)
	}
}
