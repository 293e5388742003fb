package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func control(t *testing.T, j *journal.Journal) *journal.Control {
	t.Helper()
	c, err := j.OpenControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// follow runs a Control for as long as the test.
func follow(t *testing.T, c *journal.Control) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func starts(s *domain.ControlState) int { return len(s.Started) }

// A state that goes back was given an event twice, or an old one after a new one.
func TestStateNeverGoesBack(t *testing.T) {
	j := open(t, journal.NewMemory())
	c, other := control(t, j), control(t, j)
	follow(t, c)
	var seen domain.Seq
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	forward := func(s *domain.ControlState) bool { // called under the Control's lock
		if s.Tail < seen {
			t.Errorf("the state went back from %d to %d", seen, s.Tail)
		}
		seen = s.Tail
		return starts(s) == 400
	}
	var all sync.WaitGroup
	for _, c := range []*journal.Control{c, c, other, other} {
		all.Go(func() {
			for range 100 {
				if _, err := c.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	if err := c.Wait(ctx, forward); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// Ten appends from two processes, each deciding from what it sees: none is lost, each
// decision is made on the state as of its place in the stream.
func TestConcurrentAppendsToControlDecideAnew(t *testing.T) {
	bothStores(t, func(t *testing.T, store journal.Store) {
		for _, bytes := range []int64{0, 500} { // in one segment, and rolling
			store := fresh(t, store)
			o := journal.Options{Store: store, SegmentBytes: bytes}
			both := []*journal.Control{control(t, openWith(t, o)), control(t, openWith(t, o))}
			follow(t, both[0]) // one of them reads along while it appends
			refs := make([]domain.Ref, 10)
			var all sync.WaitGroup
			for i := range refs {
				all.Go(func() {
					var err error
					refs[i], err = both[i%2].Append(t.Context(), func(s *domain.ControlState) (domain.Event, error) {
						return &domain.Started{Instance: fmt.Sprint(i), PID: starts(s)}, nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			numbered(t, openWith(t, o), refs)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := both[0].Wait(ctx, func(s *domain.ControlState) bool { return starts(s) == len(refs) }); err != nil {
				t.Fatal(err)
			}
			cancel()
			if bytes > 0 && len(firsts(t, store, domain.ControlStream(pipeline))) < 2 {
				t.Error("control was not rolled")
			}
		}
	})
}

// fresh is an empty store of the same kind.
func fresh(t *testing.T, store journal.Store) journal.Store {
	t.Helper()
	if _, ok := store.(*journal.Memory); ok {
		return journal.NewMemory()
	}
	js, _ := openStore(t)
	return js
}

// numbered demands that the n-th Started says that n were there before it, and stands
// where its Append said.
func numbered(t *testing.T, j *journal.Journal, refs []domain.Ref) {
	t.Helper()
	n := 0
	for _, e := range chain(t, j, domain.ControlStream(pipeline)) {
		ev, ok := e.Event.(*domain.Started)
		if !ok {
			continue
		}
		if ev.PID != n {
			t.Errorf("%d was decided on %d events, %d were there", e.Seq, ev.PID, n)
		}
		var i int
		if _, err := fmt.Sscan(ev.Instance, &i); err != nil || refs[i] != e.Ref() {
			t.Errorf("%s was told %s, stands at %s", ev.Instance, refs[i], e.Ref())
		}
		n++
	}
	if n != len(refs) {
		t.Errorf("%d of %d appends are stored", n, len(refs))
	}
}

// Two processes that are alike in all they say start at the same moment: each has an
// incarnation of its own, or neither would ever be fenced.
func TestTwinsHaveTwoIncarnations(t *testing.T) {
	m := journal.NewMemory()
	a, b := control(t, open(t, m)), control(t, open(t, m))
	twin := func(*domain.ControlState) (domain.Event, error) {
		return &domain.Started{Instance: "hefu-0", PID: 1}, nil
	}
	var refB domain.Ref
	m.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault { // b is faster
		m.OnPut = nil
		var err error
		if refB, err = b.Append(t.Context(), twin); err != nil {
			t.Error(err)
		}
		return journal.FaultNone
	}
	refA, err := a.Append(t.Context(), twin)
	if err != nil || refA.Seq != refB.Seq+1 {
		t.Fatalf("%s and %s, %v", refA, refB, err)
	}
}

func TestDecideMayFindNothingToDo(t *testing.T) {
	j := open(t, journal.NewMemory())
	c := control(t, j)
	once := func(s *domain.ControlState) (domain.Event, error) {
		if s.Config != nil {
			return nil, nil
		}
		return &domain.PipelineConfigured{}, nil
	}
	first, err := c.Append(t.Context(), once)
	if err != nil || first.Seq != 2 {
		t.Fatalf("%s, %v", first, err)
	}
	if ref, err := control(t, j).Append(t.Context(), once); err != nil || !ref.IsZero() {
		t.Fatalf("%s, %v", ref, err)
	}
	refused := fmt.Errorf("not like this")
	if _, err := c.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return nil, refused }); err != refused { //nolint:errorlint // itself
		t.Fatal(err)
	}
	if n := len(chain(t, j, domain.ControlStream(pipeline))); n != 2 {
		t.Fatalf("%d events", n)
	}
}

func TestWaitSeesWhatOthersAppend(t *testing.T) {
	bothStores(t, func(t *testing.T, store journal.Store) {
		mine, theirs := control(t, open(t, store)), control(t, open(t, store))
		follow(t, mine)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		defer all.Wait()
		for range 3 {
			all.Go(func() {
				if err := mine.Wait(ctx, func(s *domain.ControlState) bool { return starts(s) == 20 }); err != nil {
					t.Error(err)
				}
			})
		}
		for range 20 {
			if _, err := theirs.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{}, nil }); err != nil {
				t.Fatal(err)
			}
		}
	})
}
