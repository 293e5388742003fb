package archive_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Put implements journal.Store: an append to control meets the fault of its kind.
func (f *faultyStore) Put(ctx context.Context, s domain.Stream, first, seq domain.Seq, parts [][]byte) error {
	if s.Leg != domain.LegControl {
		return f.Store.Put(ctx, s, first, seq, parts)
	}
	e, err := journal.Decode(slices.Concat(parts...))
	if err != nil {
		return err
	}
	return f.fault(e.Event.Kind(), func() error { return f.Store.Put(ctx, s, first, seq, parts) })
}

// said counts what stands on control, by kind and segment.
func (w *world) said() map[string]int {
	w.Helper()
	out := map[string]int{}
	control := domain.ControlStream(pipeline)
	tail, err := w.j.Tail(w.ctx, control)
	must(w.T, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := w.j.Get(w.ctx, control, seq)
		must(w.T, err)
		switch ev := e.Event.(type) {
		case *domain.Archived:
			if ev.Last.Stream.Leg != domain.LegControl {
				out["archived "+ev.Last.String()]++
			}
		case *domain.Dropped:
			out["dropped "+domain.Ref{Stream: ev.Stream, Seq: ev.Last}.String()]++
		}
	}
	return out
}

// Each step has its pair of faults. An append without an answer is resolved by the
// journal; of all others the next pass makes what is to be, once.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(*world)
		fails bool
	}{
		"put did not happen":      {func(w *world) { w.place.before = errInjected }, true},
		"put did happen":          {func(w *world) { w.place.after = errInjected }, false},
		"place does not answer":   {func(w *world) { w.place.size = errInjected }, true},
		"deletion did not happen": {func(w *world) { w.inner.at = "drop" }, true},
		"deletion did happen":     {func(w *world) { w.inner.at, w.inner.after = "drop", true }, true},
		"Archived did happen":     {func(w *world) { w.inner.at, w.inner.after = domain.KindArchived, true }, false},
		"Dropped did happen":      {func(w *world) { w.inner.at, w.inner.after = domain.KindDropped, true }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := full(t, domain.LegHub, domain.LegDoris)
			w.reconciled()
			before := w.events()
			c.set(w)
			r, err := w.pass()
			must(t, err)
			bad := r.Failed()
			if (bad != nil) != c.fails || bad != nil && !strings.Contains(bad.Why, "injected") {
				t.Fatalf("%+v", r.Segments)
			}
			after := w.events()
			w.place.before, w.place.after, w.place.size, w.inner.at = nil, nil, nil, ""
			w.passes()
			w.once()
			if !reflect.DeepEqual(before, w.events()) || !reflect.DeepEqual(before, after) {
				t.Error("other events than before")
			}
		})
	}
}

// once demands that every sealed segment is gone, and each said once.
func (w *world) once() {
	w.Helper()
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		if n := w.sealed(leg); n > 1 { // what was rolled after the cursor before it stays
			w.Errorf("%s has %d sealed segments", leg, n)
		}
	}
	if n := w.sealed(domain.LegIngest); n != 0 {
		w.Errorf("ingest has %d sealed segments", n)
	}
	said := w.said()
	for what, n := range said {
		if n != 1 {
			w.Errorf("%s: said %d times", what, n)
		}
	}
	if len(said) < 4 {
		w.Errorf("said: %v", said)
	}
}

// A process that died with an append that did not happen: the next one does it. The
// journal sends an append again until it has an answer, so that its context ends first.
func TestAppendsThatDidNotHappen(t *testing.T) {
	for _, kind := range []domain.Kind{domain.KindArchived, domain.KindDropped} {
		w := full(t, domain.LegHub, domain.LegDoris)
		w.reconciled()
		before := w.events()
		job := w.job()
		life, die := context.WithCancel(w.ctx)
		w.inner.at, w.inner.onFault = kind, die
		if _, err := job.Pass(life); err == nil {
			t.Errorf("%s: the pass went on", kind)
		}
		die()
		w.inner.at, w.inner.onFault = "", nil
		if said := w.said(); kind == domain.KindArchived && len(said) > 0 {
			t.Errorf("said: %v", said)
		}
		w.passes()
		w.once()
		if !reflect.DeepEqual(before, w.events()) {
			t.Error("other events than before")
		}
	}
}

// The archive is damaged, or lost, before the segment is dropped: it is not dropped for a
// file that is not there any more.
func TestFileSpoiltBeforeTheDrop(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	w.drop = false
	first := line(w.passes(), domain.LegIngest)
	w.reconciled()
	w.drop = true
	path := filepath.Join(w.place.String(), filepath.FromSlash(first.File))
	good, err := os.ReadFile(path)
	must(t, err)
	rotten := slices.Clone(good)
	rotten[len(good)/3] ^= 1
	must(t, os.WriteFile(path, rotten, 0o600))
	r, err := w.pass()
	must(t, err)
	if bad := line(r, domain.LegIngest); bad.Done != "failed" || !strings.Contains(bad.Why, first.File) || w.sealed(domain.LegIngest) != 2 {
		t.Errorf("%+v", bad)
	}
	// Taken away, it is written again: the store still has what is in it.
	must(t, os.Remove(path))
	if got := line(w.passes(), domain.LegIngest); got.Done != "dropped" {
		t.Errorf("%+v", got)
	}
	if b, err := os.ReadFile(path); err != nil || !slices.Equal(b, good) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// What a pass would do is said, and nothing is done.
func TestLookDoesNothing(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	w.reconciled()
	look := w.job()
	look.Look = true
	r, err := look.Pass(w.ctx)
	must(t, err)
	if got := line(r, domain.LegIngest); got.Done != "kept" || got.Why != "it is not archived yet" {
		t.Errorf("%+v", got)
	}
	if list, err := os.ReadDir(w.place.String()); err != nil || len(list) > 0 || len(w.said()) > 0 {
		t.Errorf("%v, %v, %v", list, err, w.said())
	}
}

// Nor where all of it might go.
func TestLookDropsNothing(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	w.drop = false
	w.passes()
	w.reconciled()
	look := w.job()
	look.Look, look.Drop = true, true
	r, err := look.Pass(w.ctx)
	must(t, err)
	if got := line(r, domain.LegIngest); got.Done != "kept" || got.Why != "" || w.sealed(domain.LegIngest) != 2 {
		t.Errorf("%+v", got)
	}
}

// A process archives the streams that it owns.
func TestOnlyItsOwn(t *testing.T) {
	w := full(t, domain.LegHub, domain.LegDoris)
	mine := w.job()
	mine.Owns = func(s domain.Stream) bool { return s.Leg == domain.LegHub }
	r, err := mine.Pass(w.ctx)
	must(t, err)
	for _, s := range r.Segments {
		if s.Stream != "bridge.0.hub" {
			t.Errorf("%+v", s)
		}
	}
	if len(r.Segments) == 0 {
		t.Error("none")
	}
}
