package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/journal/embedded"
)

const pipeline = "bridge"

func hubStream() domain.Stream { return domain.Stream{Pipeline: pipeline, Leg: domain.LegHub} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bothStores runs a test on memory and on the embedded NATS.
func bothStores(t *testing.T, test func(t *testing.T, store journal.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, journal.NewMemory()) })
	t.Run("embedded", func(t *testing.T) {
		e, err := embedded.Open(t.Context(), t.TempDir())
		must(t, err)
		t.Cleanup(func() { must(t, e.Close()) })
		test(t, e.Store())
	})
}

// world is a journal with an archive behind its store.
type world struct {
	*testing.T
	ctx     context.Context
	inner   journal.Store
	place   archive.Place
	store   *archive.Store
	j       *journal.Journal
	control *journal.Control
	w       *journal.Writer
}

const segmentBytes = 900

func newWorld(t *testing.T, inner journal.Store, place archive.Place) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w := &world{T: t, ctx: ctx, inner: inner, place: place, store: archive.New(inner, place)}
	w.j = w.journal(w.store)
	var err error
	w.control, err = w.j.OpenControl(ctx)
	must(t, err)
	w.w, err = w.j.Takeover(ctx, hubStream(), 1, 1)
	must(t, err)
	return w
}

func (w *world) journal(store journal.Store) *journal.Journal {
	w.Helper()
	j, err := journal.Open(w.ctx, pipeline, journal.Options{Store: store, SegmentBytes: segmentBytes})
	must(w.T, err)
	return j
}

// append appends an event of the hub stream.
func (w *world) append(why string) domain.Ref {
	w.Helper()
	ref, err := w.w.Append(w.ctx, &domain.HubAborted{Owned: w.w.Owned(), Trail: w.w.Trail(), Why: why})
	must(w.T, err)
	return ref
}

// fill appends until the stream has n segments in the store, the last one with an event.
func (w *world) fill(n int) {
	w.Helper()
	for len(w.stored()) < n {
		w.append("because")
	}
	w.append("because")
}

func (w *world) stored() []journal.Segment {
	w.Helper()
	list, err := w.store.Stored(w.ctx, hubStream())
	must(w.T, err)
	return list
}

// sealed are the first and last seqs of the segments that are not the last one.
func (w *world) sealed() (out [][2]domain.Seq) {
	w.Helper()
	list := w.stored()
	for i := range list[:len(list)-1] {
		out = append(out, [2]domain.Seq{list[i].First, list[i+1].First - 1})
	}
	return out
}

// archive writes a segment and says so on control.
func (w *world) archive(first, last domain.Seq) domain.Archived {
	w.Helper()
	a, err := w.store.Write(w.ctx, w.j, hubStream(), first, last, domain.Hash{})
	must(w.T, err)
	w.say(a)
	return *a
}

func (w *world) say(e domain.Event) {
	w.Helper()
	_, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return e, nil })
	must(w.T, err)
}

// drop says that a segment is dropped and drops it.
func (w *world) drop(first, last domain.Seq) {
	w.Helper()
	w.say(&domain.Dropped{Stream: hubStream(), First: first, Last: last})
	must(w.T, w.store.Drop(w.ctx, hubStream(), first))
}

// events reads the stream from its beginning, as somebody who just came does.
func (w *world) events(j *journal.Journal) (out []*journal.Entry, err error) {
	tail, err := j.Tail(w.ctx, hubStream())
	if err != nil {
		return nil, err
	}
	r, err := j.Read(w.ctx, hubStream(), domain.Cursor{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for len(out) < int(tail.Seq) {
		e, err := r.Next(w.ctx)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

// fresh is a process that just began, with the same store and archive.
func (w *world) fresh() *journal.Journal { return w.journal(archive.New(w.inner, w.place)) }

func (w *world) same(before []*journal.Entry, j *journal.Journal) {
	w.Helper()
	after, err := w.events(j)
	must(w.T, err)
	if len(after) < len(before) {
		w.Fatalf("%d events, %d before", len(after), len(before))
	}
	for i, e := range before {
		if after[i].Hash != e.Hash || after[i].Seq != e.Seq {
			w.Fatalf("event %d is another one", i+1)
		}
	}
}

// path is where a file of a local archive lies.
func (w *world) path(a domain.Archived) string {
	return filepath.Join(w.place.String(), filepath.FromSlash(a.File))
}

// spoilt changes a file for the time of a look.
func (w *world) spoilt(a domain.Archived, b []byte, look func()) {
	w.Helper()
	good, err := os.ReadFile(w.path(a))
	must(w.T, err)
	must(w.T, os.WriteFile(w.path(a), b, 0o600))
	look()
	must(w.T, os.WriteFile(w.path(a), good, 0o600))
}

// refused demands an error of the archive that names the file, and that nobody can take
// for "no such event".
func (w *world) refused(what string, err error, file string, broken bool) {
	w.Helper()
	var integrity *journal.IntegrityError
	if err == nil || errors.As(err, &integrity) != broken || errors.Is(err, journal.ErrNotFound) || !bytes.Contains([]byte(err.Error()), []byte(file)) {
		w.Errorf("%s: %v", what, err)
	}
}
