package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/projections/projectiontest"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

// TestKafkaBefore4 is exactly-once on the last line of Kafka without transaction.version:
// the contract with its zombies, every answer lost once, and the broker killed hard in the
// middle of a transaction. It starts a broker of its own.
func TestKafkaBefore4(t *testing.T) {
	if realKafka() == "" {
		t.Skip("HEFU_TEST_KAFKA is not set")
	}
	c := realkafka.Config{Version: "3.9.2", Dir: t.TempDir(), Heap: "256m"}
	b, err := realkafka.Start(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { _ = b.Kill() })

	w := newWorldAt(t, b.Addr())
	if v, err := kafkaconn.TransactionVersion(w.ctx, w.cl); err != nil || v >= 2 {
		t.Fatalf("transaction.version %d, %v: this is not what is to be tested", v, err)
	}
	open(w, w.process()).Close() // makes the topic of the transaction coordinators
	t.Run("contract", func(t *testing.T) {
		projectiontest.Run(t, func(t *testing.T) projectiontest.World {
			return &contract{w: newWorldAt(t, b.Addr()), f: &faults{}}
		})
	})
	t.Run("lost", func(t *testing.T) { losesEach(t, b.Addr()) })
	t.Run("killed", func(t *testing.T) { killedOnce(t, c, b) })
}

// losesEach loses each request of a leg once, and each answer.
func losesEach(t *testing.T, addr string) {
	for _, at := range []struct {
		key  kmsg.Key
		skip int
	}{{kmsg.Produce, 0}, {kmsg.Produce, 1}, {kmsg.Produce, 2}, {kmsg.AddPartitionsToTxn, 0}, {kmsg.EndTxn, 0}, {kmsg.EndTxn, 1}, {kmsg.InitProducerID, 0}} {
		for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
			t.Run(fmt.Sprintf("%s %d fault %d", at.key.Name(), at.skip, fault), func(t *testing.T) {
				w := newWorldAt(t, addr)
				h, cut := w.process(), &wire{}
				h.SenderOptions(cut.option())
				cut.arm(at.key, at.skip, fault)
				opens := w.kept(h, w.mixed()) + w.kept(h, w.mixed())
				if at.key == kmsg.EndTxn && fault == journal.FaultAfter && opens != 3 {
					t.Errorf("opened %d times: below transaction.version 2 no commit is sent twice", opens)
				}
				if cut.cut() != 1 {
					t.Errorf("connections were cut %d times", cut.cut())
				}
				w.tally()
			})
		}
	}
}

// killedOnce kills the broker when the rows of a transaction are written and its end is
// not, starts it again, and demands that each row comes once.
func killedOnce(t *testing.T, c realkafka.Config, b *realkafka.Broker) {
	w := newWorldAt(t, b.Addr())
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	killed := make(chan error, 1)
	f := &faults{}
	h := w.process()
	h.WrapSender(f.wrap)
	runner := &projections.Runner{
		Stream: w.stream(), Opener: h, Incidents: projections.Incidents{Control: w.control},
		Reporter: projections.NewReporter(w.stream()), Log: slog.New(slog.DiscardHandler),
		Backoff: 50 * time.Millisecond, MaxBackoff: time.Second,
	}
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	must(t, w.reaches(ctx, w.mixed(), done))
	f.set(func(f *faults) { f.ending = func() { killed <- b.Kill() } })
	to := w.mixed()
	select {
	case err := <-killed:
		must(t, err)
	case <-ctx.Done():
		t.Fatal("no transaction came to its end")
	}
	again, err := realkafka.Start(ctx, c)
	must(t, err)
	t.Cleanup(func() { _ = again.Kill() })
	must(t, w.reaches(ctx, to, done))
	must(t, w.reaches(ctx, w.mixed(), done))
	stop()
	must(t, <-done)
	w.tally()
}
