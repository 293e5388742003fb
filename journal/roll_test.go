package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func firsts(t *testing.T, store journal.Store, s domain.Stream) (out []domain.Seq) {
	t.Helper()
	list, err := store.Segments(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range list {
		if g.Sealed != (i < len(list)-1) {
			t.Errorf("segment %d of %d: sealed is %v", g.First, len(list), g.Sealed)
		}
		out = append(out, g.First)
	}
	return out
}

func TestSegmentsRollAndSeqRunsOn(t *testing.T) {
	bothStores(t, func(t *testing.T, store journal.Store) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s := shard(domain.LegHub)
		o := journal.Options{Store: store, SegmentBytes: 600}
		j := openWith(t, o)
		r := read(t, j, s, domain.Cursor{}) // from before there is a stream
		done := make(chan error, 1)
		const n = 40
		go func() {
			for seq := domain.Seq(1); seq <= n; seq++ {
				e, err := r.Next(ctx)
				if err == nil && e.Seq != seq {
					err = fmt.Errorf("read %d, want %d", e.Seq, seq)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		w := take(t, j, s, 5)
		for w.Tail().Seq < n {
			appendTo(t, w, aborted(w, "x"))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		list := firsts(t, store, s)
		if len(list) < 4 {
			t.Fatalf("segments %v", list)
		}
		events := chain(t, openWith(t, o), s)
		for _, first := range list[1:] {
			if events[first-2].Event.Kind() != domain.KindRolled {
				t.Errorf("segment %d follows %s", first, events[first-2].Event.Kind())
			}
		}
		// Each cursor is a place to begin at, those on a Rolled as well.
		for _, e := range events[:len(events)-1] {
			after := read(t, j, s, e.Ref())
			if got, err := after.Next(ctx); err != nil || got.Seq != e.Seq+1 {
				t.Fatalf("after %d: %v, %v", e.Seq, got, err)
			}
			if got := get(t, j, s, e.Seq); got.Hash != e.Hash {
				t.Fatalf("get %d: another event", e.Seq)
			}
		}
	})
}

// A journal that knew a stream as one segment finds what another process rolled.
func TestOldListsOfSegmentsAreLookedAtAgain(t *testing.T) {
	m, s := journal.NewMemory(), shard(domain.LegHub)
	reader := open(t, m)
	w := take(t, openWith(t, journal.Options{Store: m, SegmentBytes: 600}), s, 5)
	get(t, reader, s, 2)
	for len(firsts(t, m, s)) < 4 {
		appendTo(t, w, aborted(w, "x"))
	}
	ref := appendTo(t, w, aborted(w, "last"))
	if e := get(t, reader, s, ref.Seq); e.Hash != ref.Hash {
		t.Fatal("another event")
	}
	if _, err := reader.Get(t.Context(), s, ref.Seq+9); !errors.Is(err, journal.ErrNotFound) {
		t.Fatal(err)
	}
}

var errDied = errors.New("the process died here")

// dying ends a process at one step of a roll.
type dying struct {
	*journal.Memory
	beforeCreate, beforeSeal bool
}

func (d *dying) Create(ctx context.Context, s domain.Stream, first domain.Seq) error {
	if d.beforeCreate && first > 1 {
		return errDied
	}
	return d.Memory.Create(ctx, s, first)
}

func (d *dying) Seal(ctx context.Context, s domain.Stream, first domain.Seq) error {
	if d.beforeSeal {
		return errDied
	}
	return d.Memory.Seal(ctx, s, first)
}

func TestNextOwnerFinishesARoll(t *testing.T) {
	for name, d := range map[string]*dying{
		"died after Rolled":                   {beforeCreate: true},
		"died after create, before seal":      {beforeSeal: true},
		"died before the segment's first one": {},
	} {
		t.Run(name, func(t *testing.T) {
			d.Memory = journal.NewMemory()
			s := shard(domain.LegHub)
			o := journal.Options{Store: d, SegmentBytes: 600}
			w := take(t, openWith(t, o), s, 5)
			for w.Tail().Seq < 20 && kinds(chain(t, w.Journal(), s))[w.Tail().Seq-1] != domain.KindRolled {
				if _, err := w.Append(t.Context(), aborted(w, "x")); err != nil && !errors.Is(err, errDied) {
					t.Fatal(err)
				}
			}
			d.beforeCreate, d.beforeSeal = false, false
			rolled := w.Tail().Seq
			j := openWith(t, o)
			next := take(t, j, s, 6)
			ref := appendTo(t, next, aborted(next, "y"))
			if ref.Seq != rolled+2 { // after Opened
				t.Fatalf("goes on at %d after Rolled at %d", ref.Seq, rolled)
			}
			list, err := d.Segments(t.Context(), s)
			if err != nil || len(list) != 2 || list[1].First != rolled+1 {
				t.Fatalf("segments %v, %v", list, err)
			}
			chain(t, j, s)
		})
	}
}

func TestHeadOfAnEmptySegmentIsTheRolledBeforeIt(t *testing.T) {
	bothStores(t, func(t *testing.T, store journal.Store) {
		s := shard(domain.LegHub)
		j := openWith(t, journal.Options{Store: store, SegmentBytes: 600})
		w := take(t, j, s, 5)
		for len(firsts(t, store, s)) < 2 {
			appendTo(t, w, aborted(w, "x"))
		}
		tail, err := j.Tail(t.Context(), s)
		if err != nil || tail.Event.Kind() != domain.KindRolled || tail.Ref() != w.Tail() {
			t.Fatalf("tail %+v, %v, writer's %s", tail, err, w.Tail())
		}
		if again := take(t, j, s, 5); again.Tail() != w.Tail() {
			t.Fatalf("opened again at %s", again.Tail())
		}
	})
}

// Segments were dropped together with the Rolled that said how to go on.
func TestAnEmptySegmentAloneIsNotABeginning(t *testing.T) {
	m, s := journal.NewMemory(), shard(domain.LegHub)
	j := open(t, m)
	if err := m.Create(t.Context(), s, 50); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Takeover(t.Context(), s, 5, 1); !errors.Is(err, journal.ErrMissing) {
		t.Fatal(err)
	}
	if list := firsts(t, m, s); !slices.Equal(list, []domain.Seq{50}) {
		t.Fatalf("segments %v", list)
	}
	// And a reader of what was dropped says so instead of waiting for it.
	if _, err := read(t, j, s, domain.Cursor{}).Next(t.Context()); !errors.Is(err, journal.ErrNotFound) {
		t.Fatal(err)
	}
}

// A segment whose numbers contradict the chain stops the next owner before it writes.
func TestSegmentsThatContradictTheChain(t *testing.T) {
	for name, c := range map[string]struct {
		first domain.Seq
		holds domain.Seq // which event stands at its first seq, 0 for none
		at    domain.Seq
	}{
		"begins beyond the tail": {9, 0, 7},
		"holds an older event":   {7, 6, 6},
	} {
		t.Run(name, func(t *testing.T) {
			m, j, s := six(t)
			if err := m.Create(t.Context(), s, c.first); err != nil {
				t.Fatal(err)
			}
			if c.holds > 0 {
				if err := m.Put(t.Context(), s, c.first, c.first, [][]byte{stored(t, m, s, c.holds)}); err != nil {
					t.Fatal(err)
				}
			}
			var broken *journal.IntegrityError
			if _, err := j.Takeover(t.Context(), s, 6, 1); !errors.As(err, &broken) || broken.Seq != c.at {
				t.Fatal(err)
			}
		})
	}
}

// A segment made again that had been dropped: its ack is not believed.
func TestAckInASegmentBeforeTheNewestIsAFence(t *testing.T) {
	m, s := journal.NewMemory(), shard(domain.LegHub)
	d := &dying{Memory: m, beforeCreate: true}
	w := take(t, openWith(t, journal.Options{Store: d, SegmentBytes: 600}), s, 5)
	var err error
	for err == nil {
		_, err = w.Append(t.Context(), aborted(w, "x"))
	}
	d.beforeCreate = false
	rolled := w.Tail().Seq
	z, err := openWith(t, journal.Options{Store: &rolledOn{Memory: m, first: rolled + 30}}).Takeover(t.Context(), s, 6, 1)
	if !errors.As(err, new(*journal.FencedError)) {
		t.Fatalf("%v, %v", z, err)
	}
}

// rolledOn is a store in which others rolled on between a create and the first ack.
type rolledOn struct {
	*journal.Memory
	first domain.Seq
	made  bool
}

func (r *rolledOn) Create(ctx context.Context, s domain.Stream, first domain.Seq) error {
	r.made = r.made || first > 1
	return r.Memory.Create(ctx, s, first)
}

func (r *rolledOn) Segments(ctx context.Context, s domain.Stream) ([]journal.Segment, error) {
	list, err := r.Memory.Segments(ctx, s)
	if r.made {
		list = append(list, journal.Segment{First: r.first})
	}
	return list, err
}
