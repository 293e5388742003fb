package archive_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// What was dropped is read as if it were there: by those who were reading, by those who
// knew the stream before, and by those who come.
func TestDroppedSegmentsAreRead(t *testing.T) {
	bothStores(t, func(t *testing.T, inner journal.Store) {
		w := newWorld(t, inner, local(t))
		w.fill(4)
		before, err := w.events(w.j)
		must(t, err)
		other := w.fresh() // has listed the stream, and reads it now
		w.same(before, other)
		r, err := other.Read(w.ctx, hubStream(), domain.Cursor{})
		must(t, err)
		defer r.Close()
		for range 2 {
			_, err := r.Next(w.ctx)
			must(t, err)
		}
		full, err := w.j.Size(w.ctx)
		must(t, err)
		segments := w.sealed()
		for _, g := range segments {
			w.archive(g[0], g[1])
			w.same(before, w.fresh()) // the store's
			w.drop(g[0], g[1])
			w.same(before, w.j)
			w.same(before, w.fresh())
		}
		for seq := domain.Seq(3); seq <= before[len(before)-1].Seq; seq++ {
			e, err := r.Next(w.ctx)
			must(t, err)
			if e.Hash != before[seq-1].Hash {
				t.Fatalf("event %d is another one", seq)
			}
		}
		w.same(before, other)
		j := w.fresh()
		for _, e := range before {
			got, err := j.Get(w.ctx, hubStream(), e.Seq)
			must(t, err)
			if got.Hash != e.Hash {
				t.Fatalf("get %d: another event", e.Seq)
			}
			after, err := j.Read(w.ctx, hubStream(), e.Ref())
			must(t, err)
			after.Close()
		}
		left, err := w.j.Size(w.ctx)
		must(t, err)
		if left >= full {
			t.Errorf("%d bytes, %d before", left, full)
		}
		list, err := archive.New(inner, w.place).Segments(w.ctx, hubStream())
		must(t, err)
		if len(list) != 4 || list[0] != (journal.Segment{First: 1, Sealed: true}) || list[3].Bytes == 0 {
			t.Errorf("segments %+v", list)
		}
		if _, err := j.Get(w.ctx, hubStream(), 1000); !errors.Is(err, journal.ErrNotFound) {
			t.Error(err)
		}
		// The stream goes on, and rolls on.
		w.fill(3)
		w.same(before, w.fresh())
	})
}

// An owner opens from the tail and what it names, wherever that lies.
func TestTailNamesWhatWasDropped(t *testing.T) {
	bothStores(t, func(t *testing.T, inner journal.Store) {
		w := newWorld(t, inner, local(t))
		begun, err := w.w.Append(w.ctx, &domain.HubBegun{Owned: w.w.Owned(), Trail: w.w.Trail()})
		must(t, err)
		for len(w.stored()) < 3 {
			_, err := w.w.Append(w.ctx, &domain.Opened{Owned: w.w.Owned(), Trail: w.w.Trail()})
			must(t, err)
		}
		for _, g := range w.sealed() {
			w.archive(g[0], g[1])
			w.drop(g[0], g[1])
		}
		// The store has one segment, and it is empty: the tail is the Rolled in the archive.
		j := w.fresh()
		tail, err := j.Tail(w.ctx, hubStream())
		must(t, err)
		if tail.Event.Kind() != domain.KindRolled || tail.Ref() != w.w.Tail() {
			t.Errorf("tail %s, want %s", tail.Ref(), w.w.Tail())
		}
		next, err := j.Takeover(w.ctx, hubStream(), 2, 1)
		must(t, err)
		if !next.Trail().Open() || next.Trail().Begun != begun.Seq {
			t.Fatalf("trail %+v, the open intent is %s", next.Trail(), begun)
		}
		e, err := j.Get(w.ctx, hubStream(), next.Trail().Begun)
		must(t, err)
		if e.Ref() != begun {
			t.Errorf("intent %s", e.Ref())
		}
		if _, err = next.Append(w.ctx, &domain.HubAborted{Owned: next.Owned(), Trail: next.Trail(), Begun: begun}); err != nil {
			t.Error(err)
		}
		// The owner before is fenced as ever.
		_, err = w.w.Append(w.ctx, &domain.HubAborted{Owned: w.w.Owned()})
		if err == nil {
			t.Error("the owner before appended")
		}
	})
}

