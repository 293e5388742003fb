package doris_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// TestWire: each write to Doris fails in each way while a runner keeps the leg; what
// was projectiontest's is not repeated here.
func TestWire(t *testing.T) {
	for _, c := range []struct {
		site string
		fate fate
		why  string // of DorisAborted: whether Doris had the load
		want []domain.Kind
	}{
		{"load", redirect, "UNKNOWN", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"load", lost, "UNKNOWN", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"load", unheard, "ABORTED", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"load", denied, "ABORTED", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"load", miscount, "ABORTED", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"load", late, "ABORTED", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"load", twice, "ABORTED", []domain.Kind{begun, aborted, begun, prepared, committed}},
		{"commit", redirect, "", []domain.Kind{begun, prepared, committed}},
		{"commit", lost, "", []domain.Kind{begun, prepared, committed}},
		{"commit", unheard, "", []domain.Kind{begun, prepared, committed}},
		{"commit", late, "", []domain.Kind{begun, prepared, committed}},
		{"commit", twice, "", []domain.Kind{begun, prepared, committed}},
	} {
		t.Run(c.site, func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			if short := &w.cfg.Conn.Timeouts; c.fate == late && c.site == "load" {
				short.Load = 2 * time.Second
			} else if c.fate == late {
				short.Ask = 2 * time.Second
			}
			w.wire.arm(c.site, c.fate)
			at := w.Feed()
			p := w.start()
			p.until(at)
			p.stop()
			if !w.wire.used(c.site) {
				t.Error("the fault never came")
			}
			w.Tally()
			if got := w.kinds(); !slices.Equal(got, c.want) {
				t.Errorf("stream holds %v, want %v", got, c.want)
			}
			for _, a := range events[*domain.DorisAborted](w) {
				if a.Why != "Doris says "+c.why || a.FoundBy != domain.FoundBySelf {
					t.Errorf("aborted: %+v, want %s", a, c.why)
				}
			}
		})
	}
}

// TestAbortFails: the abort that settles an intent fails itself, in each way.
func TestAbortFails(t *testing.T) {
	for _, f := range []fate{redirect, lost, unheard, late, twice} {
		w := newWorld(t, duplicate)
		w.opened()
		if f == late {
			w.cfg.Conn.Timeouts.Ask = 2 * time.Second
		}
		w.wire.arm("load", unheard)
		w.wire.arm("abort", f)
		at := w.Feed()
		p := w.start()
		p.until(at)
		p.stop()
		if !w.wire.used("abort") {
			t.Error("the fault never came")
		}
		w.Tally()
	}
}

// TestDies: the process dies before and after each append, and another one settles.
func TestDies(t *testing.T) {
	for _, kind := range []domain.Kind{begun, prepared, committed} {
		for name, fault := range map[string]journal.Fault{"before": journal.FaultBefore, "after": journal.FaultAfter} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				w := newWorld(t, duplicate)
				w.opened()
				ctx, die := context.WithCancel(w.ctx)
				w.atPut(kind, func() journal.Fault { die(); return fault })
				at := w.Feed()
				w.diesOn(ctx)
				before := w.kinds()
				if has := slices.Contains(before, kind); has != (fault == journal.FaultAfter) {
					t.Fatalf("the dead process left %v", before)
				}
				w.recovers(at)
				w.Tally()
			})
		}
	}
	t.Run("before DorisAborted", func(t *testing.T) {
		w := newWorld(t, duplicate)
		w.opened()
		at := w.Feed()
		w.begins(at, at)
		ctx, die := context.WithCancel(w.ctx)
		w.atPut(aborted, func() journal.Fault { die(); return journal.FaultBefore })
		d, _ := w.leg()
		if _, err := d.Open(ctx); !errors.Is(err, journal.ErrUnknown) {
			t.Fatalf("open: %v", err)
		}
		p := w.start()
		p.until(at)
		p.stop()
		w.Tally()
	})
}

// TestZombie: a process stands still before each append, another one takes over and
// works, then the first one wakes up: it is fenced, and nothing is doubled. Its writes
// to Doris are projectiontest's.
func TestZombie(t *testing.T) {
	for _, kind := range []domain.Kind{begun, prepared, committed} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			asleep, wake := make(chan struct{}), make(chan struct{})
			w.atPut(kind, func() journal.Fault { close(asleep); <-wake; return journal.FaultNone })
			older := w.start()
			at := w.Feed()
			<-asleep
			newer := w.start()
			newer.until(at)
			newer.until(w.Feed())
			close(wake)
			var fenced *journal.FencedError
			if err := <-older.done; !errors.As(err, &fenced) || fenced.ExitCode() != 3 {
				t.Errorf("the zombie ended with %v", err)
			}
			newer.until(w.Feed())
			newer.stop()
			w.Tally()
		})
	}
}
