package reconcile_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// What is said of a while is of the moment at which it was first looked at: rows that come to
// table and hub between two looks change neither its sums nor what of it is compared.
func TestWhileStays(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	from := time.UnixMicro(int64(w.now)).Add(time.Microsecond)
	w.ingests(s, w.run(s, "nanjing", 0, 10, 1))
	w.carries(s)
	w.loads(s)
	w.ingests(s, w.run(s, "nanjing", 0, 5, 0), w.run(s, "wuxi", 0, 5, 0))
	w.carries(s)
	w.ingests(s, w.run(s, "nanjing", 0, 3, 1))
	p := w.prover(reconcile.Scope{From: &from})
	before := w.proves(p)
	if c := before.Coverage[1:]; before.Verdict != domain.Verified || c[0].Verified != 20 || c[0].Pending != 3 || c[1].Verified != 10 || c[1].Pending != 10 {
		t.Errorf("%s: %s: %+v", before.Verdict, before.Why, before.Coverage)
	}
	for range 2 {
		w.carries(s)
		w.loads(s)
		w.ingests(s, w.run(s, "nanjing", 0, 4, 1))
		after := w.proves(p)
		if !reflect.DeepEqual(before.Sources, after.Sources) || !reflect.DeepEqual(before.Coverage, after.Coverage) || after.Verdict != domain.Verified {
			t.Errorf("%s: %s\n%+v\n%+v\n%+v\n%+v", after.Verdict, after.Why, before.Coverage, after.Coverage, before.Sources, after.Sources)
		}
	}
}
