package domain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// Exchanges of tables: one that is begun is open until its outcome, and each that was done moves
// the replay's table to the live name or away from it.
func TestControlStateOfSwaps(t *testing.T) {
	plan, other := domain.PlanID{1}, domain.PlanID{2}
	var s domain.ControlState
	for i, c := range []struct {
		plan    domain.PlanID
		step    domain.SwapStep
		open    bool
		swapped bool // the table of plan
	}{
		{plan, domain.SwapBegun, true, false},
		{plan, domain.SwapNot, false, false},
		{plan, domain.SwapBegun, true, false},
		{plan, domain.SwapDone, false, true},
		{other, domain.SwapBegun, true, true},
		{other, domain.SwapDone, false, true},
		{plan, domain.SwapBegun, true, true},
		{plan, domain.SwapDone, false, false},
	} {
		e := &domain.TableSwap{Plan: c.plan, Step: c.step}
		s.Apply(domain.Seq(i+1), e)
		if open := s.OpenSwap(); (open == e) != c.open || s.Swapped(plan) != c.swapped {
			t.Errorf("after %d, %s: open %v, swapped %t", i, c.step, open, s.Swapped(plan))
		}
	}
	if len(s.Swaps) != 8 || !s.Swapped(other) {
		t.Errorf("%d steps; the other's table is live: %t", len(s.Swaps), s.Swapped(other))
	}
}

// Where the other table stands is what the last step of its plan's exchanges says; a name that one
// was begun with and that its outcome does not have is nobody's any more.
func TestBeside(t *testing.T) {
	plan, other := &domain.Plan{ID: domain.PlanID{1}, Target: domain.PlanTarget{Name: "d.s"}}, &domain.Plan{ID: domain.PlanID{2}, Target: domain.PlanTarget{Name: "d.o"}}
	var s domain.ControlState
	for i, c := range []struct {
		plan          *domain.Plan
		shadow        string
		step          domain.SwapStep
		beside, other string
		retired       string
	}{
		{plan, "d.s", domain.SwapBegun, "d.s", "d.o", ""},
		{plan, "d.s", domain.SwapDone, "d.s", "d.o", ""},
		{plan, "d.s", domain.SwapBegun, "d.s", "d.o", ""},
		{plan, "d.1_4", domain.SwapNot, "d.1_4", "d.o", "d.s"},
		{other, "d.o", domain.SwapBegun, "d.1_4", "d.o", "d.s"},
		{other, "d.2_6", domain.SwapDone, "d.1_4", "d.2_6", "d.s d.o"},
		{plan, "d.1_4", domain.SwapBegun, "d.1_4", "d.2_6", "d.s d.o"},
		{plan, "d.1_4", domain.SwapDone, "d.1_4", "d.2_6", "d.s d.o"},
	} {
		s.Apply(domain.Seq(i+1), &domain.TableSwap{Plan: c.plan.ID, Shadow: c.shadow, Step: c.step})
		var retired []string
		for _, table := range []string{"d.s", "d.o", "d.1_4", "d.2_6"} {
			if s.Retired(table) {
				retired = append(retired, table)
			}
		}
		if s.Beside(plan) != c.beside || s.Beside(other) != c.other || strings.Join(retired, " ") != c.retired {
			t.Errorf("after %d: beside %s and %s, retired %v, want %+v", i, s.Beside(plan), s.Beside(other), retired, c)
		}
	}
}

// A scope is everything only without any condition.
func TestScopeEverything(t *testing.T) {
	at := domain.Micros(1)
	if s := (&domain.PlanScope{}); !s.Everything() {
		t.Error("no condition is a condition")
	}
	for name, s := range map[string]domain.PlanScope{
		"source": {Sources: []domain.SourceID{"a"}}, "city": {Cities: make([]domain.CitySpan, 1)}, "hub": {Hub: make([]domain.HubSpan, 1)},
		"seqs": {Seqs: make([]domain.SeqSpan, 1)}, "from": {From: &at}, "to": {To: &at}, "as of": {AsOf: &domain.AsOf{}},
		"report": {Report: &domain.Hash{}}, "finding": {Findings: make([]domain.FindingID, 1)}, "quarantine": {Quarantine: true},
	} {
		if s.Everything() {
			t.Errorf("%s: everything", name)
		}
	}
}
