package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

// liveIntervals are those between two looks of the service that are measured, beside never.
func liveIntervals() []time.Duration { return []time.Duration{10 * time.Second, time.Minute} }

// share is what a pipeline of some interval did while rows came at a steady rate.
type share struct {
	interval   time.Duration // 0: it never looks
	during     time.Duration
	cpu        time.Duration
	peak       int64
	hub, table int64 // rows that came there
	looks      int64
	compared   int64 // rows of the table
}

// beside runs pipelines at the same time, all of the same cities, and measures what each of
// them takes: what differs is what the looks take, on the same machine in the same minutes.
func (w *proofWorld) beside(ctx context.Context, intervals []time.Duration) (out []share, err error) {
	feed := fmt.Sprintf("live%d", time.Now().UnixMilli()) // a directory may be used again
	if err := w.makeCities(ctx, feed); err != nil {
		return nil, err
	}
	cl, err := w.producer(0)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var all []*livePipeline
	defer func() {
		for _, l := range all {
			err = errors.Join(err, l.kill())
		}
	}()
	for _, interval := range intervals {
		name := feed + "x" + strconv.Itoa(int(interval.Seconds())) // also of the table
		if err := w.makePlace(ctx, name); err != nil {
			return nil, err
		}
		file, err := w.config(feed, name, interval, false)
		if err != nil {
			return nil, err
		}
		p, err := start(filepath.Dir(file), nameHefu, string(w.binary), "run", "-c", file)
		if err != nil {
			return nil, err
		}
		all = append(all, &livePipeline{process: p, dir: filepath.Dir(file), share: share{interval: interval}})
	}
	inner, cancel := context.WithCancel(ctx)
	var failed atomic.Value
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = w.steady(inner, cl, feed, func(err error) { failed.CompareAndSwap(nil, err) }) })
	fmt.Fprintf(os.Stderr, "%d rows/s for %s to %d pipelines\n", w.rate, w.live, len(all))
	// Into the middle between two looks of the slowest: as many of them are in what follows as
	// the interval has room for.
	if err := sleepFor(ctx, w.settle); err != nil {
		return nil, err
	}
	before, began := make([]share, len(all)), time.Now()
	for i, l := range all {
		if before[i], err = l.now(ctx); err != nil {
			return nil, err
		}
	}
	if err := sleepFor(ctx, w.live); err != nil {
		return nil, err
	}
	for i, l := range all {
		s, err := l.now(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, s.since(before[i], time.Since(began)))
	}
	if err, _ := failed.Load().(error); err != nil {
		return nil, fmt.Errorf("feed the cities: %w", err)
	}
	return out, nil
}

// livePipeline is one of several that run beside each other.
type livePipeline struct {
	*process
	dir   string
	share // what it is
}

// now is what the pipeline did so far. A look that failed, or found something, is an error:
// it must not pass for one that cost little.
func (l *livePipeline) now(ctx context.Context) (share, error) {
	s := l.share
	if err := l.running(); err != nil {
		return s, err
	}
	u, err := l.usage()
	if err != nil {
		return s, err
	}
	s.cpu, s.peak = u.cpu, u.peak
	address, err := os.ReadFile(filepath.Join(l.dir, "data", status.AddressFile))
	if err != nil {
		return s, err
	}
	base := "http://" + strings.TrimSpace(string(address)) + "/v1/"
	var moved status.Report
	var proved []reconcile.State
	if err := errors.Join(getJSON(ctx, base+"status", &moved), getJSON(ctx, base+"proof", &proved)); err != nil {
		return s, err
	}
	for _, leg := range moved.Pipelines[0].Legs {
		if leg.Leg == string(domain.LegHub) {
			s.hub = leg.Rows
		}
		if leg.Leg == string(domain.LegDoris) {
			s.table = leg.Rows
		}
	}
	for _, p := range proved {
		if p.Failed > 0 || len(p.Findings) > 0 {
			return s, fmt.Errorf("looks of pipeline %s: %d failed (%s), findings %v", p.Pipeline, p.Failed, p.Error, p.Findings)
		}
		s.looks, s.compared = p.Looks, p.Rows[domain.ProofHubDoris]
	}
	return s, nil
}

// since is what was done after another time.
func (s share) since(before share, during time.Duration) share {
	s.during = during
	s.cpu -= before.cpu
	s.hub, s.table = s.hub-before.hub, s.table-before.table
	s.looks, s.compared = s.looks-before.looks, s.compared-before.compared
	return s
}

func getJSON(ctx context.Context, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// steady writes rows at the rate until the context ends, and says how many it was.
func (w *proofWorld) steady(ctx context.Context, cl *kgo.Client, feed string, failed func(error)) int64 {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	began, number := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return number
		case <-tick.C:
		}
		due := int64(time.Since(began).Seconds() * float64(w.rate))
		w.send(context.WithoutCancel(ctx), cl, feed, number, due-number, func(err error) {
			if err != nil {
				failed(err)
			}
		})
		number = due
	}
}
