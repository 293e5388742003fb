package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

// How a city sends: in blocks of up to maxBlock rows, of a hundred blocks some in
// transactions, and some of these aborted and sent again, as a producer does that
// failed.
const (
	maxBlock     = 2000
	inCommitted  = 15
	inAborted    = 7
	firstAborted = true // so that each city has one, however few its rows
)

// feeder fills the city topics while the pipeline runs.
type feeder struct {
	brokers string
	sources []stack.Source
	records []records
	seed    uint64
	// shares holds back the feed: of n channels each opens one more (n+1)th part of
	// every city's rows when it is closed. A share is spread over pace; 0: no haste is
	// too great.
	shares []chan struct{}
	pace   time.Duration

	sent    atomic.Int64  // rows that must arrive
	aborted atomic.Int64  // rows that must not
	took    time.Duration // known when run has returned
}

func (f *feeder) total() int64 {
	var n int64
	for _, r := range f.records {
		n += int64(r.count())
	}
	return n
}

// run returns when every city has sent everything.
func (f *feeder) run(ctx context.Context) error {
	began := time.Now()
	defer func() { f.took = time.Since(began) }()
	g, ctx := errgroup.WithContext(ctx)
	for i := range f.sources {
		g.Go(func() error {
			if err := f.city(ctx, i); err != nil {
				return fmt.Errorf("feed topic %s: %w", f.sources[i].Topic, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (f *feeder) city(ctx context.Context, i int) error {
	codecs := []kgo.CompressionCodec{kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.SnappyCompression(), kgo.GzipCompression(), kgo.NoCompression()}
	dial := func(more ...kgo.Opt) (*kgo.Client, error) {
		return kafkaconn.Dial(kafkaconn.Config{Brokers: []string{f.brokers}, ClientID: "city-" + f.sources[i].City}, append(more,
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(f.sources[i].Topic),
			kgo.ProducerBatchCompression(codecs[i%len(codecs)]))...)
	}
	plain, err := dial()
	if err != nil {
		return err
	}
	defer plain.Close()
	txn, err := dial(kgo.TransactionalID("city-" + f.sources[i].City))
	if err != nil {
		return err
	}
	defer txn.Close()
	rng := rand.New(rand.NewPCG(f.seed, uint64(i)))
	abort := firstAborted
	began := time.Now()
	for at, n := 0, f.records[i].count(); at < n; {
		end, err := f.share(ctx, at, n)
		if err == nil {
			// Over all shares, so that kills which come fast do not outrun the feed.
			err = until(ctx, began.Add(time.Duration(float64(f.pace)*float64(len(f.shares)+1)*float64(at)/float64(n))))
		}
		if err != nil {
			return err
		}
		rows := f.block(i, at, min(end, at+1+rng.IntN(maxBlock)))
		dice := rng.IntN(100)
		switch {
		case abort || dice < inAborted:
			if err := transact(ctx, txn, rows, kgo.TryAbort); err != nil {
				return err
			}
			f.aborted.Add(int64(len(rows)))
			abort = false
			continue // and sends them again
		case dice < inAborted+inCommitted:
			err = transact(ctx, txn, rows, kgo.TryCommit)
		default:
			err = plain.ProduceSync(ctx, rows...).FirstErr()
		}
		if err != nil {
			return err
		}
		at += len(rows)
		f.sent.Add(int64(len(rows)))
	}
	return nil
}

// share waits until row at of n may be sent, and returns where its share ends.
func (f *feeder) share(ctx context.Context, at, n int) (int, error) {
	parts := len(f.shares) + 1
	for k, open := range f.shares {
		end := n * (k + 1) / parts
		if at < end {
			return end, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-open:
		}
	}
	return n, nil
}

// until waits for a time of day.
func until(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (f *feeder) block(i, at, end int) []*kgo.Record {
	out := make([]*kgo.Record, 0, end-at)
	for ; at < end; at++ {
		out = append(out, &kgo.Record{Partition: int32(at % stack.CityPartitions), Value: f.records[i].record(at)})
	}
	return out
}

func transact(ctx context.Context, cl *kgo.Client, rows []*kgo.Record, end kgo.TransactionEndTry) error {
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, rows...).FirstErr(); err != nil {
		return errors.Join(err, kafkaconn.EndTransaction(ctx, cl, kgo.TryAbort))
	}
	return kafkaconn.EndTransaction(ctx, cl, end, rows[0])
}

// ends is where each city partition ends now that everything was sent.
func (f *feeder) ends(ctx context.Context) (map[string]map[int32]int64, error) {
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{f.brokers}})
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	out := map[string]map[int32]int64{}
	for _, s := range f.sources {
		bounds, err := kafkaconn.Offsets(ctx, cl, s.Topic)
		if err != nil {
			return nil, err
		}
		out[s.ID] = map[int32]int64{}
		for p, b := range bounds {
			out[s.ID][p] = b.LSO
		}
	}
	return out, nil
}
