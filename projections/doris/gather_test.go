package doris

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// gatherer is a leg that only gathers: it notes when which batch went.
type gatherer struct {
	l      *leg
	events chan arrival
	went   []string // seconds since the beginning, and rows
}

func newGatherer(c *Cadence, limits Limits) *gatherer {
	return &gatherer{
		l:      &leg{Doris: &Doris{cfg: Config{Cadence: c, Batch: limits.withDefaults()}, reporter: projections.NewReporter(domain.Stream{})}},
		events: make(chan arrival),
	}
}

// run gathers until the context ends; each load takes no time.
func (g *gatherer) run(ctx context.Context) {
	began := time.Now()
	for {
		b, err := g.l.gather(ctx, g.events)
		if err != nil {
			return
		}
		g.went = append(g.went, fmt.Sprintf("%g s: %d rows", time.Since(began).Seconds(), b.rows))
	}
}

// feed sends so many rows every so often, n times.
func (g *gatherer) feed(every time.Duration, rows int64, n int) {
	for range n {
		<-time.After(every)
		g.events <- arrival{ref: domain.Ref{Seq: 1}, commit: &domain.HubCommitted{Rows: rows}}
	}
}

// TestGather: what batches of one or two shards go when, with rows every second.
func TestGather(t *testing.T) {
	for name, c := range map[string]struct {
		interval time.Duration
		limits   Limits
		arrange  func(*Cadence)
		want     [][]string // by shard
	}{
		"age alone": {
			0,
			Limits{Age: 1500 * time.Millisecond},
			nil,
			[][]string{{"2.5 s: 2 rows", "4.5 s: 2 rows", "6.5 s: 2 rows", "8.5 s: 2 rows", "10.5 s: 2 rows"}},
		},
		"interval longer than age: a batch grows while it waits": {
			5 * time.Second,
			Limits{Age: 1500 * time.Millisecond},
			nil,
			[][]string{{"2.5 s: 2 rows", "7.5 s: 5 rows", "12.5 s: 3 rows"}},
		},
		"two shards take turns": {
			4 * time.Second,
			Limits{Age: 1500 * time.Millisecond},
			nil,
			[][]string{{"2.5 s: 2 rows", "10.5 s: 8 rows"}, {"6.5 s: 6 rows", "14.5 s: 4 rows"}},
		},
		"full ones do not wait, and move the turn": {
			4 * time.Second,
			Limits{Age: 2500 * time.Millisecond, Rows: 3},
			nil,
			[][]string{{"3 s: 3 rows", "6 s: 3 rows", "9 s: 3 rows", "13 s: 1 rows"}},
		},
		"slowed: full ones wait and take no more": {
			0,
			Limits{Age: 2500 * time.Millisecond, Rows: 3},
			func(c *Cadence) {
				c.slow()
				c.slow()
				<-time.After(time.Second)
				c.slow()
				<-time.After(2 * time.Second)
				c.slow()
			},
			[][]string{{"4 s: 3 rows", "8 s: 3 rows", "12 s: 3 rows", "16 s: 1 rows"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cadence := NewCadence(c.interval)
				if c.arrange != nil {
					c.arrange(cadence)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var wg, fed sync.WaitGroup
				var all []*gatherer
				for i := range c.want {
					g := newGatherer(cadence, c.limits)
					all = append(all, g)
					wg.Go(func() { g.run(ctx) })
					fed.Go(func() {
						<-time.After(time.Duration(i) * time.Millisecond) // the first one asks first
						g.feed(time.Second, 1, 10)
					})
				}
				fed.Wait()
				time.Sleep(time.Minute)
				cancel()
				wg.Wait()
				for i, g := range all {
					if !slices.Equal(g.went, c.want[i]) {
						t.Errorf("shard %d: %q, want %q", i, g.went, c.want[i])
					}
					if s := g.l.reporter.Status(); s.Waiting != "" {
						t.Errorf("shard %d still says that it waits for %s", i, s.Waiting)
					}
				}
				if len(cadence.waiting) > 0 {
					t.Error("a turn was not given back")
				}
			})
		})
	}
}

// TestGatherSays: while a batch waits the status says for what, and a leg that is told to
// stop gives its turn back.
func TestGatherSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cadence := NewCadence(time.Minute)
		<-cadence.join(false).ready
		g := newGatherer(cadence, Limits{Age: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { g.run(ctx) })
		g.feed(time.Second, 1, 1)
		time.Sleep(10 * time.Second)
		if got, want := g.l.reporter.Status().Waiting, "one load that is not full in 1m0s"; got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
		cancel()
		wg.Wait()
		if len(cadence.waiting) > 0 || cadence.timer != nil {
			t.Error("the turn was not given back")
		}
	})
}
