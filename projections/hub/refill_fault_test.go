package hub_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// lost is a plan of several transactions: the ends of two partitions are gone.
func lost(t *testing.T) *refill {
	t.Helper()
	r := lossy(t)
	r.lose(map[int32]int64{0: 10, 2: 5})
	return r
}

// TestRefillFaultPairs: the rows of each transaction are not written, or written and not answered;
// whether the process goes on or another one does, each row is there once.
func TestRefillFaultPairs(t *testing.T) {
	for name, arm := range map[string]func(*faults){
		"not done": func(f *faults) { f.produce = journal.FaultBefore },
		"done":     func(f *faults) { f.produce = journal.FaultAfter },
		"at end":   func(f *faults) { f.commit = journal.FaultAfter },
	} {
		for _, n := range []int{0, 3} {
			for _, dies := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s in transaction %d, dies %v", name, n, dies), func(t *testing.T) {
					t.Parallel()
					r := lost(t)
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
					opens := 0
					h.WrapSender(func(s hub.Sender) hub.Sender { opens++; return s })
					r.finish(h)
					if opens != 1 {
						t.Errorf("opened %d times more", opens)
					}
					r.refilled()
				})
			}
		}
	}
}

// TestRefillPuts: each event of the replay fails to be stored once, having happened or not.
func TestRefillPuts(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for at := range 7 {
			t.Run(fmt.Sprintf("put %d fault %d", at, fault), func(t *testing.T) {
				t.Parallel()
				r := lost(t)
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
				r.refilled()
			})
		}
	}
}

// TestRefillWire: a connection is cut on the way there and on the way back, at each kind of
// request, the first one and later ones.
func TestRefillWire(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.AddPartitionsToTxn, kmsg.EndTxn, kmsg.InitProducerID, kmsg.ListOffsets} {
		for _, skip := range []int{0, 4} {
			for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
				t.Run(fmt.Sprintf("%s %d fault %d", key.Name(), skip, fault), func(t *testing.T) {
					if key == kmsg.InitProducerID && skip > 0 {
						t.Skip("there is one only")
					}
					t.Parallel()
					r := lost(t)
					h, cut := r.process(), &wire{}
					h.SenderOptions(cut.option())
					cut.arm(key, skip, fault)
					opens := 0
					h.WrapSender(func(s hub.Sender) hub.Sender { opens++; return s })
					r.finish(h)
					if writes := key != kmsg.InitProducerID && key != kmsg.ListOffsets; writes && fault == journal.FaultAfter && opens != 2 {
						t.Errorf("opened %d times: what may have come is not sent again", opens)
					}
					if cut.cut() != 1 {
						t.Errorf("connections were cut %d times", cut.cut())
					}
					r.refilled()
				})
			}
		}
	}
}

// gate is a connection whose requests of a kind wait: the process stands still.
type gate struct {
	net.Conn
	key     kmsg.Key
	skip    *atomic.Int64
	arrived chan struct{}
	wake    chan struct{}
}

func (g *gate) Write(b []byte) (int, error) {
	if len(b) > 6 && kmsg.Key(int16(b[4])<<8|int16(b[5])) == g.key && g.skip.Add(-1) == -1 {
		close(g.arrived)
		<-g.wake
	}
	return g.Conn.Write(b)
}

// frozen is a process, and its leg, that stands still with a request of a kind in its hands, the one
// after so many others, until wake is closed; done says how the leg's run ends.
func (r *refill) frozen(key kmsg.Key, after int64) (older *hub.Hub, leg projections.Leg, wake chan struct{}, done chan error) {
	r.t.Helper()
	var left atomic.Int64
	left.Store(after)
	arrived, wake := make(chan struct{}), make(chan struct{})
	older = r.process()
	older.SenderOptions(kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, host)
		return &gate{c, key, &left, arrived, wake}, err
	}))
	leg, done = open(r.world, older), make(chan error, 1)
	go func() { done <- leg.Run(r.ctx) }()
	select {
	case <-arrived:
	case err := <-done:
		r.t.Fatalf("ended before it got there: %v", err)
	}
	return older, leg, wake, done
}

