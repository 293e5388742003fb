package journal_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// plan is what a process does from nothing to a rolled segment, on its way through
// every kind of Put: Genesis twice, Started, Opened, Begun, Aborted, Rolled and what
// comes after it.
func plan(ctx context.Context, m *journal.Memory) error {
	o := journal.Options{Store: m, SegmentBytes: 700}
	j, err := journal.Open(ctx, pipeline, o)
	if err != nil {
		return err
	}
	c, err := j.OpenControl(ctx)
	if err != nil {
		return err
	}
	started, err := c.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		if len(s.Started) > 0 {
			return nil, nil // the process that died did it
		}
		return &domain.Started{Instance: "a"}, nil
	})
	if err != nil {
		return err
	}
	w, err := j.Takeover(ctx, shard(domain.LegHub), max(started.Seq, 2), 1)
	if err != nil {
		return err
	}
	for w.Tail().Seq < 8 {
		var ev domain.ShardEvent = &domain.HubBegun{Owned: w.Owned(), Trail: w.Trail()}
		if w.Trail().Open() {
			ev = aborted(w, "settled")
		}
		if _, err := w.Append(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

func planned(t *testing.T, m *journal.Memory) (control, hub []domain.Kind) {
	t.Helper()
	j := open(t, m)
	control = kinds(chain(t, j, domain.ControlStream(pipeline)))
	hub = kinds(chain(t, j, shard(domain.LegHub)))
	// A process that died before Rolled leaves it to the first append of the next one.
	rolled := slices.Index(hub, domain.KindRolled)
	if rolled < 0 {
		t.Fatalf("nothing was rolled: %v", hub)
	}
	return control, slices.Delete(hub, rolled, rolled+1)
}

// Each Put fails once, having happened or not. Whether the same process resolves it
// or dies and another one does everything again: exactly one event, the chain whole.
func TestEveryPutHasItsPairOfFaults(t *testing.T) {
	clean := journal.NewMemory()
	if err := plan(t.Context(), clean); err != nil {
		t.Fatal(err)
	}
	control, hub := planned(t, clean)
	if !slices.Contains(hub, domain.KindOpened) || len(control) != 2 {
		t.Fatalf("the plan makes %v and %v", control, hub)
	}
	puts := len(control) + len(hub) + 1
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for at := range puts {
			for _, dies := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					m := journal.NewMemory()
					ctx, die := context.WithCancel(t.Context())
					defer die()
					n, hit := 0, false
					m.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault {
						n++
						if n != at+1 {
							return journal.FaultNone
						}
						hit = true
						if dies {
							die()
						}
						return fault
					}
					err := plan(ctx, m)
					if !hit || !dies && err != nil || dies && fault == journal.FaultBefore && !errors.Is(err, journal.ErrUnknown) {
						t.Fatalf("put %d, fault %d, dies %v: hit %v, %v", at, fault, dies, hit, err)
					}
					if err := plan(t.Context(), m); err != nil {
						t.Fatal(err)
					}
					gotControl, gotHub := planned(t, m)
					if !slices.Equal(gotControl, control) || !slices.Equal(gotHub, hub) {
						t.Errorf("put %d, fault %d, dies %v: %v and %v, want %v", at, fault, dies, gotControl, gotHub, hub)
					}
				})
			}
		}
	}
}

// late holds back the bytes of a Put that was answered with an error, and delivers
// them when the test says so.
type late struct {
	*journal.Memory
	hold    atomic.Bool
	deliver func() error
}

func (l *late) Put(ctx context.Context, s domain.Stream, first, seq domain.Seq, parts [][]byte) error {
	if l.hold.CompareAndSwap(true, false) {
		l.deliver = func() error { return l.Memory.Put(context.WithoutCancel(ctx), s, first, seq, parts) }
		return errors.New("time-out")
	}
	return l.Memory.Put(ctx, s, first, seq, parts)
}

func TestBytesThatArriveLate(t *testing.T) {
	s := shard(domain.LegHub)
	begin := func(t *testing.T) (*late, *journal.Journal, *journal.Writer) {
		l := &late{Memory: journal.NewMemory()}
		j := open(t, l)
		return l, j, take(t, j, s, 5)
	}
	t.Run("after they were sent again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, j, w := begin(t)
			l.hold.Store(true)
			appendTo(t, w, aborted(w, "once"))
			if err := l.deliver(); !errors.Is(err, journal.ErrSequence) {
				t.Fatalf("stored twice: %v", err)
			}
			appendTo(t, w, aborted(w, "more"))
			if n := len(chain(t, j, s)); n != 4 {
				t.Fatalf("%d events", n)
			}
		})
	})
	t.Run("after the append was given up", func(t *testing.T) {
		l, j, w := begin(t)
		ctx, cancel := context.WithCancel(t.Context())
		l.hold.Store(true)
		cancel()
		if _, err := w.Append(ctx, aborted(w, "given up")); !errors.Is(err, journal.ErrUnknown) {
			t.Fatal(err)
		}
		again := take(t, j, s, 5)
		if err := l.deliver(); err != nil {
			t.Fatal(err)
		}
		// The tail that this writer read is no longer the tail.
		if _, err := again.Append(t.Context(), aborted(again, "on an old tail")); !errors.Is(err, journal.ErrUnknown) {
			t.Fatal(err)
		}
		again = take(t, j, s, 5)
		appendTo(t, again, aborted(again, "on the new tail"))
		events := chain(t, j, s)
		if len(events) != 4 || events[2].Event.(*domain.HubAborted).Why != "given up" {
			t.Fatalf("%v", kinds(events))
		}
	})
	t.Run("after the next owner took over", func(t *testing.T) {
		l, j, w := begin(t)
		ctx, cancel := context.WithCancel(t.Context())
		l.hold.Store(true)
		cancel()
		_, _ = w.Append(ctx, aborted(w, "given up"))
		take(t, j, s, 6)
		if err := l.deliver(); !errors.Is(err, journal.ErrSequence) {
			t.Fatalf("a zombie's bytes are stored: %v", err)
		}
	})
}

func TestAppendWaitsForAnAnswerAsLongAsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := journal.NewMemory()
		j := open(t, m)
		w := take(t, j, shard(domain.LegHub), 5)
		m.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault { return journal.FaultBefore }
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := w.Append(ctx, aborted(w, "x"))
		if !errors.Is(err, journal.ErrUnknown) || !errors.Is(err, journal.ErrInjected) || time.Since(start) != time.Hour {
			t.Fatalf("after %s: %v", time.Since(start), err)
		}
		m.OnPut = nil
		if _, again := w.Append(t.Context(), aborted(w, "y")); !errors.Is(again, journal.ErrUnknown) {
			t.Fatalf("a broken writer goes on: %v", again)
		}
	})
}
