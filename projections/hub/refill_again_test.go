package hub_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
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
						var left atomic.Int64
						left.Store(skip)
						arrived, wake := make(chan struct{}), make(chan struct{})
						older := r.process()
						older.SenderOptions(kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
							var d net.Dialer
							c, err := d.DialContext(ctx, network, host)
							return &gate{c, key, &left, arrived, wake}, err
						}))
						leg := open(r.world, older)
						defer leg.Close()
						done := make(chan error, 1)
						go func() { done <- leg.Run(r.ctx) }()
						select {
						case <-arrived:
						case err := <-done:
							t.Fatalf("ended before it got there: %v", err)
						}
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
