package replay

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// What an operator may decide in which state, and that who, why and the digest are demanded.
func TestDecide(t *testing.T) {
	limits := &domain.PlanLimits{Rows: 7}
	for _, c := range []struct {
		name  string
		moves []domain.PlanState // after it was planned
		do    Action
		d     Decision
		want  domain.PlanState // empty: refused
		why   string
	}{
		{name: "approve", do: Approve, want: domain.PlanRunning},
		{name: "approve without a digest", do: Approve, d: Decision{Who: "li", Why: "no digest"}, why: "name the plan's digest"},
		{name: "approve another plan", do: Approve, d: Decision{Digest: &domain.Hash{1}}, why: "a plan that was edited is another plan"},
		{name: "approve a running one", moves: []domain.PlanState{domain.PlanRunning}, do: Approve, why: "needs no approval"},
		{name: "approve one that failed", moves: []domain.PlanState{domain.PlanRunning, domain.PlanFailed}, do: Approve, want: domain.PlanRunning},
		{name: "approve a cancelled one", moves: []domain.PlanState{domain.PlanCancelled}, do: Approve, why: "needs no approval"},
		{name: "no one", do: Cancel, d: Decision{Who: " ", Why: "x"}, why: "who decides, and why"},
		{name: "no reason", do: Cancel, d: Decision{Who: "li", Why: "\t"}, why: "who decides, and why"},
		{name: "pause what is planned", do: Pause, why: "it cannot be paused"},
		{name: "pause", moves: []domain.PlanState{domain.PlanRunning}, do: Pause, want: domain.PlanPaused},
		{name: "pause while it is verified", moves: []domain.PlanState{domain.PlanRunning, domain.PlanVerifying}, do: Pause, want: domain.PlanPaused},
		{name: "resume", moves: []domain.PlanState{domain.PlanRunning, domain.PlanPaused}, do: Resume, want: domain.PlanRunning},
		{name: "resume what runs", moves: []domain.PlanState{domain.PlanRunning}, do: Resume, why: "not paused"},
		{name: "resume what failed", moves: []domain.PlanState{domain.PlanRunning, domain.PlanFailed}, do: Resume, why: "not paused"},
		{name: "cancel what is planned", do: Cancel, want: domain.PlanCancelled},
		{name: "cancel", moves: []domain.PlanState{domain.PlanRunning}, do: Cancel, want: domain.PlanCancelled},
		{name: "cancel what is done", moves: []domain.PlanState{domain.PlanRunning, domain.PlanVerifying, domain.PlanDone}, do: Cancel, why: "it cannot be cancelled"},
		{name: "limits", moves: []domain.PlanState{domain.PlanRunning}, do: Limit, d: Decision{Limits: limits}, want: domain.PlanRunning},
		{name: "limits of a paused one", moves: []domain.PlanState{domain.PlanRunning, domain.PlanPaused}, do: Limit, d: Decision{Limits: limits}, want: domain.PlanPaused},
		{name: "limits of a plan", do: Limit, d: Decision{Limits: limits}, why: "its limits cannot be changed"},
		{name: "no limits", moves: []domain.PlanState{domain.PlanRunning}, do: Limit, why: "limits: rows"},
		{name: "negative limits", moves: []domain.PlanState{domain.PlanRunning}, do: Limit, d: Decision{Limits: &domain.PlanLimits{Bytes: -1}}, why: "limits: rows"},
		{name: "something else", moves: []domain.PlanState{domain.PlanRunning}, do: "stop", why: "approve, pause, resume"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.feed(0, "a", 3)
			r, plan, err := w.plans(Ask{Target: domain.PlanTarget{Kind: domain.TargetNull}})
			must(t, err)
			id := r.Planned.ID
			for _, to := range c.moves {
				_, err := w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
					return &domain.ReplayMoved{ID: id, Digest: r.Planned.Digest, To: to, Who: "wu", Limits: plan.Limits}, nil
				})
				must(t, err)
			}
			if c.do == Approve && c.d == (Decision{}) {
				c.d.Digest = &r.Planned.Digest
			}
			err = w.decides(id, c.do, c.d)
			if c.want == "" {
				refused(t, err, c.why)
				return
			}
			must(t, err)
			now := w.until(id, c.want)
			if last := now.Last(); last.Who != "li" || last.Why != "a test" || last.Digest != r.Planned.Digest {
				t.Errorf("on control: %+v", last)
			}
			want := plan.Limits
			if c.do == Limit {
				want = *limits
			}
			if c.do != Cancel && now.Limits != want {
				t.Errorf("limits %+v, want %+v", now.Limits, want)
			}
		})
	}
}

// A step that only changes limits says so, in whatever state the replay is.
func TestShownLimits(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 3)
	r, _, err := w.plans(Ask{Target: domain.PlanTarget{Kind: domain.TargetNull}})
	must(t, err)
	id, limits := r.Planned.ID, domain.PlanLimits{Rows: 7}
	w.approves(r)
	must(t, w.decides(id, Pause, Decision{}))
	must(t, w.decides(id, Limit, Decision{Limits: &limits}))
	must(t, w.decides(id, Resume, Decision{}))
	shown := w.s.shown("p", w.until(id, domain.PlanRunning))
	for i, m := range shown.Moves {
		if only := m.Limits != nil; only != (i == 2) || only && *m.Limits != limits {
			t.Errorf("step %d: %+v", i, m)
		}
	}
	if len(shown.Moves) != 4 || shown.Limits != limits {
		t.Errorf("%+v", shown)
	}
}

// A decision that is said twice is on control once, but for an approval of another plan.
func TestDecideTwice(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 3)
	r, _, err := w.plans(Ask{Target: domain.PlanTarget{Kind: domain.TargetNull}})
	must(t, err)
	w.approves(r)
	w.approves(r)
	if now := w.until(r.Planned.ID, domain.PlanRunning); len(now.Moves) != 1 {
		t.Errorf("%d moves", len(now.Moves))
	}
	refused(t, w.decides(r.Planned.ID, Approve, Decision{Digest: &domain.Hash{1}}), "another plan")
	refused(t, w.decides(domain.PlanID{1}, Cancel, Decision{}), "no replay 01000000")
}

// An append to control that fails, having happened or not: said again, the decision is there once.
func TestDecideFaults(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		w := newWorld(t, 1)
		w.feed(0, "a", 3)
		r, _, err := w.plans(Ask{Target: domain.PlanTarget{Kind: domain.TargetNull}})
		must(t, err)
		w.fails(fault, 1)
		if err := w.decides(r.Planned.ID, Approve, Decision{Digest: &r.Planned.Digest}); err != nil {
			t.Logf("fault %d: %v", fault, err)
		}
		w.approves(r)
		if now := w.until(r.Planned.ID, domain.PlanRunning); len(now.Moves) != 1 {
			t.Errorf("fault %d: %d moves", fault, len(now.Moves))
		}
	}
}

// fails lets the next n puts to control fail.
func (w *world) fails(fault journal.Fault, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault, w.faults = fault, n
}

// onPut is the store's.
func (w *world) onPut(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Leg != domain.LegControl || w.faults == 0 {
		return journal.FaultNone
	}
	w.faults--
	return w.fault
}
