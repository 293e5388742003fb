package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

// point is a name in the code (package journal/crash), and what makes hefu come to it.
type point struct {
	name string
	once bool                                        // it is come to once in a life, or seldom
	pad  int                                         // bytes that each row gets meanwhile
	kick func(context.Context, *world, *child) error // nil: hefu comes to it by itself
}

// String is the name under which it is printed, and chosen with -only.
func (p point) String() string { return p.name }

// crashPoints are in the order in which a row meets them, then those of the journal's keeping
// and of the proof.
func crashPoints() []point {
	var all []point
	add := func(p point, names ...string) {
		for _, p.name = range names {
			all = append(all, p)
		}
	}
	add(point{once: true}, "started.append.before", "started.append.after", "ingest.opened.before", "ingest.opened.after")
	add(point{}, "ingest.append.before", "ingest.append.after")
	add(point{once: true}, "hub.opened.after", "hub.fenced.after")
	add(point{}, "hub.begun.before", "hub.begun.after", "hub.produce.after", "hub.flush.after",
		"hub.progress.after", "hub.commit.before", "hub.commit.after", "hub.outcome.before", "hub.outcome.after")
	add(point{once: true}, "doris.opened.after")
	add(point{}, "doris.begun.before", "doris.begun.after", "doris.load.after", "doris.prepared.before",
		"doris.prepared.after", "doris.commit.before", "doris.commit.after", "doris.outcome.before", "doris.outcome.after")
	add(point{}, "lineage.begun.before", "lineage.begun.after", "lineage.insert.after", "lineage.committed.before", "lineage.committed.after")
	add(point{}, "checkpoint.file.before", "checkpoint.file.after", "checkpoint.hub.after")
	add(point{once: true}, "checkpoint.control.after")
	add(point{}, "reconciled.append.before", "reconciled.append.after")
	add(point{once: true, kick: keepReport}, "report.save.before", "report.save.after")
	add(point{once: true, kick: reload}, "reload.configured.before", "reload.configured.after", "reload.sources.after")
	// A segment has at least 1 MiB: rows are made larger, or it takes long. That makes every
	// comparison longer: they are the last.
	add(point{pad: 300}, "archive.put.before", "archive.archived.before", "archive.archived.after",
		"archive.dropped.before", "archive.dropped.after", "archive.drop.after")
	return all
}

// points lets hefu kill itself at each point, several times, and compares after each point.
func points(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	out := &results{}
	for _, p := range crashPoints() {
		if !o.wants(p.name) {
			continue
		}
		if strings.HasPrefix(p.name, "lineage.") && w.noLineage != "" {
			fmt.Printf("SKIPPED: %s: %s\n", p.name, w.noLineage)
			continue
		}
		began := time.Now()
		x := result{name: p.name}
		w.feeder.pad.Store(int64(p.pad))
		for range o.hits {
			if err := w.hit(ctx, &p, r, &x); err != nil {
				return out, err
			}
		}
		w.feeder.pad.Store(0)
		if err := w.write(w.file, w.cfg); err != nil { // a reload has changed it
			return out, err
		}
		if err := w.catchUp(ctx, &x); err != nil {
			return out, err
		}
		out.rows = append(out.rows, x)
		fmt.Printf("%-24s hits %d lost %d doubled %d other %d stuck %d, %s %s\n", x.name, x.hits, x.lost, x.doubled, x.other, x.stuck,
			time.Since(began).Round(100*time.Millisecond), x.note)
	}
	return out, nil
}

// hit is one life that is to end at a point.
func (w *world) hit(ctx context.Context, p *point, r *rand.Rand, x *result) error {
	n := 1
	if !p.once {
		n += r.IntN(3)
	}
	c, err := w.start(ctx, w.file, w.cfg.DataDir, fmt.Sprintf("%s:%d", p.name, n))
	if err != nil {
		return err
	}
	defer c.kill()
	for late := time.Now().Add(time.Minute); !c.wait(ctx, 300*time.Millisecond) && time.Now().Before(late) && ctx.Err() == nil; {
		if p.kick == nil {
			continue
		}
		if err := p.kick(ctx, w, c); err != nil {
			return err
		}
	}
	if c.killed() {
		x.hits++
	} else {
		x.note = "did not come to the point: " + tail(c.log)
		x.stuck++
	}
	return nil
}

// reload takes the last city out of the file, or puts it back, and tells hefu, which has not
// read the file since it began with what it was.
func reload(ctx context.Context, w *world, c *child) error {
	if r, ok := c.report(ctx); !ok || len(r.Pipelines) == 0 {
		return nil // not yet
	}
	now := *w.cfg
	now.Pipelines = slices.Clone(now.Pipelines)
	p := &now.Pipelines[0]
	if w.without = !w.without; w.without {
		p.Sources = p.Sources[:len(p.Sources)-1]
	}
	if err := w.write(w.file, &now); err != nil {
		return err
	}
	c.post(ctx, "/v1/reload", status.ReloadRequest{Who: "torture", Why: "another city"})
	return nil
}

// keepReport asks for a report, of what came last, that is kept.
func keepReport(ctx context.Context, w *world, c *child) error {
	from := time.Now().Add(-5 * time.Second)
	c.post(ctx, "/v1/reconcile", reconcile.Ask{Pipeline: w.cfg.Pipelines[0].Name, From: &from, Keep: true})
	return nil
}
