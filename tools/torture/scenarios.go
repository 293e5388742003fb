package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hefu-io/hefu/services/devstack/realkafka"
	"github.com/hefu-io/hefu/services/status"
)

// kills ends hefu at random moments of its life.
func kills(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	x := result{name: "SIGKILL at random moments"}
	for i := range o.n {
		c, err := w.start(ctx, w.file, w.cfg.DataDir, "")
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, between(r, 50*time.Millisecond, 1500*time.Millisecond)); err != nil {
			return nil, err
		}
		if c.wait(ctx, 0) {
			x.note = "ended by itself: " + tail(c.log)
			x.stuck++
		}
		c.kill()
		x.hits++
		if i%10 == 9 {
			fmt.Printf("%d kills\n", x.hits)
		}
	}
	err := w.catchUp(ctx, &x)
	return &results{rows: []result{x}}, err
}

// brokerKills ends the real broker hard while hefu runs.
func brokerKills(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	x := result{name: "hard kill of the Kafka broker"}
	c, err := w.start(ctx, w.file, w.cfg.DataDir, "")
	if err != nil {
		return nil, err
	}
	for range o.n {
		rows := rowsInTable(ctx, c)
		if err := c.until(ctx, w.o.rounds, func(s status.Report) bool { return tableRows(s) > rows }); err != nil {
			x.stuck++
			x.note = err.Error()
			break
		}
		if err := pause(ctx, between(r, 100*time.Millisecond, 2*time.Second)); err != nil {
			return nil, err
		}
		if err := w.broker.Kill(); err != nil {
			return nil, err
		}
		if w.broker, err = realkafka.Start(ctx, w.realConfig()); err != nil {
			return nil, err
		}
		x.hits++
		fmt.Printf("broker killed %d times\n", x.hits)
	}
	c.kill()
	err = w.catchUp(ctx, &x)
	return &results{rows: []result{x}}, err
}

func rowsInTable(ctx context.Context, c *child) int64 {
	r, _ := c.report(ctx)
	return tableRows(r)
}

func tableRows(r status.Report) int64 { return rowsOf(r, "doris") }

// rowsOf are the rows that a kind of leg has carried in this life.
func rowsOf(r status.Report, leg string) int64 {
	var n int64
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			if l.Leg == leg {
				n += l.Rows
			}
		}
	}
	return n
}

// manyCommits is as many as any point or repair needs.
const manyCommits = 20

// commits holds once the hub leg was seen to have committed many times more. Rows do not tell: on a
// slow machine a single transaction has thousands.
func commits() func(status.Report) bool {
	seen, last := 0, int64(-1)
	return func(r status.Report) bool {
		if now := rowsOf(r, "hub"); now > last {
			seen, last = seen+1, now
		}
		return seen > manyCommits
	}
}
