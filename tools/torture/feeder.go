package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// feeder feeds the cities at a steady rate, in transactions, every seventh of which is
// aborted and must never arrive.
type feeder struct {
	rate      int
	pad       atomic.Int64 // bytes that each row has more than usual
	brokers   string
	committed atomic.Int64
	failed    atomic.Int64 // transactions that ended in an error and were begun anew
	last      atomic.Value // the last such error
	cancel    context.CancelFunc
	done      sync.WaitGroup
	pausing   sync.RWMutex // held for writing while nothing may be fed
}

func newFeeder(brokers string, rate int) (*feeder, error) {
	return &feeder{rate: max(rate, 10), brokers: brokers, cancel: func() {}}, nil
}

func (f *feeder) start(ctx context.Context) {
	ctx, f.cancel = context.WithCancel(ctx)
	for c := range cities {
		f.done.Go(func() { f.feed(ctx, c) })
	}
}

func (f *feeder) stop() {
	f.cancel()
	f.done.Wait()
}

// feed feeds one city. A broker that is gone for a while (it is killed in one
// scenario) costs the transaction under way: it is begun anew, under a new id.
func (f *feeder) feed(ctx context.Context, city int) {
	row := 0
	for life := 0; ctx.Err() == nil; life++ {
		cl, err := kgo.NewClient(kgo.SeedBrokers(f.brokers), kgo.TransactionalID(fmt.Sprintf("feeder-%d", city)),
			kgo.TransactionTimeout(10*time.Second), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err == nil {
			row = f.transactions(ctx, cl, city, row)
			cl.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// transactions feeds until an error and returns the number of the next row.
func (f *feeder) transactions(ctx context.Context, cl *kgo.Client, city, row int) int {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	n := max(1, f.rate/cities/20)
	for txn := 1; ; txn++ {
		select {
		case <-ctx.Done():
			return row
		case <-tick.C:
		}
		f.pausing.RLock()
		err := f.transaction(ctx, cl, city, row, n, txn%7 != 0)
		f.pausing.RUnlock()
		row += n
		if err != nil {
			f.failed.Add(1)
			f.last.Store(err.Error())
			return row
		}
	}
}

// padding is what a row has more than usual: nothing that a producer could compress.
func (f *feeder) padding() string {
	n := f.pad.Load()
	if n == 0 {
		return ""
	}
	b := make([]byte, n/2)
	_, _ = rand.Read(b) // it never fails
	return fmt.Sprintf(`,"noise":"%x"`, b)
}

func (f *feeder) transaction(ctx context.Context, cl *kgo.Client, city, row, n int, commit bool) error {
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	for i := range n {
		cl.Produce(ctx, &kgo.Record{
			Topic: cityTopic(city), Partition: int32((row + i) % 2),
			Value: fmt.Appendf(nil, `{"bridge":"b%d","sensor":%d,"value":%d.%02d,"kept":%t%s}`, city, (row+i)%37, row+i, i, commit, f.padding()),
		}, nil)
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	if err := kafkaconn.EndTransaction(ctx, cl, kgo.TransactionEndTry(commit), &kgo.Record{Topic: cityTopic(city)}); err != nil {
		return err
	}
	if commit {
		f.committed.Add(int64(n))
	}
	return nil
}
