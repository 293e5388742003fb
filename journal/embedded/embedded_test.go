package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
)

const pipeline = "lowaltitude"

var hub = domain.Stream{Pipeline: pipeline, Shard: 1, Leg: domain.LegHub}

func openServer(t *testing.T, dir string) *embedded.Server {
	t.Helper()
	s, err := embedded.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeServer(t *testing.T, s *embedded.Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func openAll(t *testing.T, dir string) (*embedded.Server, *journal.Journal) {
	t.Helper()
	s := openServer(t, dir)
	j, err := journal.Open(t.Context(), pipeline, journal.Options{Store: s.Store(), Manifest: s.Manifest()})
	if err != nil {
		t.Fatal(errors.Join(err, s.Close()))
	}
	return s, j
}

// write appends n events as a new owner.
func write(t *testing.T, j *journal.Journal, incarnation domain.Seq, n int) domain.Ref {
	t.Helper()
	w, err := j.Takeover(t.Context(), hub, incarnation, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := w.Append(t.Context(), &domain.HubAborted{Owned: w.Owned(), Trail: w.Trail()}); err != nil {
			t.Fatal(err)
		}
	}
	return w.Tail()
}

func TestSecondOpenerIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openServer(t, dir)
	_, err := embedded.Open(t.Context(), dir)
	want := "store is in use: " + dir + " is locked by another process; an embedded journal belongs to one process, several need an external NATS"
	if !errors.Is(err, embedded.ErrLocked) || err.Error() != want {
		t.Fatalf("%v\nwant %s", err, want)
	}
	closeServer(t, s)
	closeServer(t, openServer(t, dir)) // the lock is given back
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "anew")
	s, j := openAll(t, dir)
	tail, id := write(t, j, 5, 20), j.ID()
	closeServer(t, s)

	s, j = openAll(t, dir)
	defer closeServer(t, s)
	if j.ID() != id {
		t.Fatalf("journal %s, want %s", j.ID(), id)
	}
	e, err := j.Tail(t.Context(), hub)
	if err != nil || e.Ref() != tail {
		t.Fatalf("tail %v, %v, want %s", e, err, tail)
	}
	if next := write(t, j, 6, 1); next.Seq != tail.Seq+2 {
		t.Fatalf("goes on at %s after %s", next, tail)
	}
	if err := j.Attest(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The largest event that an embedded journal takes is one of max_payload.
func TestEventsUpToMaxPayload(t *testing.T) {
	s := openServer(t, t.TempDir())
	defer closeServer(t, s)
	if err := s.Store().Create(t.Context(), hub, 1); err != nil {
		t.Fatal(err)
	}
	put := func(n int) error {
		return s.Store().Put(t.Context(), hub, 1, 1, [][]byte{make([]byte, n)})
	}
	if err := put(embedded.MaxPayload + 1); !errors.Is(err, journal.ErrTooLarge) {
		t.Fatal(err)
	}
	if err := put(embedded.MaxPayload - 100); err != nil { // its header takes some
		t.Fatal(err)
	}
	f, err := s.Store().Follow(t.Context(), hub, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := f.Next(t.Context()); err != nil || len(b) != embedded.MaxPayload-100 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
}

func TestLostStoreIsNotMadeAnew(t *testing.T) {
	dir := t.TempDir()
	s, j := openAll(t, dir)
	write(t, j, 5, 1)
	closeServer(t, s)
	if err := os.RemoveAll(filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	s = openServer(t, dir)
	defer closeServer(t, s)
	_, err := journal.Open(t.Context(), pipeline, journal.Options{Store: s.Store(), Manifest: s.Manifest()})
	if !errors.Is(err, journal.ErrMissing) {
		t.Fatal(err)
	}
}

// A store directory that cannot be one is an error, not a server that is waited for.
func TestStoreThatCannotBeOpenedIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nats"), []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := embedded.Open(ctx, dir)
	if err == nil {
		closeServer(t, s)
		t.Fatal("opened")
	}
	if errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), dir) {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	closeServer(t, openServer(t, dir)) // the lock was given back
}
