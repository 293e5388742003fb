package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// dropped is a world whose first segment is in the archive alone.
func dropped(t *testing.T, place archive.Place) (*world, domain.Archived) {
	t.Helper()
	w := newWorld(t, journal.NewMemory(), place)
	w.fill(3)
	g := w.sealed()[0]
	a := w.archive(g[0], g[1])
	w.drop(g[0], g[1])
	return w, a
}

// Every byte of a file counts, and every cut is seen, before an event is handed out.
func TestEveryByteCounts(t *testing.T) {
	w, a := dropped(t, local(t))
	good, err := os.ReadFile(w.path(a))
	must(t, err)
	look := func(what string, b []byte) {
		w.spoilt(a, b, func() {
			j := w.fresh()
			events, err := w.events(j)
			w.refused(what, err, a.File, true)
			if len(events) > 0 {
				t.Errorf("%s: %d events were read", what, len(events))
			}
			_, err = j.Get(w.ctx, hubStream(), a.First+1)
			w.refused(what, err, a.File, true)
		})
	}
	for at := range good {
		b := bytes.Clone(good)
		b[at] ^= 1 << rand.IntN(8)
		look("flip", b)
	}
	for _, n := range []int{0, 1, 16, 63, 64, 65, len(good) / 2, len(good) - 64, len(good) - 1} {
		look("cut", good[:n])
	}
	look("longer", append(bytes.Clone(good), 0))
	look("nothing in it", make([]byte, len(good)))
	look("block taken out", good[a.Bytes/2:])
	w.same(nil, w.fresh())
	if _, err := w.events(w.fresh()); err != nil {
		t.Fatalf("the good file: %v", err)
	}
}

// A file of another segment, or one that is in itself right but is not what control names.
func TestAnotherFileInItsPlace(t *testing.T) {
	w, a := dropped(t, local(t))
	next := w.sealed()[0]
	b, err := w.store.Write(w.ctx, w.j, hubStream(), next[0], next[1], domain.Hash{})
	must(t, err)
	other, err := os.ReadFile(w.path(*b))
	must(t, err)
	w.spoilt(a, other, func() {
		_, err := w.events(w.fresh())
		w.refused("the next segment", err, "holds bridge.0.hub from", true)
	})
	// Another journal's segment of the same name, whole and right.
	v := newWorld(t, journal.NewMemory(), local(t))
	v.fill(2)
	forged := v.archive(v.sealed()[0][0], v.sealed()[0][1])
	other, err = os.ReadFile(v.path(forged))
	must(t, err)
	w.spoilt(a, other, func() {
		_, err := w.events(w.fresh())
		w.refused("another journal", err, "is another file than control names", true)
	})
	// Files that no Archived names are never looked at.
	must(t, os.WriteFile(w.path(*b), other, 0o600))
	if _, err := w.events(w.fresh()); err != nil {
		t.Error(err)
	}
}

// An archive that does not answer, or has lost a file, is an error that says which file
// and where; the legs try again, and nothing is skipped.
func TestArchiveOutOfReach(t *testing.T) {
	place := &faulty{Place: local(t)}
	w, a := dropped(t, place)
	place.read = errInjected
	_, err := w.events(w.fresh())
	w.refused("no answer", err, a.File, false)
	if !errors.Is(err, errInjected) || !strings.Contains(err.Error(), place.String()) {
		t.Error(err)
	}
	// What lies in the store can be read, and is appended to.
	w.append("all the same")
	if _, err := w.fresh().Tail(w.ctx, hubStream()); err != nil {
		t.Error(err)
	}
	place.read = nil
	r, err := w.fresh().Read(w.ctx, hubStream(), domain.Cursor{})
	must(t, err)
	must(t, os.Rename(w.path(a), w.path(a)+".away"))
	_, err = r.Next(w.ctx)
	w.refused("file is gone", err, a.File, false)
	if !errors.Is(err, archive.ErrNoFile) || !strings.Contains(err.Error(), "put it back") {
		t.Error(err)
	}
	_, err = w.fresh().Get(w.ctx, hubStream(), 1)
	w.refused("get of a file that is gone", err, a.File, false)
	must(t, os.Rename(w.path(a)+".away", w.path(a)))
	if _, err := w.events(w.fresh()); err != nil {
		t.Error(err)
	}
}

// Who does not know yet that a segment was dropped, and cannot ask, does not say that there
// is no such event: that is what a regressed journal says.
func TestStoreThatDoesNotSay(t *testing.T) {
	m := journal.NewMemory()
	w := newWorld(t, m, local(t))
	w.fill(3)
	silent := &silentStore{Memory: m}
	other := archive.New(silent, w.place)
	w.same(nil, w.journal(other))
	g := w.sealed()[0]
	w.archive(g[0], g[1])
	w.drop(g[0], g[1])
	silent.err = errInjected
	if b, err := other.Get(w.ctx, hubStream(), g[0], g[0]+1); !errors.Is(err, errInjected) || errors.Is(err, journal.ErrNotFound) {
		t.Errorf("get: %q, %v", b, err)
	}
	if b, err := other.Last(w.ctx, hubStream(), g[0]); !errors.Is(err, errInjected) || errors.Is(err, journal.ErrNotFound) {
		t.Errorf("last: %q, %v", b, err)
	}
	if _, err := other.Follow(w.ctx, hubStream(), g[0], g[0]); !errors.Is(err, errInjected) || errors.Is(err, journal.ErrNotFound) {
		t.Errorf("follow: %v", err)
	}
	silent.err = nil
	if _, err := other.Get(w.ctx, hubStream(), g[0], g[0]+1); err != nil {
		t.Error(err)
	}
}

// silentStore does not list its segments.
type silentStore struct {
	*journal.Memory
	err error
}

func (s *silentStore) Segments(ctx context.Context, stream domain.Stream) ([]journal.Segment, error) {
	list, err := s.Memory.Segments(ctx, stream)
	return list, errors.Join(err, s.err)
}

var errInjected = errors.New("injected fault")

// faulty is a place with faults.
type faulty struct {
	archive.Place
	before, after error // of Put: it did not happen, it did
	read          error
}

func (f *faulty) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	if f.before != nil {
		return f.before
	}
	return errors.Join(f.Place.Put(ctx, name, write), f.after)
}

func (f *faulty) Size(ctx context.Context, name string) (int64, error) {
	if f.read != nil {
		return 0, f.read
	}
	return f.Place.Size(ctx, name)
}

func (f *faulty) Read(ctx context.Context, name string, offset int64, n int) ([]byte, error) {
	if f.read != nil {
		return nil, f.read
	}
	return f.Place.Read(ctx, name, offset, n)
}
