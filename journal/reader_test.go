package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// six is a hub stream of six events: Genesis, Opened and four more.
func six(t *testing.T) (*journal.Memory, *journal.Journal, domain.Stream) {
	t.Helper()
	m, s := journal.NewMemory(), shard(domain.LegHub)
	j := open(t, m)
	w := take(t, j, s, 5)
	for w.Tail().Seq < 6 {
		appendTo(t, w, aborted(w, "why"))
	}
	return m, j, s
}

// stops reads from the beginning and demands that the reader stops at or before a seq
// with an error of integrity, having handed out nothing beyond it, and stays stopped.
func stops(t *testing.T, j *journal.Journal, s domain.Stream, at ...domain.Seq) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := read(t, j, s, domain.Cursor{})
	for seq := domain.Seq(1); ; seq++ {
		e, err := r.Next(ctx)
		if err == nil {
			if e.Seq != seq {
				t.Fatalf("%d was handed out after %d", e.Seq, seq-1)
			}
			continue
		}
		var broken *journal.IntegrityError
		var unknown *journal.UnknownKindError
		if !errors.As(err, &unknown) && (!errors.As(err, &broken) || broken.Seq != seq || broken.Stream != s) || !slices.Contains(at, seq) {
			t.Fatalf("stopped at %d: %v, want %v", seq, err, at)
		}
		if _, again := r.Next(ctx); !errors.Is(again, err) {
			t.Fatalf("went on after %v: %v", err, again)
		}
		return
	}
}

func stored(t *testing.T, m *journal.Memory, s domain.Stream, seq domain.Seq) []byte {
	t.Helper()
	b, err := m.Get(t.Context(), s, 1, seq)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rewrite(t *testing.T, m *journal.Memory, s domain.Stream, seq domain.Seq, b []byte) {
	t.Helper()
	if err := m.Rewrite(s, seq, b); err != nil {
		t.Fatal(err)
	}
}

// A bit that does not keep the event from being read is seen one event later, in the
// chain. A bit in the kind or a version makes it an event of a later release.
func TestEveryFlippedBitStopsTheReader(t *testing.T) {
	m, j, s := six(t)
	whole := stored(t, m, s, 3)
	for i := range whole {
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			rewrite(t, m, s, 3, damaged)
			stops(t, j, s, 3, 4)
		}
	}
	rewrite(t, m, s, 3, whole)
	if n := len(chain(t, j, s)); n != 6 {
		t.Fatalf("%d events", n)
	}
}

func TestMissingSwappedAndForeignEventsStopTheReader(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, m *journal.Memory, s domain.Stream)
		at     domain.Seq
	}{
		"missing": {func(t *testing.T, m *journal.Memory, s domain.Stream) {
			for seq := domain.Seq(3); seq < 6; seq++ {
				rewrite(t, m, s, seq, stored(t, m, s, seq+1))
			}
		}, 3},
		"swapped": {func(t *testing.T, m *journal.Memory, s domain.Stream) {
			a, b := stored(t, m, s, 3), stored(t, m, s, 4)
			rewrite(t, m, s, 3, b)
			rewrite(t, m, s, 4, a)
		}, 3},
		"another journal's": {func(t *testing.T, m *journal.Memory, s domain.Stream) {
			b := stored(t, m, s, 4)
			b[1]++ // journal id
			rewrite(t, m, s, 4, b)
		}, 4},
		"another stream's": {func(t *testing.T, m *journal.Memory, s domain.Stream) {
			rewrite(t, m, s, 5, bytes.Replace(stored(t, m, s, 5), []byte(".3.hub"), []byte(".4.hub"), 1))
		}, 5},
		"an older one, encoded anew": {func(t *testing.T, m *journal.Memory, s domain.Stream) {
			e, err := journal.Decode(stored(t, m, s, 4))
			if err != nil {
				t.Fatal(err)
			}
			parts, _ := journal.Encode(e.Journal, s, 4, domain.Hash{1}, e.At, e.Event)
			rewrite(t, m, s, 4, bytes.Join(parts, nil))
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			m, j, s := six(t)
			c.damage(t, m, s)
			stops(t, j, s, c.at)
		})
	}
}

func TestCursorOfAnotherHistoryIsRefused(t *testing.T) {
	m, j, s := six(t)
	cursor := get(t, j, s, 4).Ref()
	cursor.Hash[7]++
	var broken *journal.IntegrityError
	if _, err := j.Read(t.Context(), s, cursor); !errors.As(err, &broken) || broken.Seq != 4 {
		t.Fatal(err)
	}
	cursor.Seq, cursor.Hash = 40, domain.Hash{}
	again := openWith(t, journal.Options{Store: m, RegressedAfter: time.Millisecond})
	if _, err := again.Read(t.Context(), s, cursor); !errors.Is(err, journal.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestReadFromChecksTheChainToTheEventBefore(t *testing.T) {
	m, j, s := six(t)
	for seq := domain.Seq(1); seq <= 6; seq++ {
		r, err := j.ReadFrom(t.Context(), s, seq)
		if err != nil {
			t.Fatal(err)
		}
		next(t, r, seq)
		r.Close()
	}
	e := get(t, j, s, 3)
	parts, _ := journal.Encode(j.ID(), s, 3, e.Prev, e.At, &domain.HubAborted{Why: "forged"})
	rewrite(t, m, s, 3, bytes.Join(parts, nil))
	r, err := j.ReadFrom(t.Context(), s, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context()); !errors.As(err, new(*journal.IntegrityError)) {
		t.Fatal(err)
	}
}

func TestReaderWaitsForTheStreamAndAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := journal.NewMemory(), shard(domain.LegHub)
		j := openWith(t, journal.Options{Store: m, SegmentBytes: 600})
		r := read(t, j, s, domain.Cursor{})
		waits := func() {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if e, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%v, %v, want it to wait", e, err)
			}
		}
		waits()
		w := take(t, j, s, 5)
		next(t, r, 1)
		next(t, r, 2)
		for seq := domain.Seq(3); seq < 20; seq = w.Tail().Seq + 1 {
			waits() // also between a Rolled and the first event after it
			appendTo(t, w, aborted(w, "x"))
			for ; seq <= w.Tail().Seq; seq++ {
				next(t, r, seq)
			}
		}
		if list := firsts(t, m, s); len(list) < 3 {
			t.Fatalf("segments %v: no roll was crossed", list)
		}
	})
}

// A segment that lost its end before another one is a hole: nobody waits there for what will
// not come.
func TestReaderDoesNotWaitInsideASegmentThatIsOver(t *testing.T) {
	for _, left := range []domain.Seq{0, 1, 4} { // of the first segment's six events
		t.Run(fmt.Sprint(left), func(t *testing.T) {
			whole, _, s := six(t)
			m := journal.NewMemory()
			j := openWith(t, journal.Options{Store: m, RegressedAfter: time.Millisecond})
			for _, first := range []domain.Seq{1, 7} {
				if err := m.Create(t.Context(), s, first); err != nil {
					t.Fatal(err)
				}
			}
			for seq := domain.Seq(1); seq <= left; seq++ {
				b := stored(t, whole, s, seq)
				id := j.ID()
				copy(b[1:], id[:])
				if err := m.Put(t.Context(), s, 1, seq, [][]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := j.Continue(s, domain.Cursor{}).Next(ctx)
			var breach *journal.BreachError
			if !errors.As(err, &breach) || breach.What != journal.BreachHole {
				t.Fatal(err)
			}
		})
	}
}
