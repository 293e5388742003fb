package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// replayPoint is a crash point of a replay into a kind of target. nth is how often hefu comes to
// it until then, nothing else being carried: the live legs have come by once where they open.
type replayPoint struct {
	target domain.PlanTarget
	name   string
	nth    int
}

// String is the name under which it is printed, and chosen with -only.
func (p replayPoint) String() string {
	text := "replay/" + string(p.target.Kind)
	if p.target.Mode != domain.ModeShadow && p.target.Mode != "" {
		text += "/" + string(p.target.Mode)
	}
	if text += "/" + p.name; p.nth > 1 {
		text += fmt.Sprintf(":%d", p.nth)
	}
	return text
}

// replayPoints are in the order in which a replay meets them.
func replayPoints() []replayPoint {
	var all []replayPoint
	add := func(kind domain.TargetKind, mode domain.TargetMode, nth int, names ...string) {
		for _, name := range names {
			all = append(all, replayPoint{domain.PlanTarget{Kind: kind, Mode: mode}, name, nth})
		}
	}
	add(domain.TargetTable, domain.ModeShadow, 1, "replay.planned.before", "replay.planned.after", "replay.decided.before", "replay.decided.after", "doris.shadow.made")
	add(domain.TargetTable, domain.ModeShadow, 2, "doris.opened.after")
	add(domain.TargetTable, domain.ModeShadow, 1, "doris.begun.before", "doris.begun.after", "doris.load.after", "doris.prepared.before",
		"doris.prepared.after", "doris.commit.before", "doris.commit.after", "doris.outcome.before", "doris.outcome.after",
		"replay.moved.before", "replay.moved.after", "report.save.before", "report.save.after")
	add(domain.TargetTable, domain.ModeShadow, 2, "replay.moved.before", "replay.moved.after")
	add(domain.TargetTable, domain.ModeFillMissing, 1, "doris.begun.after", "doris.prepared.after", "doris.commit.after")
	add(domain.TargetTable, domain.ModeDeleteDuplicates, 1, "doris.delete.before", "doris.delete.after")
	add(domain.TargetTopic, domain.ModeShadow, 1, "hub.shadow.claimed", "hub.shadow.made")
	add(domain.TargetTopic, domain.ModeShadow, 2, "hub.opened.after", "hub.fenced.after")
	add(domain.TargetTopic, domain.ModeShadow, 1, "hub.begun.before", "hub.begun.after", "hub.produce.after", "hub.flush.after",
		"hub.progress.after", "hub.commit.before", "hub.commit.after", "hub.outcome.before", "hub.outcome.after")
	add(domain.TargetFile, "", 1, "file.begun.before", "file.begun.after", "file.sync.before", "file.cursor.before", "file.cursor.after",
		"file.rename.before", "file.rename.after", "file.outcome.after")
	return all
}

// replaying hits the points of replays. Nothing is fed meanwhile, so that what is carried is theirs.
type replaying struct {
	w     *world
	scope domain.PlanScope
	plans int // so far: each has a target of its own
}

// replays lets hefu kill itself at each point of a replay, and demands that the next one brings
// the replay to its end, verified.
func replays(ctx context.Context, w *world, o options, _ *rand.Rand) (*results, error) {
	from := domain.Micros(time.Now().UnixMicro())
	r, out := &replaying{w: w, scope: domain.PlanScope{From: &from}}, &results{}
	if err := r.rowsToReplay(ctx); err != nil {
		return out, err
	}
	w.feeder.pausing.Lock()
	defer w.feeder.pausing.Unlock()
	// Rows are taken out of the live table and put in: nobody is to look while they are.
	w.cfg.Pipelines[0].Reconcile.Interval = 0
	if err := w.write(w.file, w.cfg); err != nil {
		return out, err
	}
	for _, p := range replayPoints() {
		if !o.wants(p.String()) {
			continue
		}
		began, x := time.Now(), result{name: p.String()}
		for range o.hits {
			if err := r.hit(ctx, p, &x); err != nil {
				return out, err
			}
		}
		out.rows = append(out.rows, x)
		fmt.Printf("%-40s hits %d other %d stuck %d, %s %s\n", x.name, x.hits, x.other, x.stuck, time.Since(began).Round(100*time.Millisecond), x.note)
	}
	if err := r.hitStops(ctx, o, out); err != nil {
		return out, err
	}
	x := result{name: "replay/and everything is whole"}
	books, err := w.books(ctx)
	if err == nil {
		err = w.compare(ctx, books, &x)
	}
	out.rows = append(out.rows, x)
	return out, err
}
