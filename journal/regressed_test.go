package journal_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// regressing is a writer with four events acked, and its store.
func regressing(t *testing.T) (*journal.Memory, *journal.Journal, *journal.Writer) {
	t.Helper()
	m := journal.NewMemory()
	j := openWith(t, journal.Options{Store: m, RegressedAfter: 30 * time.Second, Now: time.Now})
	w := take(t, j, shard(domain.LegHub), 5)
	appendTo(t, w, aborted(w, "a"))
	appendTo(t, w, aborted(w, "b"))
	return m, j, w
}

// put stores an event past the writer, as a restored or foreign journal would hold it.
func put(t *testing.T, m *journal.Memory, j *journal.Journal, seq domain.Seq, prev domain.Hash, at domain.Micros, ev domain.Event) domain.Hash {
	t.Helper()
	s := shard(domain.LegHub)
	parts, hash := journal.Encode(j.ID(), s, seq, prev, at, ev)
	if err := m.Put(t.Context(), s, 1, seq, parts); err != nil {
		t.Fatal(err)
	}
	return hash
}

func regressed(t *testing.T, w *journal.Writer, within, until time.Duration) {
	t.Helper()
	start := time.Now()
	_, err := w.Append(t.Context(), aborted(w, "c"))
	took := time.Since(start)
	if !errors.Is(err, journal.ErrRegressed) || took < within || took > until {
		t.Fatalf("after %s: %v, want it after %s to %s", took, err, within, until)
	}
	if _, err := w.Append(t.Context(), aborted(w, "d")); !errors.Is(err, journal.ErrRegressed) {
		t.Fatalf("the writer goes on: %v", err)
	}
}

func TestAnotherEventAtAnAckedSeqIsARegressionAtOnce(t *testing.T) {
	for name, after := range map[string]int{"it is the tail": 0, "events follow it": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, j, w := regressing(t)
				m.Truncate(w.Stream(), 4)
				hash := get(t, j, w.Stream(), 3).Hash
				for i := range after + 1 {
					hash = put(t, m, j, domain.Seq(4+i), hash, 0, aborted(w, "another"))
				}
				if after == 0 { // the append is refused only if something keeps its seq from it
					if err := m.Rewrite(w.Stream(), 4, []byte("rot")); err != nil {
						t.Fatal(err)
					}
					if err := m.Seal(t.Context(), w.Stream(), 1); err != nil {
						t.Fatal(err)
					}
				}
				regressed(t, w, 0, 0)
			})
		})
	}
}

func TestAMissingAckedEventIsFirstSuspected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, w := regressing(t)
		m.Truncate(w.Stream(), 4)
		regressed(t, w, 30*time.Second, 32*time.Second)
	})
}

// A follower became leader and has not caught up: its tail comes back in time, twice,
// each time before the suspicion is 30 s old.
func TestSuspicionEndsWhenTheEventIsThereAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, j, w := regressing(t)
		s := w.Stream()
		tail := get(t, j, s, 4)
		flicker := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), 65*time.Second)
		defer cancel()
		// 25 s gone, 10 s there (but the leader refuses), 25 s gone, then it is back.
		refuse := true
		m.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault { return journal.FaultNone }
		go func() {
			defer close(flicker)
			m.Truncate(s, 4)
			time.Sleep(25 * time.Second)
			put(t, m, j, 4, tail.Prev, tail.At, tail.Event)
			_ = m.Seal(ctx, s, 1)
			time.Sleep(10 * time.Second)
			m.Truncate(s, 4)
			time.Sleep(25 * time.Second)
			refuse = false
			put(t, m, j, 4, tail.Prev, tail.At, tail.Event)
		}()
		time.Sleep(time.Millisecond)
		_, err := w.Append(ctx, aborted(w, "c"))
		<-flicker
		if err != nil || refuse {
			t.Fatal(err)
		}
		if n := len(chain(t, j, s)); n != 5 {
			t.Fatalf("%d events", n)
		}
	})
}

func TestChainThatForkedBeforeTheAppendIsARegression(t *testing.T) {
	m, j, w := regressing(t)
	m.Truncate(w.Stream(), 4)
	hash := put(t, m, j, 4, get(t, j, w.Stream(), 3).Hash, 0, aborted(w, "another"))
	put(t, m, j, 5, hash, 0, &domain.Opened{Owned: domain.Owned{Incarnation: 9}})
	_, err := w.Append(t.Context(), aborted(w, "c"))
	if !errors.Is(err, journal.ErrRegressed) || !strings.Contains(err.Error(), "lowaltitude.3.hub@5") {
		t.Fatal(err)
	}
}

func TestTailThatDoesNotDecodeIsAnIntegrityError(t *testing.T) {
	m, j, w := regressing(t)
	s := w.Stream()
	stored, err := m.Get(t.Context(), s, 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{"cut": stored[:len(stored)-1], "another stream's": bytes.Replace(stored, []byte(".3.hub"), []byte(".4.hub"), 1)} {
		if err := m.Rewrite(s, 4, damaged); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Takeover(t.Context(), s, 6, 1); !errors.As(err, new(*journal.IntegrityError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
