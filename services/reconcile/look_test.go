package reconcile_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// What is new is compared look by look, whatever of it is on its way, and each look gives a
// report that adds up.
func TestLooks(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	p := w.prover(reconcile.Scope{})
	steps := []func(){
		func() { w.moves(40) },
		func() { w.ingests(s, w.run(s, "nanjing", 0, 10, 1)) },
		func() { w.carries(s) },
		func() { w.ingests(s, w.run(s, "nanjing", 0, 0, 3)) }, // nothing but markers
		func() { w.carries(s) },
		func() { w.loads(s) },
		func() { w.ingests(s, w.run(s, "wuxi", 0, 10, 1)); w.begins(s) },
	}
	for i, step := range steps {
		step()
		r := w.proves(p)
		if r.Verdict != domain.Verified || len(r.Findings) > 0 {
			t.Errorf("step %d: verdict %s: %s: %+v", i, r.Verdict, r.Why, some(r))
		}
	}
	r := w.proves(p)
	for _, c := range r.Coverage[1:] {
		if c.Verified != 130 {
			t.Errorf("%+v", c)
		}
	}
}
