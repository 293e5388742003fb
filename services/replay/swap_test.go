package replay

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// swapping is a world of two shards with the table of a replay of everything, five rows, which is
// done.
func swapping(t *testing.T) (*world, *exchange) {
	t.Helper()
	w := newWorld(t, 2)
	w.feed(0, "a", 3)
	w.feed(1, "b", 2)
	r, plan, err := w.plans(Ask{Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTable}})
	must(t, err)
	w.goes(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
	return w, &exchange{s: w.s, o: w.o, plan: plan, ask: &SwapAsk{Who: "sun", Why: "a test"}, say: func(string) {}, shadow: plan.Target.Name}
}

// goes takes a replay from state to state.
func (w *world) goes(r *domain.Replay, states ...domain.PlanState) {
	w.t.Helper()
	for _, to := range states {
		_, err := w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
			return &domain.ReplayMoved{ID: r.Planned.ID, Digest: r.Planned.Digest, To: to, Who: "li", Why: "a test"}, nil
		})
		must(w.t, err)
	}
}

// rowsBehind is what is to be caught up.
func (x *exchange) rowsBehind(t *testing.T) *planning {
	t.Helper()
	p, err := x.behind(t.Context())
	must(t, err)
	return p
}

// What is caught up is what was loaded since the plan and since the plans that went on with it, of
// shards that have some; and what is to be in the table is everything up to there.
func TestSwapChain(t *testing.T) {
	w, x := swapping(t)
	if p := x.rowsBehind(t); p.plan.Expect.Rows != 0 || len(p.plan.Lanes) > 0 {
		t.Errorf("nothing came, and there is %+v", p.plan)
	}
	hub, _ := w.feed(0, "a", 4)
	p := x.rowsBehind(t)
	want := []domain.PlanLane{{Shard: 0, First: hub.Seq, Last: hub}}
	if p.plan.Expect.Rows != 4 || !reflect.DeepEqual(p.plan.Lanes, want) || p.plan.Marker() != x.plan.ID || p.plan.Target.Name != "ods.t_shadow" || !p.plan.Rows.All() {
		t.Errorf("%+v", p.plan)
	}
	p.plan.ID = domain.PlanID{1}
	r, err := p.record(w.ctx)
	must(t, err)
	c, err := x.chain()
	must(t, err)
	if c.left == nil || c.left.Planned.ID != p.plan.ID || c.ends[0] == hub {
		t.Errorf("a plan that is not carried out: %+v", c)
	}
	w.goes(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
	c, err = x.chain()
	must(t, err)
	whole := c.whole(x.plan, x.shadow)
	if c.left != nil || len(whole.Lanes) != 2 || whole.Lanes[0] != (domain.PlanLane{Shard: 0, First: 1, Last: hub}) || whole.Lanes[1].First != 1 || whole.Marker() != x.plan.ID ||
		len(whole.Notes) != 1 || len(x.plan.Notes) != 0 {
		t.Errorf("%+v, whole %+v", c, whole)
	}
	if p := x.rowsBehind(t); p.plan.Expect.Rows != 0 {
		t.Errorf("everything is caught up, and there is %+v", p.plan)
	}
}

// A plan that was cancelled before it began is nothing; one of which rows may be in the table is
// refused; one that failed goes on.
func TestSwapChainBroken(t *testing.T) {
	for name, c := range map[string]struct {
		states []domain.PlanState
		left   bool
		refuse string
	}{
		"never ran": {[]domain.PlanState{domain.PlanCancelled}, false, ""},
		"cancelled": {[]domain.PlanState{domain.PlanRunning, domain.PlanCancelled}, false, "was cancelled while it brought table ods.t_shadow up to date"},
		"failed":    {[]domain.PlanState{domain.PlanRunning, domain.PlanFailed}, true, ""},
		"paused":    {[]domain.PlanState{domain.PlanRunning, domain.PlanPaused}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, x := swapping(t)
			w.feed(0, "a", 4)
			p := x.rowsBehind(t)
			p.plan.ID = domain.PlanID{1}
			r, err := p.record(w.ctx)
			must(t, err)
			w.goes(r, c.states...)
			got, err := x.chain()
			if c.refuse != "" {
				refused(t, err, c.refuse)
				return
			}
			must(t, err)
			if (got.left != nil) != c.left {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A load without an outcome is waited for, of the live leg and of a replay that fills the table.
func TestSwapNothingOpen(t *testing.T) {
	w, x := swapping(t)
	w.prover.differs = func([]domain.PlanLane, domain.Selection) (*domain.Difference, error) {
		return &domain.Difference{Expected: 5, Missing: []domain.HubSpan{{Span: domain.Span{First: 0, Next: 1}}}}, nil
	}
	_, fill, err := w.plans(Ask{Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}})
	must(t, err)
	topic := &domain.Plan{ID: domain.PlanID{9}, Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing, Name: "hub"}, Lanes: fill.Lanes}
	_, err = w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.ReplayPlanned{ID: topic.ID, Digest: topic.Digest(), Text: string(topic.Text()), Who: "li"}, nil
	})
	must(t, err)
	var names []string
	for _, s := range x.loads() {
		names = append(names, s.String())
		must(t, x.nothingOpen(w.ctx, s))
	}
	if want := []string{"p.0.doris", "p.1.doris", fill.Stream(0).String()}; !reflect.DeepEqual(names, want) {
		t.Errorf("%v load into the table, want %v", names, want)
	}
	of, ev := w.brought(0, "a", 1)
	hub := w.committed(0, w.began(0, of), of, ev)
	begun := w.loading(0, hub)
	short, cancel := context.WithTimeout(w.ctx, 300*time.Millisecond)
	defer cancel()
	if err := x.nothingOpen(short, begun.Stream); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), begun.String()) {
		t.Errorf("a load is open: %v", err)
	}
	w.loaded(0, begun, hub, 1)
	must(t, x.nothingOpen(w.ctx, begun.Stream))
}