// TestRefillZombie: a process stands still with a request in its hands, another one carries the lane
// on, or to its end, and the first one wakes up and sends it: nothing is there twice.
func TestRefillZombie(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.AddPartitionsToTxn, kmsg.EndTxn} {
		for _, skip := range []int64{0, 3} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d late %v", key.Name(), skip, late), func(t *testing.T) {
					t.Parallel()
					r := lost(t)
					older, leg, wake, done := r.frozen(key, skip)
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
					r.refilled()
				})
			}
		}
	}
}

// TestRefillStops: a replay that is told to stop ends well, and goes on where it was.
func TestRefillStops(t *testing.T) {
	r := lost(t)
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
	r.refilled()
}

// strange writes a record of somebody else's to partition 0.
func (r *refill) strange() {
	cl, err := kafkaconn.Dial(r.world.cfg.Kafka, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err == nil {
		defer cl.Close()
		rec := &kgo.Record{Topic: r.topic(), Partition: 0, Value: []byte("{}")}
		err = cl.ProduceSync(r.ctx, rec).FirstErr()
		r.foreign = rec.Offset
	}
	if err != nil {
		r.t.Error(err)
	}
}

// TestRefillForeign: a record that somebody else wrote where a row was, before the replay begins,
// before it goes on, or while a request is under way, ends the leg and is found at the next open;
// nothing is written behind it.
func TestRefillForeign(t *testing.T) {
	for name, arm := range map[string]func(*refill, *hub.Hub){
		"before it begins": func(r *refill, _ *hub.Hub) { r.strange() },
		"before a batch": func(r *refill, h *hub.Hub) {
			f := &faults{}
			f.onTransaction(1, func(f *faults) { f.producing = r.strange })
			h.WrapSender(f.wrap)
		},
		"under the rows":   func(r *refill, h *hub.Hub) { r.meanwhile(h, kmsg.Produce) },
		"under the marker": func(r *refill, h *hub.Hub) { r.meanwhile(h, kmsg.EndTxn) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := lost(t)
			r.replay.cfg.Batch = hub.Limits{Rows: 1} // a commit follows each request
			h := r.process()
			arm(r, h)
			var refusal *projections.Refusal
			leg, err := h.Open(r.ctx)
			if err == nil {
				if err := leg.Run(r.ctx); err == nil || errors.As(err, &refusal) {
					t.Errorf("ended with %v behind a foreign record", err)
				}
				leg.Close()
				_, err = h.Open(r.ctx)
			}
			if !errors.As(err, &refusal) || !contains(err, "cannot be filled in: hub partition 0, offset", "replay into a shadow topic") {
				t.Errorf("opened with %v", err)
			}
			if strings.HasPrefix(name, "before") && !contains(err, fmt.Sprintf("offset %d: a record of producer ", r.foreign)) {
				t.Errorf("opened with %v", err)
			}
			if end := r.ends()[0]; !strings.HasPrefix(name, "under") && end != r.foreign+1 {
				t.Errorf("partition 0 ends at %d, behind the foreign record at %d", end, r.foreign)
			}
			r.saysNoMore()
			before := fmt.Sprint(r.ends())
			if _, err := r.process().Open(r.ctx); !errors.As(err, &refusal) {
				t.Errorf("another process opened with %v", err)
			}
			if after := fmt.Sprint(r.ends()); after != before {
				t.Errorf("ends at %v, did at %v", after, before)
			}
		})
	}
}

// meanwhile has somebody write while the third request of a kind is under way.
func (r *refill) meanwhile(h *hub.Hub, key kmsg.Key) {
	var left atomic.Int64
	left.Store(2)
	arrived, wake := make(chan struct{}), make(chan struct{})
	h.SenderOptions(kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, host)
		return &gate{c, key, &left, arrived, wake}, err
	}))
	go func() {
		defer close(wake)
		select {
		case <-arrived:
			r.strange()
		case <-r.ctx.Done():
		}
	}()
}
