package archive_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// What is archived and not dropped is the store's to read: nobody needs its file yet.
func TestArchivedAndStillThere(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), local(t))
	w.fill(3)
	before, err := w.events(w.j)
	must(t, err)
	g := w.sealed()[0]
	must(t, os.Remove(w.path(w.archive(g[0], g[1]))))
	w.same(before, w.fresh())
	if _, err := w.store.Get(w.ctx, hubStream(), g[0], g[0]); err != nil {
		t.Error(err)
	}
}

// A dropped segment ends where it ended: there is no event behind its last one, and whoever
// follows it waits there as in the store.
func TestEndOfADroppedSegment(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), local(t))
	w.fill(3)
	g := w.sealed()[0]
	w.archive(g[0], g[1])
	w.drop(g[0], g[1])
	if _, err := w.store.Get(w.ctx, hubStream(), g[0], g[1]+1); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("get of what is behind it: %v", err)
	}
	r, err := w.store.Follow(w.ctx, hubStream(), g[0], g[1])
	must(t, err)
	defer r.Close()
	_, err = r.Next(w.ctx)
	must(t, err)
	short, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := r.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("behind the end: %v", err)
	}
}

// What a process that died was writing is taken away a day later; what another one may be writing
// just now is not.
func TestWhoDiedWhileWriting(t *testing.T) {
	dir := t.TempDir()
	place, err := archive.OpenLocal(dir)
	must(t, err)
	died, writes := filepath.Join(dir, "a.hefu.1.part"), filepath.Join(dir, "a.hefu.2.part")
	for _, path := range []string{died, writes} {
		must(t, os.WriteFile(path, []byte("half"), 0o600))
	}
	before := time.Now().Add(-48 * time.Hour)
	must(t, os.Chtimes(died, before, before))
	must(t, place.Put(t.Context(), "a.hefu", func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err }))
	if _, err := os.Stat(died); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of the dead one: %v", err)
	}
	if _, err := os.Stat(writes); err != nil {
		t.Errorf("of the one that writes: %v", err)
	}
}
