package replay

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// A gate lets no more in than it says; made wider it lets in who waits, made narrower those that
// are in stay.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		in, failed := 0, 0
		for range 4 {
			go func() {
				err := g.enter(ctx)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					in++
				} else if errors.Is(err, context.Canceled) {
					failed++
				}
			}()
		}
		now := func(want int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if in != want {
				t.Errorf("%d are in, want %d", in, want)
			}
		}
		now(1)
		g.set(2)
		now(2)
		g.set(1)
		g.leave()
		now(2) // one is in still, and that is enough
		g.leave()
		now(3)
		cancel()
		now(3)
		if failed != 1 {
			t.Errorf("%d gave up", failed)
		}
		g.set(0)
		if err := g.enter(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("entered after the end: %v", err)
		}
		if err := g.enter(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The replay that was approved first goes on first, and nothing does while tables are exchanged.
func TestDue(t *testing.T) {
	at := func(state domain.PlanState, approved domain.Seq) *domain.Replay {
		return &domain.Replay{Planned: &domain.ReplayPlanned{ID: domain.PlanID{byte(approved)}}, State: state, Approved: approved}
	}
	c := &domain.ControlState{
		Replays: map[domain.PlanID]*domain.Replay{
			{1}: at(domain.PlanRunning, 9), {2}: at(domain.PlanVerifying, 5), {3}: at(domain.PlanPaused, 2), {4}: at(domain.PlanFailed, 1), {5}: at(domain.PlanPlanned, 0),
		},
		Planned: []domain.PlanID{{1}, {2}, {3}, {4}, {5}},
	}
	got := due(c)
	if got == nil || got.Approved != 5 || got == c.Replays[domain.PlanID{2}] {
		t.Fatalf("due %+v, want a copy of the one approved at 5", got)
	}
	c.Replays[domain.PlanID{2}].State = domain.PlanDone
	if got := due(c); got == nil || got.Approved != 9 {
		t.Errorf("due %+v", got)
	}
	c.Replays[domain.PlanID{1}].State = domain.PlanCancelled
	if got := due(c); got != nil {
		t.Errorf("due %+v", got)
	}
	c.Replays[domain.PlanID{1}].State = domain.PlanRunning
	c.Swaps = []*domain.TableSwap{{Step: domain.SwapBegun}}
	if got := due(c); got != nil {
		t.Errorf("due while tables are exchanged: %+v", got)
	}
}

// Progress counts the events of the lanes: those carried before count, and have no part in the
// estimate.
func TestProgress(t *testing.T) {
	lanes := []*lane{
		{PlanLane: domain.PlanLane{First: 11, Last: domain.Ref{Seq: 110}}}, {PlanLane: domain.PlanLane{Shard: 1, First: 1, Last: domain.Ref{Seq: 100}}},
	}
	for _, l := range lanes {
		l.reporter = projections.NewReporter(domain.Stream{Shard: l.Shard})
	}
	x := &run{plan: &domain.Plan{}, lanes: lanes}
	same := func(p *Progress, share, remaining float64) {
		t.Helper()
		if p.Share != share || p.Remaining != remaining {
			t.Errorf("share %v, remaining %v; want %v, %v", p.Share, p.Remaining, share, remaining)
		}
	}
	same(x.progress(0), 0, -1)
	lanes[0].at.Store(60) // half of it, by a process before
	same(x.progress(1e9), 0.25, -1)
	lanes[0].reporter.Update(func(s *projections.Status) { s.Cursor.Seq, s.Rows = 85, 7 })
	lanes[1].reporter.Update(func(s *projections.Status) { s.Cursor.Seq, s.Rows = 25, 5 })
	p := x.progress(10e9) // 50 events in 10 s, 100 are left
	same(p, 0.5, 20)
	if p.Rows != 12 || len(p.Lanes) != 2 || p.Lanes[0].Cursor != 85 || p.Lanes[1].Cursor != 25 {
		t.Errorf("%+v", p)
	}
	lanes[0].reporter.Update(func(s *projections.Status) { s.Cursor.Seq = 110 })
	lanes[1].reporter.Update(func(s *projections.Status) { s.Cursor.Seq = 100 })
	same(x.progress(10e9), 1, 0)
}
