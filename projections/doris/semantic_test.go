package doris_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/projectiontest"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// newWorldWith is a world whose target promises less.
func newWorldWith(t testing.TB, model string, s domain.Semantic) *world {
	w := newWorld(t, model)
	w.cfg.Semantic = s
	w.opened()
	return w
}

// oncePhased is a world without a second phase.
type oncePhased struct{ *world }

func (oncePhased) Sites() []string { return []string{"load"} }

// TestContractAtLeastOnce: on a table whose key is the hub's coordinate a row that comes
// twice is one row, so at-least-once keeps the whole contract there.
func TestContractAtLeastOnce(t *testing.T) {
	projectiontest.Run(t, func(t *testing.T) projectiontest.World {
		return oncePhased{newWorldWith(t, unique, domain.AtLeastOnce)}
	})
}

// copies counts the rows of the table: how often each wanted one is there. Other rows
// fail the test.
func (w *world) copies() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, row := range w.want {
		out[row] = 0
	}
	for _, row := range w.table() {
		if _, wanted := out[row]; !wanted {
			w.t.Errorf("table has %s", row)
		}
		out[row]++
	}
	return out
}

// atLeast and atMost are what the weaker semantics leave of Tally.
func (w *world) atLeast() (doubled int) {
	w.t.Helper()
	for row, n := range w.copies() {
		if n == 0 {
			w.t.Errorf("table lost %s", row)
		}
		doubled += max(0, n-1)
	}
	w.addsUp()
	w.keepsSecrets()
	return doubled
}

func (w *world) atMost() (lost int) {
	w.t.Helper()
	for row, n := range w.copies() {
		if n > 1 {
			w.t.Errorf("table has %s %d times", row, n)
		}
		lost += 1 - min(1, n)
	}
	w.addsUp()
	w.keepsSecrets()
	return lost
}

// TestSettlesLess: what the next owner makes of an open intent of the weaker semantics.
func TestSettlesLess(t *testing.T) {
	all := func(h *byHand) func() { h.loads(strings.NewReader(h.lines())); h.until(h.label, "VISIBLE"); return nil }
	twice := []domain.Kind{begun, aborted, begun, committed}
	once := []domain.Kind{begun, committed, begun, committed}
	for _, c := range []struct {
		name     string
		semantic domain.Semantic
		arrange  func(h *byHand) (after func())
		want     []domain.Kind
		how      string
		lost     int
	}{
		{"unknown", domain.AtLeastOnce, func(*byHand) func() { return nil }, twice, "transaction state", 0},
		{"PREPARE", domain.AtLeastOnce, func(h *byHand) func() { return h.hangs() }, twice, "transaction state", 0},
		{"ABORTED", domain.AtLeastOnce, func(h *byHand) func() { h.hangs()(); h.until(h.label, "ABORTED"); return nil }, twice, "transaction state", 0},
		{"COMMITTED", domain.AtLeastOnce, func(h *byHand) func() {
			publishesLate(h.world)
			h.accepts = "Publish Timeout"
			h.loads(strings.NewReader(h.lines()))
			return nil
		}, once, "transaction state", 0},
		{"VISIBLE", domain.AtLeastOnce, all, once, "transaction state", 0},
		{"unknown", domain.None, func(*byHand) func() { return nil }, once, "not asked", 5},
		{"PREPARE", domain.None, func(h *byHand) func() { return h.hangs() }, once, "not asked", 5},
		{"VISIBLE", domain.None, all, once, "not asked", 0},
		{"forgotten", domain.None, func(h *byHand) func() { all(h); h.forgets(); return nil }, once, "not asked", 0},
	} {
		t.Run(string(c.semantic)+" "+c.name, func(t *testing.T) {
			w := newWorldWith(t, duplicate, c.semantic)
			at := w.Feed()
			h := w.begins(at, at)
			after := c.arrange(h)
			w.recovers(at)
			if after != nil {
				after()
			}
			if lost := w.atMost(); lost != c.lost {
				t.Errorf("%d rows are lost, want %d", lost, c.lost)
			}
			if got := w.kinds()[:len(c.want)]; !slices.Equal(got, c.want) {
				t.Errorf("stream holds %v, want %v", got, c.want)
			}
			for _, ev := range events[*domain.DorisCommitted](w) {
				if ev.How != c.how || ev.Rows != 5 {
					t.Errorf("committed: %+v", ev)
				}
			}
			if asked := w.wire.wasAsked("hefu-"); asked != (c.semantic == domain.AtLeastOnce) {
				t.Errorf("asked for the state of a label: %v", asked)
			}
		})
	}
}

// TestForgottenDoubles: a load that Doris has forgotten is loaded again under
// at-least-once: never lost, doubled where the key is none.
func TestForgottenDoubles(t *testing.T) {
	for model, doubled := range map[string]int{unique: 0, duplicate: 5} {
		w := newWorldWith(t, model, domain.AtLeastOnce)
		at := w.Feed()
		h := w.begins(at, at)
		h.loads(strings.NewReader(h.lines()))
		h.forgets()
		w.recovers(at)
		if got := w.atLeast(); got != doubled {
			t.Errorf("%s: %d rows are doubled, want %d", model, got, doubled)
		}
	}
}

