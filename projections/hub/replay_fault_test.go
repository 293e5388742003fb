package hub_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// few is a replay of four transactions: small limits make them of one commit each.
func few(t *testing.T, like ...kfake.Opt) *replay {
	t.Helper()
	w := newWorld(t, like...)
	w.cfg.Batch.Rows = 1
	h := w.process()
	for range 4 {
		w.kept(h, w.feed(3, place{"nanjing", 0}, place{"wuxi", 1}))
	}
	return w.plan(domain.Selection{})
}

// onTransaction arms a fault for the n-th transaction from 0 on.
func (f *faults) onTransaction(n int, arm func(*faults)) {
	f.before = func(int) error {
		if n--; n == -1 {
			f.set(arm)
		}
		return nil
	}
}

// TestReplayFaultPairs: each write to Kafka fails in each transaction, having happened or not;
// whether the process goes on or another one does, the shadow has every row once.
func TestReplayFaultPairs(t *testing.T) {
	for name, arm := range map[string]func(*faults){
		"produce not done": func(f *faults) { f.produce = journal.FaultBefore },
		"produce done":     func(f *faults) { f.produce = journal.FaultAfter },
		"commit not done":  func(f *faults) { f.commit = journal.FaultBefore },
		"commit done":      func(f *faults) { f.commit = journal.FaultAfter },
	} {
		for _, n := range []int{0, 1, 3} {
			for _, dies := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s in transaction %d, dies %v", name, n, dies), func(t *testing.T) {
					t.Parallel()
					r := few(t)
					f, h := &faults{}, r.process()
					f.onTransaction(n, arm)
					h.WrapSender(f.wrap)
					leg := open(r.world, h)
					if err := leg.Run(r.ctx); !errors.Is(err, errLost) {
						t.Fatalf("ended with %v", err)
					}
					leg.Close()
					if dies {
						h = r.process()
					}
					r.finish(h)
					r.same()
				})
			}
		}
	}
}

// TestReplayPuts: each event of the replay fails to be stored once, having happened or not.
func TestReplayPuts(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for at := range 10 { // Genesis, Opened, and the two of each transaction
			t.Run(fmt.Sprintf("put %d fault %d", at, fault), func(t *testing.T) {
				t.Parallel()
				r := few(t)
				var n atomic.Int64
				n.Store(int64(at))
				r.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
					if s == r.of.Stream() && n.Add(-1) == -1 {
						return fault
					}
					return journal.FaultNone
				}
				r.finish(r.process())
				if n.Load() >= 0 {
					t.Errorf("there were no %d puts", at)
				}
				r.same()
			})
		}
	}
}

// TestReplayZombie: a process stands still before a write, another one carries the lane to its
// end, and the first one wakes up.
func TestReplayZombie(t *testing.T) {
	for _, site := range []string{"intent", "produce", "commit", "outcome"} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s late %v", site, late), func(t *testing.T) {
				t.Parallel()
				r := few(t)
				arrived, wake := make(chan struct{}), make(chan struct{})
				wait := func() { close(arrived); <-wake }
				f, older := &faults{}, r.process()
				older.WrapSender(f.wrap)
				leg := open(r.world, older)
				var puts atomic.Int64
				switch site {
				case "produce":
					f.onTransaction(1, func(f *faults) { f.producing = wait })
				case "commit":
					f.onTransaction(1, func(f *faults) { f.ending = wait })
				case "intent":
					puts.Store(3)
				default:
					puts.Store(4)
				}
				r.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
					if s == r.of.Stream() && puts.Add(-1) == 0 {
						wait()
					}
					return journal.FaultNone
				}
				done := make(chan error, 1)
				go func() { done <- leg.Run(r.ctx) }()
				<-arrived
				newer := r.process()
				next := open(r.world, newer)
				if late {
					r.finish(once(next, newer))
				}
				close(wake)
				if err := <-done; err == nil {
					t.Error("the older process carried the lane to its end")
				}
				leg.Close()
				var fenced *journal.FencedError
				if _, err := older.Open(r.ctx); !errors.As(err, &fenced) {
					t.Errorf("the older process opened again: %v", err)
				}
				if !late {
					r.finish(once(next, newer))
				}
				r.same()
			})
		}
	}
}

// once opens what is open already, and after that as its process does.
func once(leg projections.Leg, by projections.Opener) projections.Opener {
	return projections.OpenerFunc(func(ctx context.Context) (projections.Leg, error) {
		l := leg
		if leg = nil; l == nil {
			return by.Open(ctx)
		}
		return l, nil
	})
}

// TestReplayWire: a connection is cut on the way there and on the way back, at each request
// that a replay writes with.
func TestReplayWire(t *testing.T) {
	for _, version := range []string{"", "3.9"} {
		for _, at := range []struct {
			name string
			key  kmsg.Key
			skip int
		}{
			{"rows", kmsg.Produce, 0}, {"progress record", kmsg.Produce, 1}, {"commit", kmsg.EndTxn, 0}, {"last commit", kmsg.EndTxn, 3}, {"fence", kmsg.InitProducerID, 0},
		} {
			for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
				t.Run(fmt.Sprintf("kafka%s %s fault %d", version, at.name, fault), func(t *testing.T) {
					t.Parallel()
					r := few(t, as(t, version)...)
					h, cut := r.process(), &wire{}
					h.SenderOptions(cut.option())
					cut.arm(at.key, at.skip, fault)
					r.finish(h)
					if cut.cut() != 1 {
						t.Errorf("connections were cut %d times", cut.cut())
					}
					r.same()
				})
			}
		}
	}
}

// TestReplayStops: a replay that is told to stop ends well, and goes on where it was.
func TestReplayStops(t *testing.T) {
	r := few(t)
	ctx, stop := context.WithCancel(r.ctx)
	f, h := &faults{}, r.process()
	f.onTransaction(1, func(f *faults) { f.ending = stop })
	h.WrapSender(f.wrap)
	leg := open(r.world, h)
	must(t, leg.Run(ctx))
	leg.Close()
	leg = open(r.world, r.process())
	leg.Close()
	if c := leg.Cursor(); c.IsZero() || c == r.of.Lane.Last {
		t.Errorf("stopped at %s", c)
	}
	r.finish(r.process())
	r.same()
}
