package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// reader reads the hub as its users do, committed rows only, and notes how old each
// row is.
type reader struct {
	cl *kgo.Client

	mu    sync.Mutex
	rows  int64
	took  []time.Duration
	ends  map[int32]kafkaconn.Bounds
	first chan time.Time
}

func newReader(j job) (*reader, error) {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(j.addr), kgo.DisableClientMetrics(),
		kgo.ConsumeTopics(j.hub), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond),
	)
	return &reader{cl: cl}, err
}

func (r *reader) run(ctx context.Context) {
	defer r.cl.Close()
	for ctx.Err() == nil {
		fetches := r.cl.PollFetches(ctx)
		now := time.Now()
		r.mu.Lock()
		fetches.EachRecord(func(rec *kgo.Record) {
			r.rows++
			if made, ok := madeAt(rec.Value); ok {
				r.took = append(r.took, now.Sub(made))
			}
			if r.first != nil && rec.Offset >= r.ends[rec.Partition].HighWatermark {
				r.first <- now
				r.first = nil
			}
		})
		r.mu.Unlock()
	}
}

// seen is the number of rows so far.
func (r *reader) seen() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows
}

// await waits until a number of rows was seen, as long as the pipeline runs.
func (r *reader) await(ctx context.Context, p *process, rows int64) error {
	err := eventually(ctx, warmTimeout, func() (bool, error) { return r.seen() >= rows, p.running() })
	if err != nil {
		return fmt.Errorf("wait for %d rows, %d came: %w", rows, r.seen(), err)
	}
	return nil
}

// take gives the ages of the rows since it was asked last.
func (r *reader) take() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := r.took
	r.took = nil
	return took
}

// after tells when the first row at or beyond some ends was read.
func (r *reader) after(ends map[int32]kafkaconn.Bounds) <-chan time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends, r.first = ends, make(chan time.Time, 1)
	return r.first
}
