package hub_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRefillAnotherPlan: a process stands still with a request in its hands, its plan is cancelled, and
// another plan fills in what is left. The first process wakes up and sends it, in the midst of that or
// when all is done: nothing is there twice, and no marker stands where none was.
func TestRefillAnotherPlan(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.AddPartitionsToTxn, kmsg.EndTxn} {
		for _, skip := range []int64{0, 3} {
			for _, late := range []bool{false, true} {
				for name, at := range map[string]map[int32]int64{"ends": {0: 10, 2: 5}, "everything": {0: 0, 1: 0}} {
					if name == "everything" && key != kmsg.Produce {
						continue
					}
					t.Run(fmt.Sprintf("%s %d late %v, %s", key.Name(), skip, late, name), func(t *testing.T) {
						t.Parallel()
						r := lossy(t)
						r.lose(at)
						_, leg, wake, done := r.frozen(key, skip)
						defer leg.Close()
						r.planFill()
						newer := r.process()
						next := open(r.world, newer)
						if late {
							r.finish(once(next, newer))
						}
						close(wake)
						if err := <-done; err == nil && key != kmsg.Produce { // rows it may write as well
							t.Error("the older process carried the lane to its end")
						}
						if !late {
							r.finish(once(next, newer))
						}
						r.refilled()
					})
				}
			}
		}
	}
}