// While another replay runs, and once another process has the legs, nothing is exchanged.
func TestSwapMayNow(t *testing.T) {
	w, x := swapping(t)
	may := func() (err error) {
		x.o.Control.State(func(c *domain.ControlState) { err = x.mayNow(c) })
		return err
	}
	must(t, may())
	other, _, err := w.plans(Ask{Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTable, Name: "other"}})
	must(t, err)
	w.goes(other, domain.PlanRunning)
	refused(t, may(), "is running: wait for its end, or pause it")
	w.goes(other, domain.PlanPaused)
	must(t, may())
	_, err = w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Started{Instance: "b", Host: "h2", PID: 7, Claims: []domain.Claim{{Shard: 1, Leg: domain.LegDoris}}}, nil
	})
	must(t, err)
	refused(t, may(), "this process does not have the Doris leg of shard 1 (instance b on host h2 has it, process 7). If one process has all of them, ask that one")
	w.o.Shards = w.o.Shards[1:]
	refused(t, may(), "the Doris leg of shard 0 (no process has it), shard 1 (instance b on host h2 has it, process 7)")
}

// While tables are exchanged no replay begins, and whoever has a shard says how it ended.
func TestSwapOpen(t *testing.T) {
	w, x := swapping(t)
	other, _, err := w.plans(Ask{Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTable, Name: "other"}})
	must(t, err)
	w.goes(other, domain.PlanRunning)
	looks := func(isDue, isAbandoned bool) {
		t.Helper()
		x.o.Control.State(func(c *domain.ControlState) {
			if got := due(c) != nil; got != isDue {
				t.Errorf("a replay is due: %t", got)
			}
			if got := w.s.abandoned(w.o, c); got != isAbandoned {
				t.Errorf("the exchange is abandoned: %t", got)
			}
		})
	}
	looks(true, false)
	begun := &domain.TableSwap{Plan: x.plan.ID, Step: domain.SwapBegun, Who: "sun"}
	_, err = w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return begun, nil })
	must(t, err)
	looks(false, true)
	leave, free := w.s.alone(w.o)
	if _, again := w.s.alone(w.o); !free || again {
		t.Errorf("one is let in: %t, another: %t", free, again)
	}
	looks(false, false)
	leave()
	shards := w.o.Shards
	w.o.Shards = nil
	looks(false, false)
	w.o.Shards = shards[:1]
	looks(false, true)
	w.o.Shards = shards
	for range 2 { // said twice it is said once
		must(t, w.s.conclude(w.ctx, w.o, begun, "ods.aside", domain.SwapNot, "a test"))
	}
	x.o.Control.State(func(c *domain.ControlState) {
		if len(c.Swaps) != 2 || c.Swaps[1].Step != domain.SwapNot || c.Beside(x.plan) != "ods.aside" || c.Swaps[1].How != "a test" || c.Swaps[1].Who != "sun" {
			t.Errorf("on control: %+v", c.Swaps)
		}
	})
	looks(true, false)
}

// A table that was given another name to settle an exchange is meant by it from then on; its name
// of before is given to no other shadow.
func TestSwapAside(t *testing.T) {
	w, x := swapping(t)
	begun := &domain.TableSwap{Plan: x.plan.ID, Live: "ods.t", Shadow: "ods.t_shadow", Step: domain.SwapBegun, Who: "sun"}
	_, err := w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return begun, nil })
	must(t, err)
	aside := asideName(begun, 1)
	if want := "ods.hefu_replay_" + x.plan.ID.String() + "_1"; aside != want || asideName(begun, 3) == aside {
		t.Errorf("aside is %s, want %s", aside, want)
	}
	again := Ask{Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTable}}
	early, _, err := w.plans(again)
	must(t, err)
	must(t, w.s.conclude(w.ctx, w.o, begun, aside, domain.SwapDone, "a test"))
	_, _, err = w.plans(again)
	refused(t, err, "shadow ods.t_shadow: a table of this name was given another one to end an exchange")
	w.approves(early) // it was planned while the name was free
	w.serves(w.s, w.o)
	last := w.until(early.Planned.ID, domain.PlanFailed).Last()
	if !strings.Contains(last.Why, "shadow ods.t_shadow: a table of this name was given another one") || last.Next != "cancel it, and make a plan with another name" {
		t.Errorf("a plan for a name that is nobody's any more: %+v", last)
	}
	again.Target.Name = "other"
	_, _, err = w.plans(again)
	must(t, err)
	w.o.Control.State(func(c *domain.ControlState) { x.shadow = c.Beside(x.plan) })
	w.feed(0, "a", 4)
	c, err := x.chain()
	must(t, err)
	if behind := x.rowsBehind(t).plan.Target.Name; behind != aside || c.whole(x.plan, x.shadow).Target.Name != aside || x.plan.Target.Name != "ods.t_shadow" {
		t.Errorf("what is caught up goes into %s, compared is %s", behind, c.whole(x.plan, x.shadow).Target.Name)
	}
}
