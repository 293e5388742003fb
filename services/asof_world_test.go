package services_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// asofWorld is a pipeline of two cities and two shards in trouble: transactions of the hub are
// refused, cut off and answered late, loads fail and show late, and the process is stopped now
// and then in the middle of what it does.
type asofWorld struct {
	*engine
	op      operator
	cluster *kfake.Cluster
	raw     *kgo.Client  // ends transactions in the place of the hub leg
	through atomic.Int32 // such ends that are on their way
	calm    atomic.Bool
	came    atomic.Int64 // rows of the cities that are committed
	met     [4]atomic.Int64
}

func newAsofWorld(t *testing.T) *asofWorld {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "ODS"), kfake.SeedTopics(2, "north", "south"))
	must(t, err)
	t.Cleanup(k.Close)
	w := worldOn(t, k.ListenAddrs())
	p := &w.cfg.Pipelines[0]
	p.Shards, p.Reconcile.Interval, p.Hub.Batch.Age = 2, 0, 20*time.Millisecond
	a := &asofWorld{engine: newEngine(t, w), op: operator{w}, cluster: k}
	a.raw, err = kgo.NewClient(kgo.SeedBrokers(w.kafka...))
	must(t, err)
	t.Cleanup(a.raw.Close)
	k.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		answer, err := a.endTxn(r.(*kmsg.EndTxnRequest))
		return answer, err, answer != nil || err != nil
	})
	return a
}

// dice throws one of n.
func dice(n int) int { return rand.IntN(n) } //nolint:gosec // a test's choice

// whatHappens to the end of a transaction of the hub.
const (
	isEnded   = iota
	isRefused // and did not happen
	isCutOff  // and did happen
	isLate    // happens, and is answered later
)

// endTxn is the broker's answer to the end of a transaction, an error for a connection that is cut,
// neither where it does and answers as usual.
func (a *asofWorld) endTxn(req *kmsg.EndTxnRequest) (kmsg.Response, error) {
	if strings.HasPrefix(req.TransactionalID, "feed-") || a.calm.Load() || a.through.Load() > 0 {
		return nil, nil
	}
	what := []int{isEnded, isEnded, isEnded, isRefused, isCutOff, isLate, isLate, isLate}[dice(8)]
	a.met[what].Add(1)
	answer := req.ResponseKind().(*kmsg.EndTxnResponse)
	switch what {
	case isEnded:
		return nil, nil
	case isRefused:
		answer.ErrorCode = kerr.UnknownServerError.Code
		return answer, nil
	}
	answered := make(chan *kmsg.EndTxnResponse, 1)
	a.cluster.SleepControl(func() { // it returns before this does, when the stand-in is closed
		a.through.Add(1)
		defer a.through.Add(-1)
		again := *req
		done, err := again.RequestWith(a.t.Context(), a.raw)
		if what == isLate {
			a.waits(10, 120)
		}
		if err == nil {
			answered <- done
		}
	})
	if what == isCutOff {
		return nil, errors.New("the connection is cut")
	}
	select {
	case done := <-answered:
		answer.ErrorCode, answer.ProducerID, answer.ProducerEpoch = done.ErrorCode, done.ProducerID, done.ProducerEpoch
		return answer, nil
	default:
		return nil, errors.New("the connection is cut")
	}
}

// waits for a random time between some milliseconds.
func (a *asofWorld) waits(from, to int) {
	select {
	case <-a.t.Context().Done():
	case <-time.After(time.Duration(from+dice(to-from)) * time.Millisecond):
	}
}

// misbehaves arms faults of Doris: those that did not happen, those that did, and delays.
func (a *asofWorld) misbehaves() {
	for fault, how := range map[standin.Fault]standin.Arming{
		standin.FailLoad:            {Probability: 0.05},
		standin.FailThoughDone:      {Probability: 0.05},
		standin.DropPrecommitReply:  {Probability: 0.05},
		standin.DropCommitReply:     {Probability: 0.2},
		standin.FailPhaseThoughDone: {Probability: 0.1},
		standin.DelayReply:          {Probability: 0.3, Delay: 80 * time.Millisecond},
		standin.HoldPublish:         {Probability: 0.5, Delay: 150 * time.Millisecond},
	} {
		a.doris.Faults().Arm(fault, how)
	}
}

// flows lets rows come until quiet is called.
func (a *asofWorld) flows() (quiet func()) {
	enough := make(chan struct{})
	var feeding sync.WaitGroup
	for _, topic := range []string{"north", "south"} {
		feeding.Go(func() {
			for n := 0; ; n += 10 {
				select {
				case <-enough:
					return
				default:
					a.feed(topic, n, 10)
					a.came.Add(20)
					a.waits(5, 60)
				}
			}
		})
	}
	return sync.OnceFunc(func() { close(enough); feeding.Wait() })
}

// untilSome waits until the table has some rows: before there is a row, nothing can be rebuilt.
func (a *asofWorld) untilSome(rows int) {
	a.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for len(a.rows()) < rows {
		if time.Now().After(deadline) {
			a.t.Fatalf("the table has less than %d rows", rows)
		}
		a.waits(10, 20)
	}
}

// lives through trouble while readers look at n moments, and comes to rest.
func (a *asofWorld) lives(n int, look func(i int)) {
	a.t.Helper()
	a.misbehaves()
	quiet := a.flows()
	defer quiet()
	a.start()
	a.untilSome(200)
	for i := range n {
		a.waits(20, 250)
		if i%6 != 3 {
			look(i)
			continue
		}
		a.stop() // the moment is one of its end, or of the time without it
		a.waits(1, 40)
		look(i)
		must(a.t, <-a.done)
		a.start()
		a.waits(300, 900)
	}
	quiet()
	a.doris.Faults().Disarm()
	a.calm.Store(true)
	a.untilRows(int(a.came.Load()))
	a.end()
}
