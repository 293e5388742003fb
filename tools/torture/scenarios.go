package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hefu-io/hefu/services/devstack/realkafka"
	"github.com/hefu-io/hefu/services/status"
)

// crashPoints are the names in the code (package journal/crash), in the order in which
// a row meets them.
func crashPoints() []string {
	return []string{
		"started.append.before", "started.append.after",
		"ingest.opened.before", "ingest.opened.after", "ingest.append.before", "ingest.append.after",
		"hub.opened.after", "hub.fenced.after", "hub.begun.before", "hub.begun.after", "hub.produce.after", "hub.flush.after",
		"hub.progress.after", "hub.commit.before", "hub.commit.after", "hub.outcome.before", "hub.outcome.after",
		"doris.opened.after", "doris.begun.before", "doris.begun.after", "doris.load.after", "doris.prepared.before",
		"doris.prepared.after", "doris.commit.before", "doris.commit.after", "doris.outcome.before", "doris.outcome.after",
	}
}

// points lets hefu kill itself at each point, several times, and compares after each
// point.
func points(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	out := &results{}
	for _, p := range crashPoints() {
		if !strings.HasPrefix(p, o.only) {
			continue
		}
		x := result{name: p}
		for range o.hits {
			n := 1
			if !strings.Contains(p, "opened") && !strings.Contains(p, "started") && !strings.Contains(p, "fenced") {
				n += r.IntN(3)
			}
			c, err := w.start(ctx, w.file, w.cfg.DataDir, fmt.Sprintf("%s:%d", p, n))
			if err != nil {
				return out, err
			}
			if c.wait(ctx, time.Minute) && c.exitCode() == -1 {
				x.hits++
			} else {
				x.note = "did not come to the point: " + tail(c.log)
				x.stuck++
			}
			c.kill()
		}
		if err := w.catchUp(ctx, &x); err != nil {
			return out, err
		}
		out.rows = append(out.rows, x)
		fmt.Printf("%-24s hits %d lost %d doubled %d other %d stuck %d %s\n", x.name, x.hits, x.lost, x.doubled, x.other, x.stuck, x.note)
	}
	return out, nil
}

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

func tableRows(r status.Report) int64 {
	var n int64
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			if l.Leg == "doris" {
				n += l.Rows
			}
		}
	}
	return n
}
