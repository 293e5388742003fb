package hub_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// TestDuel: two processes on one stream and one hub. The older one ends fenced, and
// whatever they were doing, nothing is doubled.
func TestDuel(t *testing.T) {
	for range 5 {
		w := newWorld(t)
		older, newer := w.process(), w.process()
		ctx, stop := context.WithCancel(w.ctx)
		runner := func(h projections.Opener) *projections.Runner {
			return &projections.Runner{
				Stream: w.stream(), Opener: h, Incidents: projections.Incidents{Control: w.control},
				Reporter: projections.NewReporter(w.stream()), Log: slog.New(slog.DiscardHandler), Backoff: time.Millisecond,
			}
		}
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- runner(older).Run(ctx) }()
		must(t, w.reaches(ctx, w.mixed(), first))
		go func() { second <- runner(newer).Run(ctx) }()
		for range 20 {
			w.mixed()
		}
		// It hears of the newer one with its next commit: where all is carried before that one
		// opened, more has to come.
		more := time.NewTicker(5 * time.Millisecond)
		var err error
		for ended := false; !ended; {
			select {
			case err = <-first:
				ended = true
			case <-more.C:
				w.mixed()
			}
		}
		more.Stop()
		var fenced *journal.FencedError
		if !errors.As(err, &fenced) {
			t.Errorf("older one ended with %v", err)
		}
		must(t, w.reaches(ctx, w.mixed(), second))
		stop()
		must(t, <-second)
		w.tally()
	}
}

// TestZombie: a process stands still with everything written but the commit, another
// one takes over and moves on, and then the first one wakes up.
func TestZombie(t *testing.T) {
	w := newWorld(t)
	asleep, wake := make(chan struct{}), make(chan struct{})
	f := &faults{ending: func() { close(asleep); <-wake }}
	zombie := w.process()
	zombie.WrapSender(f.wrap)
	leg := open(w, zombie)
	done := make(chan error, 1)
	go func() { done <- leg.Run(w.ctx) }()
	to := w.mixed()
	<-asleep
	w.moved(open(w, w.process()), to)
	close(wake)
	if err := <-done; err == nil {
		t.Error("the zombie's commit went well")
	}
	leg.Close()
	var fenced *journal.FencedError
	if _, err := zombie.Open(w.ctx); !errors.As(err, &fenced) {
		t.Errorf("the zombie opened again: %v", err)
	}
	w.tally()
}

// TestStopEndsWell: a leg that is told to stop with a transaction open ends it.
func TestStopEndsWell(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(w.ctx)
	f := &faults{ending: stop}
	h := w.process()
	h.WrapSender(f.wrap)
	w.mixed()
	leg := open(w, h)
	must(t, leg.Run(ctx))
	leg.Close()
	wantKinds(t, w, domain.KindOpened, domain.KindHubBegun, domain.KindHubCommitted)
}
