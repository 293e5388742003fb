package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// latency is how long rows took from a city to a reader of the hub, one by one.
type latency struct {
	contender string
	p50, p99  time.Duration
	cpu       float64         // seconds per million rows at this rate
	again     []time.Duration // from each SIGKILL to the first row by the next process
}

// feedEvery is how often rows are written; smaller steps would not be kept on a busy
// machine.
const feedEvery = 5 * time.Millisecond

// latency feeds a pipeline at a steady rate and watches the hub. Then, with Hefu, it
// kills the process under the same feed and starts it again.
func (b *bench) latency(ctx context.Context, c contender) (l *latency, err error) {
	j, err := b.newJob(ctx, c)
	if err != nil {
		return nil, err
	}
	f, err := newFeeder(j, 0)
	if err != nil {
		return nil, err
	}
	defer f.cl.Close()
	if err := f.fill(ctx, warm, 200); err != nil {
		return nil, err
	}
	p, err := c.start(ctx, j)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.kill(), b.clear(context.WithoutCancel(ctx), j)) }()
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	r, err := newReader(j)
	if err != nil {
		return nil, err
	}
	wg.Go(func() { r.run(inner) })
	if err := r.await(ctx, p, warm); err != nil {
		return nil, err
	}
	wg.Go(func() { f.steady(inner, b.rate) })
	if err := r.await(ctx, p, int64(b.rate)); err != nil { // it has settled
		return nil, err
	}
	l = &latency{contender: c.name}
	if err := l.watch(ctx, p, r, b.during); err != nil {
		return nil, err
	}
	if c.name != nameHefu {
		return l, nil
	}
	for range b.kills {
		var took time.Duration
		if p, took, err = b.killed(ctx, c, j, p, r); err != nil {
			return nil, err
		}
		l.again = append(l.again, took)
	}
	slices.Sort(l.again)
	return l, nil
}

// watch measures for a while.
func (l *latency) watch(ctx context.Context, p *process, r *reader, during time.Duration) error {
	before, err := p.usage()
	if err != nil {
		return err
	}
	r.take()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(during):
	}
	took := r.take()
	after, err := p.usage()
	if err != nil {
		return err
	}
	if len(took) == 0 {
		return errors.Join(errors.New("no row came"), p.running())
	}
	slices.Sort(took)
	l.p50, l.p99 = quantile(took, 0.50), quantile(took, 0.99)
	l.cpu = (after.cpu - before.cpu).Seconds() / float64(len(took)) * 1e6
	return nil
}

// killed kills the process, starts it again at once, and measures until a row that the
// new one wrote is read: one at or after the ends that the hub had in between.
func (b *bench) killed(ctx context.Context, c contender, j job, p *process, r *reader) (*process, time.Duration, error) {
	began := time.Now()
	if err := p.kill(); err != nil {
		return p, 0, err
	}
	ends, err := kafkaconn.Offsets(ctx, b.stack.cl, j.hub)
	if err != nil {
		return p, 0, err
	}
	first := r.after(ends)
	next, err := c.start(ctx, j)
	if err != nil {
		return p, 0, err
	}
	for {
		select {
		case at := <-first:
			// It runs for a moment, so that the next kill meets it at work.
			return next, at.Sub(began), r.await(ctx, next, r.seen()+int64(b.rate))
		case <-ctx.Done():
			return next, 0, ctx.Err()
		case <-time.After(time.Second):
			if err := next.running(); err != nil {
				return next, 0, err
			}
		}
	}
}

// steady feeds rows at a rate until the context ends. What is behind is made up for.
func (f *feeder) steady(ctx context.Context, rate int) {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	began, first := time.Now(), f.number
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			due := first + int64(time.Since(began).Seconds()*float64(rate))
			if n := due - f.number; n > 0 {
				f.send(ctx, n, 200, func(error) {}) // a row that does not arrive is not measured
			}
		}
	}
}
