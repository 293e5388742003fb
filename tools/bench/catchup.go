package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// result is one pipeline's way through one workload.
type result struct {
	rowsPerSecond float64
	cpuPerMillion float64 // seconds of user and system time
	peak          int64   // resident, bytes, since the process began
}

const (
	// warmTimeout is for a pipeline to start and to move its first rows: a JVM on a
	// busy machine takes a while.
	warmTimeout = 3 * time.Minute
	// quiet is how long the hub must not have changed before its rows are counted:
	// counting takes CPU that is not to be taken from a pipeline that still moves.
	quiet = 300 * time.Millisecond
)

// catchUp measures how a pipeline, which is running and has nothing to do, moves rows
// that appear all at once: from the request that commits them in the cities until the
// hub's last stable offset has passed the last of them.
func (b *bench) catchUp(ctx context.Context, c contender, w workload, profiled bool) (r result, err error) {
	j, err := b.newJob(ctx, c)
	if err != nil {
		return r, err
	}
	f, err := prefilled(ctx, j, w)
	if err != nil {
		return r, err
	}
	defer f.cl.Close()
	p, err := c.start(ctx, j)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.kill(), b.clear(context.WithoutCancel(ctx), j)) }()
	hub := newHub(b.stack.cl, j.hub)
	if _, err := hub.await(ctx, p, warm, warmTimeout); err != nil {
		return r, fmt.Errorf("first rows: %w", err)
	}
	before, err := p.usage()
	if err != nil {
		return r, err
	}
	profile := func() error { return nil }
	if profiled && b.profile != "" && c.name == nameHefu {
		if profile, err = startProfile(ctx, b.profile, filepath.Join(j.dir, "data")); err != nil {
			return r, err
		}
	}
	began := time.Now()
	if err := f.appear(ctx); err != nil {
		return r, err
	}
	ended, err := hub.await(ctx, p, warm+w.rows, time.Hour)
	if err != nil {
		return r, err
	}
	after := hub.used
	millions := float64(w.rows) / 1e6
	return result{
		rowsPerSecond: float64(w.rows) / ended.Sub(began).Seconds(),
		cpuPerMillion: (after.cpu - before.cpu).Seconds() / millions,
		peak:          after.peak,
	}, profile()
}

// visible is the hub topic as a reader of committed rows sees it.
type visible struct {
	topic   string
	counter *counter
	used    usage // of the awaited process, when its last row was visible
}

// await waits until a number of rows is visible, and returns when the last of them
// became so. More rows than that are an error: somebody doubled some.
func (v *visible) await(ctx context.Context, p *process, rows int64, within time.Duration) (time.Time, error) {
	var stable int64
	changed := time.Now()
	err := eventually(ctx, within, func() (bool, error) {
		if err := p.running(); err != nil {
			return false, err
		}
		bounds, err := kafkaconn.Offsets(ctx, v.counter.cl, v.topic)
		if err != nil {
			return false, err
		}
		sum, open := int64(0), false
		for _, b := range bounds {
			sum += b.LSO
			open = open || b.LSO < b.HighWatermark
		}
		if sum != stable {
			stable, changed = sum, time.Now()
		}
		// Markers take offsets too, so that fewer offsets than rows are certainly too few.
		if sum < rows || open || time.Since(changed) < quiet {
			return false, nil
		}
		if v.used, err = p.usage(); err != nil {
			return false, err
		}
		n, err := v.counter.count(ctx, bounds)
		if err == nil && n > rows {
			err = fmt.Errorf("%d rows are in the hub, %d were sent", n, rows)
		}
		return n == rows, err
	})
	if err != nil {
		return changed, fmt.Errorf("wait for %d rows in %s, %d were seen: %w", rows, v.topic, v.counter.rows, err)
	}
	return changed, nil
}
