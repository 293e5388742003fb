package doris_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

const live = database + "." + tableName

// cluster is the connection of a service.
func (w *world) cluster() *dorisconn.Cluster {
	w.t.Helper()
	c, err := dorisconn.Open(w.cfg.Conn)
	must(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

// last is the last event of a stream.
func (w *world) last(leg domain.Leg) domain.Ref {
	w.t.Helper()
	e, err := w.j.Tail(w.ctx, w.streamOf(leg))
	must(w.t, err)
	return e.Ref()
}

// input is the leg that a lane is of.
func (w *world) input() domain.Leg {
	if w.cfg.Pipeline.Direct {
		return domain.LegIngest
	}
	return domain.LegHub
}

// plan is one more plan of the shard, over all that its hub stream holds.
func (w *world) plan(mode domain.TargetMode, rows domain.Selection) *projections.Replay {
	w.t.Helper()
	w.made++
	p := &domain.Plan{Pipeline: pipeline, Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: mode, Name: live}, Rows: rows}
	binary.BigEndian.PutUint32(p.ID[:], uint32(w.made)) //nolint:gosec // few
	if mode == domain.ModeShadow {
		p.Target.Name = fmt.Sprintf("%s_%d", live, w.made)
		must(w.t, doris.MakeShadow(w.ctx, w.cluster(), live, p.Target.Name, p.ID))
	}
	lane := domain.PlanLane{Shard: 1, First: 1, Last: w.last(w.input())}
	return &projections.Replay{Plan: p, Lane: lane, Pace: projections.NewPace(domain.PlanLimits{})}
}

// becomes makes the world's leg that of a replay, nil for the live one.
func (w *world) becomes(r *projections.Replay) {
	w.cfg.Replay, w.cfg.Table, w.cfg.Cadence = r, tableName, nil
	if r != nil {
		w.cfg.Table = r.Plan.Target.Name[len(database)+1:]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watched = w.Stream()
}

// ends waits for the process of a replay to come to its end.
func (p *process) ends() {
	p.w.t.Helper()
	select {
	case err := <-p.done:
		must(p.w.t, err)
	case <-p.w.ctx.Done():
		s := p.reporter.Status()
		p.w.t.Fatalf("replay does not end; leg is %s: %s", s.State, s.Error)
	}
}

// replayed runs a plan to its end, and holds that against the journal.
func (w *world) replayed(r *projections.Replay) {
	w.t.Helper()
	w.becomes(r)
	w.start().ends()
	w.isDone()
}

// isDone demands that a plan is carried, and that one more process finds nothing to do.
func (w *world) isDone() {
	w.t.Helper()
	before := w.kinds()
	d, _ := w.leg()
	leg, err := d.Open(w.ctx)
	must(w.t, err)
	defer leg.Close()
	done := leg.(interface{ Done() bool }).Done()
	if last := w.cfg.Replay.Lane.Last; leg.Cursor() != last || !done {
		w.t.Errorf("the replay came to %s, its lane ends at %s (done: %t)", leg.Cursor(), last, done)
	}
	must(w.t, leg.Run(w.ctx))
	if after := w.kinds(); len(after) != len(before) {
		w.t.Errorf("a replay that is done goes on with %v", after[len(before):])
	}
}

// holds compares the table with rows.
func (w *world) holds(want []string) {
	w.t.Helper()
	got, want := w.table(), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("table %s: %s", w.cfg.Table, d)
	}
}

// fed is a world whose live leg has carried some batches, of five rows each.
func fed(t *testing.T, model string, batches int) *world {
	w := newWorld(t, model)
	w.opened()
	for range batches {
		w.Feed()
	}
	p := w.start()
	p.until(w.last(domain.LegHub))
	p.stop()
	w.cfg.Batch.Rows = 5
	return w
}

// lane is a World of a shadow replay whose end never comes: the contract is the same.
type lane struct{ *world }

// TestReplayContract: a replay keeps the contract of every projection.
func TestReplayContract(t *testing.T) {
	testContract(t, func(t *testing.T) *lane {
		w := newWorld(t, duplicate)
		w.opened()
		w.Feed()
		r := w.plan(domain.ModeShadow, domain.Selection{})
		r.Lane.Last.Seq, r.Lane.Last.Hash = 1<<40, domain.Hash{1}
		w.becomes(r)
		return &lane{w}
	})
}

// dies runs the leg of the world until a context ends, and whatever becomes of it.
func (w *world) dies(ctx context.Context) {
	w.t.Helper()
	d, _ := w.leg()
	leg, err := d.Open(ctx)
	if err != nil {
		return
	}
	defer leg.Close()
	_ = leg.Run(ctx)
}

// atAppend is called before the nth append to the leg's stream from now on.
func (w *world) atAppend(nth int, do func() journal.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nth, w.count, w.atNth = nth, 0, do
}

// seen is how many appends there were since atAppend.
func (w *world) seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}