// TestProbeLeftBehind: a probe that an owner left behind is aborted, whatever the target
// promises, and its rows are loaded.
func TestProbeLeftBehind(t *testing.T) {
	for _, semantic := range []domain.Semantic{domain.None, domain.AtLeastOnce, domain.ExactlyOnce} {
		for name, arrange := range map[string]func(h *byHand) func(){
			"unknown":      func(*byHand) func() { return nil },
			"PREPARE":      func(h *byHand) func() { return h.hangs() },
			"PRECOMMITTED": func(h *byHand) func() { h.loads(strings.NewReader(h.lines())); return nil },
		} {
			t.Run(string(semantic)+" "+name, func(t *testing.T) {
				w := newWorldWith(t, duplicate, semantic)
				at := w.Feed()
				h := w.beginsAs(at, at, func(ev *domain.DorisBegun) { ev.Probe = &domain.DorisProbe{Next: 5} })
				after := arrange(h)
				p := w.start()
				p.until(at)
				p.stop()
				if after != nil {
					after()
				}
				w.Tally()
				if got := w.kinds(); !slices.Equal(got[:3], []domain.Kind{begun, aborted, begun}) {
					t.Errorf("stream holds %v", got)
				}
				if got := w.state(h.label); name != "unknown" && got != "ABORTED" {
					t.Errorf("the probe is %s", got)
				}
			})
		}
	}
}

// TestWireLess: the one write of the weaker semantics fails in each way.
func TestWireLess(t *testing.T) {
	retried := []domain.Kind{begun, aborted, begun, committed}
	for _, c := range []struct {
		name     string
		semantic domain.Semantic
		arm      func(w *world)
		lost     int
		want     []domain.Kind
	}{
		{"front end gone", domain.AtLeastOnce, func(w *world) { w.wire.arm("load", redirect) }, 0, retried},
		{"lost", domain.AtLeastOnce, func(w *world) { w.wire.arm("load", lost) }, 0, retried},
		{"unheard", domain.AtLeastOnce, func(w *world) { w.wire.arm("load", unheard) }, 0, []domain.Kind{begun, committed}},
		{"denied", domain.AtLeastOnce, func(w *world) { w.wire.arm("load", denied) }, 0, []domain.Kind{begun, committed}},
		{"publish time-out", domain.AtLeastOnce, publishesLate, 0, []domain.Kind{begun, committed}},
		{"too many versions", domain.AtLeastOnce, tooMany, 0, retried},
		{"front end gone", domain.None, func(w *world) { w.wire.arm("load", redirect) }, 0, retried},
		{"lost", domain.None, func(w *world) { w.wire.arm("load", lost) }, 5, []domain.Kind{begun, committed}},
		{"unheard", domain.None, func(w *world) { w.wire.arm("load", unheard) }, 0, []domain.Kind{begun, committed}},
		{"publish time-out", domain.None, publishesLate, 0, []domain.Kind{begun, committed}},
		{"too many versions", domain.None, tooMany, 0, retried},
	} {
		t.Run(string(c.semantic)+" "+c.name, func(t *testing.T) {
			w := newWorldWith(t, duplicate, c.semantic)
			c.arm(w)
			at := w.Feed()
			p := w.start()
			p.until(at)
			w.s.Faults().Disarm(standin.HoldPublish) // that nobody waits for
			p.until(w.Feed())
			p.stop()
			eventually(w, "all rows that are to come", func() (int, bool) { n := len(w.table()); return n, n == len(w.want)-c.lost })
			if lost := w.atMost(); lost != c.lost {
				t.Errorf("%d rows are lost, want %d", lost, c.lost)
			}
			if got := w.kinds()[:len(c.want)]; !slices.Equal(got, c.want) {
				t.Errorf("stream holds %v, want %v", got, c.want)
			}
		})
	}
}

// publishesLate makes a load answer Publish Timeout and stay COMMITTED until its state was
// asked for twice.
func publishesLate(w *world) {
	w.s.Faults().Arm(standin.PublishTimeout, standin.Arming{Times: 1})
	w.s.Faults().Arm(standin.HoldPublish, standin.Arming{})
	var asked atomic.Int32
	w.wire.onAsk(func(label string) {
		if strings.HasPrefix(label, "hefu-") && asked.Add(1) == 2 {
			w.s.Faults().Disarm(standin.HoldPublish)
		}
	})
}

func tooMany(w *world) { w.s.Faults().Arm(standin.TooManyVersions, standin.Arming{Times: 1}) }

// TestDiesLess: the process dies before and after each append of the weaker semantics.
func TestDiesLess(t *testing.T) {
	for _, semantic := range []domain.Semantic{domain.None, domain.AtLeastOnce} {
		for _, kind := range []domain.Kind{begun, committed} {
			for name, fault := range map[string]journal.Fault{"before": journal.FaultBefore, "after": journal.FaultAfter} {
				t.Run(string(semantic)+" "+name+" "+string(kind), func(t *testing.T) {
					w := newWorldWith(t, duplicate, semantic)
					ctx, die := context.WithCancel(w.ctx)
					w.atPut(kind, func() journal.Fault { die(); return fault })
					at := w.Feed()
					w.diesOn(ctx)
					w.recovers(at)
					// What began and was not sent is what the semantic none may lose.
					may := semantic == domain.None && kind == begun && fault == journal.FaultAfter
					if lost := w.atMost(); lost != 0 && (!may || lost != 5) {
						t.Errorf("%d rows are lost", lost)
					}
				})
			}
		}
	}
}

// TestBodyBreaksOff: a row that the table cannot hold breaks a load off on our side, which
// no semantic takes for a silence of Doris.
func TestBodyBreaksOff(t *testing.T) {
	for _, semantic := range []domain.Semantic{domain.None, domain.AtLeastOnce} {
		w := newWorldWith(t, duplicate, semantic)
		bad := w.plain("nanjing", 0, 4)
		bad.records[2].ts = unbearable
		at := w.feed(bad, w.plain("wuxi", 1, 2))
		p := w.start()
		p.until(at)
		p.stop()
		w.Tally()
		if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, aborted, begun, committed}) {
			t.Errorf("%s: stream holds %v", semantic, got)
		}
	}
}