// An owner who came too late makes a segment again that was dropped: it hides nothing.
func TestSegmentMadeAgainHidesNothing(t *testing.T) {
	bothStores(t, func(t *testing.T, inner journal.Store) {
		w := newWorld(t, inner, local(t))
		w.fill(3)
		before, err := w.events(w.j)
		must(t, err)
		g := w.sealed()[0]
		w.archive(g[0], g[1])
		w.drop(g[0], g[1])
		must(t, inner.Create(w.ctx, hubStream(), g[0]))
		w.same(before, w.j)
		w.same(before, w.fresh())
	})
}

// A store that lost what was not dropped is not taken for one that ends in the archive.
func TestStoreThatLostSegments(t *testing.T) {
	for name, lose := range map[string]func([]journal.Segment) []journal.Segment{
		"all":            func(l []journal.Segment) []journal.Segment { return l },
		"the first ones": func(l []journal.Segment) []journal.Segment { return l[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, journal.NewMemory(), local(t))
			w.fill(4)
			g := w.sealed()[0]
			w.archive(g[0], g[1])
			w.drop(g[0], g[1])
			for _, g := range lose(w.stored()) {
				must(t, w.inner.Drop(w.ctx, hubStream(), g.First))
			}
			for who, j := range map[string]*journal.Journal{"who knew it": w.j, "who comes": w.fresh()} {
				if _, err := j.Takeover(w.ctx, hubStream(), 9, 1); !errors.Is(err, journal.ErrMissing) {
					t.Errorf("%s takes over: %v", who, err)
				}
				if _, err := w.events(j); !errors.Is(err, journal.ErrMissing) {
					t.Errorf("%s reads: %v", who, err)
				}
			}
		})
	}
}

// Dropped without Archived, which this release never writes.
func TestDroppedAndNeverArchived(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), local(t))
	w.fill(3)
	g := w.sealed()[0]
	if err := w.store.Drop(w.ctx, hubStream(), g[0]); err == nil || !strings.Contains(err.Error(), "control does not say") {
		t.Errorf("dropped without a word on control: %v", err)
	}
	if err := w.store.Drop(w.ctx, domain.ControlStream(pipeline), 1); err == nil {
		t.Error("control was dropped")
	}
	w.say(&domain.Dropped{Stream: hubStream(), First: g[0], Last: g[1]})
	if err := w.store.Drop(w.ctx, hubStream(), g[0]); err == nil || !strings.Contains(err.Error(), "not where this was archived") {
		t.Errorf("dropped without an archive: %v", err)
	}
	must(t, w.inner.Drop(w.ctx, hubStream(), g[0]))
	var broken *journal.IntegrityError
	if _, err := w.events(w.fresh()); !errors.As(err, &broken) || !strings.Contains(err.Error(), "not where this was archived") {
		t.Error(err)
	}
}

// Blocks are where one event is found without reading the others.
func TestManyBlocks(t *testing.T) {
	w := newWorld(t, journal.NewMemory(), local(t))
	j, err := journal.Open(w.ctx, pipeline, journal.Options{Store: w.store, SegmentBytes: 40 << 20})
	must(t, err)
	w.w, err = j.Takeover(w.ctx, hubStream(), 2, 1)
	must(t, err)
	for i := 0; len(w.stored()) < 2; i++ {
		w.append(strings.Repeat(string(rune('a'+i%26)), 1<<20+i*4096))
	}
	w.append("the end")
	before, err := w.events(w.j)
	must(t, err)
	g := w.sealed()[0]
	a := w.archive(g[0], g[1])
	w.drop(g[0], g[1])
	w.same(before, w.fresh())
	j = w.fresh()
	for _, e := range slices.Backward(before) {
		got, err := j.Get(w.ctx, hubStream(), e.Seq)
		must(t, err)
		if got.Hash != e.Hash {
			t.Fatalf("event %d is another one", e.Seq)
		}
		r, err := j.ReadFrom(w.ctx, hubStream(), e.Seq)
		must(t, err)
		if got, err = r.Next(w.ctx); err != nil || got.Hash != e.Hash {
			t.Fatalf("read from %d: %v", e.Seq, err)
		}
		r.Close()
	}
	if a.Bytes > 1<<20 {
		t.Errorf("%d bytes of a file that is one letter after the other", a.Bytes)
	}
}
