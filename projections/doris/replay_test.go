package doris_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/projectiontest"
)

func testContract(t *testing.T, newLane func(t *testing.T) *lane) {
	projectiontest.Run(t, func(t *testing.T) projectiontest.World { return newLane(t) })
}

// TestReplayEnds: a lane is read from its first event to its last one, both included, and its
// end is on record also where it has no rows.
func TestReplayEnds(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	first := w.Feed()
	from := len(w.want)
	second := w.Feed()
	to := len(w.want)
	w.aborts()
	empty := w.last(domain.LegHub)
	w.Feed()

	none := w.plan(domain.ModeShadow, domain.Selection{Hub: []domain.HubSpan{{Partition: 1, Span: domain.Span{First: 1000, Next: 1001}}}})
	w.replayed(none)
	w.holds(nil)
	if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, committed}) {
		t.Errorf("a replay of no row left %v", got)
	}
	if c := events[*domain.DorisCommitted](w)[0]; c.How != "nothing to load" || c.Cursor != none.Lane.Last {
		t.Errorf("committed: %+v", c)
	}

	middle := w.plan(domain.ModeShadow, domain.Selection{})
	middle.Lane.First, middle.Lane.Last = first.Seq+1, second
	w.replayed(middle)
	w.holds(w.want[from:to])

	tail := w.plan(domain.ModeShadow, domain.Selection{})
	tail.Lane.First, tail.Lane.Last = second.Seq, empty
	w.cfg.Batch.Rows = 1
	w.replayed(tail)
	w.holds(w.want[from:to])
	if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, prepared, committed, begun, committed}) {
		t.Errorf("a replay whose last events have no rows left %v", got)
	}

	nothing := w.plan(domain.ModeShadow, domain.Selection{})
	nothing.Lane.First, nothing.Lane.Last = 5, domain.Ref{}
	w.replayed(nothing)
	w.holds(nil)
}

// aborts appends a hub transaction that was not committed.
func (w *world) aborts() {
	w.t.Helper()
	begun, err := w.hub.Append(w.ctx, &domain.HubBegun{Owned: w.hub.Owned(), Trail: w.hub.Trail()})
	must(w.t, err)
	_, err = w.hub.Append(w.ctx, &domain.HubAborted{Owned: w.hub.Owned(), Trail: w.hub.Trail(), Begun: begun, Why: "test"})
	must(w.t, err)
}

// TestReplayTwice: two runs of the same rows give identical tables, whatever else differs, and
// a selection gives just its rows.
func TestReplayTwice(t *testing.T) {
	w := fed(t, unique, 4)
	for _, rows := range []int{1, 7, 1000} {
		w.cfg.Batch.Rows = rows
		w.replayed(w.plan(domain.ModeShadow, domain.Selection{}))
		w.holds(w.want)
	}
	w.replayed(w.plan(domain.ModeShadow, domain.Selection{
		Cities: []domain.CitySpan{{Source: "nanjing", Partition: 0, Span: domain.Span{First: 2, Next: 8}}},
	}))
	var some []string
	for _, row := range w.want {
		for o := 2; o < 8; o++ {
			if strings.Contains(row, fmt.Sprintf("nanjing/0/%d\\", o)) {
				some = append(some, row)
			}
		}
	}
	if len(some) != 6 {
		t.Fatalf("the test means %d rows", len(some))
	}
	w.holds(some)
}

// runKilled runs plans that die at each of their appends, before and after it, and are taken
// up again: the outcome is the one of a plan that lives. undo takes away what a plan did.
func runKilled(t *testing.T, w *world, plan func() *projections.Replay, check, undo func()) {
	w.becomes(plan())
	w.atAppend(1<<30, nil)
	w.start().ends()
	appends := w.seen()
	check()
	undo()
	if appends < 10 {
		t.Fatalf("only %d appends", appends)
	}
	for at := 1; at <= appends; at++ {
		for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
			w.becomes(plan())
			ctx, die := context.WithCancel(w.ctx)
			w.atAppend(at, func() journal.Fault { die(); return fault })
			w.dies(ctx)
			die()
			w.atAppend(1<<30, nil)
			w.start().ends()
			w.isDone()
			check()
			undo()
			if t.Failed() {
				t.Fatalf("killed at append %d, fault %d: %v", at, fault, w.kinds())
			}
		}
	}
}

// TestReplayKilled: a shadow replay that is killed at any of its appends and taken up again
// gives the same table.
func TestReplayKilled(t *testing.T) {
	w := fed(t, duplicate, 3)
	runKilled(t, w, func() *projections.Replay { return w.plan(domain.ModeShadow, domain.Selection{}) },
		func() { w.holds(w.want) }, func() {})
}

// TestReplayWire: each write of a replay fails in each way.
func TestReplayWire(t *testing.T) {
	w := fed(t, duplicate, 2)
	for _, site := range []string{"load", "commit"} {
		for _, f := range []fate{redirect, lost, unheard, twice} {
			w.wire.arm(site, f)
			w.replayed(w.plan(domain.ModeShadow, domain.Selection{}))
			w.holds(w.want)
			if !w.wire.used(site) {
				t.Errorf("fault %d at %s never came", f, site)
			}
		}
	}
}

// TestReplayRefuses: what a plan cannot mean is refused in words.
func TestReplayRefuses(t *testing.T) {
	w := fed(t, duplicate, 2)
	at := w.last(domain.LegHub)
	w.Feed()
	for name, c := range map[string]struct {
		mode   domain.TargetMode
		change func(r *projections.Replay)
		says   string
	}{
		"beyond the live leg": {domain.ModeFillMissing, func(*projections.Replay) {}, "and the live leg has come to " + at.String()},
		"another's table": {domain.ModeShadow, func(r *projections.Replay) {
			r.Plan.Target.Name = live
		}, `has the comment "OLAP", the shadow table of replay`},
		"another mode":  {domain.ModeShadow, func(r *projections.Replay) { r.Plan.Target.Mode = domain.ModeDeleteDuplicates }, `a table in mode "delete-duplicates"`},
		"another shard": {domain.ModeShadow, func(r *projections.Replay) { r.Lane.Shard = 0 }, "its lane is of shard 0"},
		"another input": {domain.ModeShadow, func(r *projections.Replay) { r.Lane.Last = w.last(domain.LegIngest) }, "is no part of p.1.hub"},
		"another past": {domain.ModeShadow, func(r *projections.Replay) {
			r.Lane.Last.Hash[0] ^= 1
		}, "the plan says"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			r := w.plan(c.mode, domain.Selection{})
			c.change(r)
			w.becomes(r)
			err := w.tries()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error: %v, want %q", err, c.says)
			}
			var refusal *projections.Refusal
			if strings.Contains(name, "live") && !errors.As(err, &refusal) {
				t.Errorf("it is %T", err)
			}
		})
	}
}

// tries runs a leg once and gives the error of whatever fails.
func (w *world) tries() error {
	d, err := w.newLeg(projections.NewReporter(w.Stream()))
	if err != nil {
		return err
	}
	leg, err := d.Open(w.ctx)
	if err != nil {
		return err
	}
	defer leg.Close()
	return leg.Run(w.ctx)
}

// TestReplayShadowNotAlone: rows of somebody else in a shadow table, and rows that are gone
// from it, are an incident, and over once they are put right.
func TestReplayShadowNotAlone(t *testing.T) {
	w := fed(t, duplicate, 2)
	r := w.plan(domain.ModeShadow, domain.Selection{})
	w.becomes(r)
	shadow := database + "." + w.cfg.Table
	w.insert(3, 7, "other", 0, 0)
	p := w.start()
	s := p.reaches(projections.StateIncident)
	if !contains(s.Error, string(domain.IncidentDorisAhead), "hub partition 3: last row at 7, the replay loaded up to 0; rows: 1 of this shard's, the replay loaded 0") {
		t.Errorf("incident: %s", s.Error)
	}
	w.exec("DELETE FROM " + shadow + " WHERE sscsdm = 'other'")
	w.resolve(s.Incident, domain.ChoiceRetry)
	p.ends()
	w.holds(w.want)
	w.exec("DELETE FROM " + shadow + " WHERE hw_partition_id = 1 AND hw_offset_id = 1")
	p = w.start()
	s = p.reaches(projections.StateIncident)
	if !contains(s.Error, fmt.Sprintf("rows: %d of this shard's, the replay loaded %d", len(w.want)-1, len(w.want))) {
		t.Errorf("incident: %s", s.Error)
	}
	p.cancel()
	must(t, <-p.done)
}

// TestReplayPace: rows come as fast as the pace says, and a change of it is felt by what waits
// already.
func TestReplayPace(t *testing.T) {
	w := fed(t, duplicate, 2)
	r := w.plan(domain.ModeShadow, domain.Selection{})
	r.Pace.Set(domain.PlanLimits{Rows: 1, Bytes: 1})
	w.becomes(r)
	p := w.start()
	p.reaches(projections.StateRunning)
	if s := p.reporter.Status(); s.Rows != 0 || len(w.kinds()) > 0 {
		t.Errorf("status %+v, stream %v", s, w.kinds())
	}
	r.Pace.Set(domain.PlanLimits{})
	p.ends()
	w.holds(w.want)
}

// TestReplayOrphans: a replay looks after its own loads, and the live leg not after them.
func TestReplayOrphans(t *testing.T) {
	w := fed(t, duplicate, 1)
	one, other := w.plan(domain.ModeShadow, domain.Selection{}), w.plan(domain.ModeShadow, domain.Selection{})
	w.becomes(other)
	theirs := w.begins(w.history(domain.LegHub)[0].Ref(), other.Lane.Last)
	w.becomes(one)
	ours := w.begins(w.history(domain.LegHub)[0].Ref(), one.Lane.Last)
	p := w.start() // settles ours as aborted
	p.ends()
	for _, h := range []*byHand{ours, theirs} {
		h.loads(strings.NewReader(w.lines())) // late
	}
	d, reporter := w.leg()
	d.Look(w.ctx, database)
	if o := reporter.Status().Orphans; o == nil || o.Aborted != 1 || len(o.Found) != 1 || o.Found[0].Label != ours.label {
		t.Errorf("orphans of the replay: %+v", o)
	}
	ours.loads(strings.NewReader(w.lines()))
	w.becomes(nil)
	d, reporter = w.leg()
	d.Look(w.ctx, database)
	if o := reporter.Status().Orphans; o == nil || o.Unchecked != "" || len(o.Found) != 0 || o.Aborted != 0 {
		t.Errorf("orphans of the live leg: %+v", o)
	}
	for _, h := range []*byHand{ours, theirs} {
		if got := w.state(h.label); got != "PRECOMMITTED" {
			t.Errorf("%s is %s", h.label, got)
		}
		if parts, is := domain.ParseLabel(h.label); !is || parts.Stream.Leg == domain.LegDoris {
			t.Errorf("%s is taken for a live leg's: %+v", h.label, parts)
		}
	}
}

// TestReplayDirect: a replay of a pipeline whose source is the hub topic takes a part of a
// batch that does not decode, and lists it.
func TestReplayDirect(t *testing.T) {
	w := newDirectWorld(t, duplicate)
	part := hubRecords(w, 3, 9)
	part.skip = nil
	part.batches = [][]byte{recordBatch(0, records(part.records[:2])...), undecodable(2, 4), recordBatch(6, records(part.records[6:])...)}
	for i := 2; i < 6; i++ {
		part.records[i].row = ""
	}
	w.feedHub(part)
	span := domain.Span{First: 1, Next: 4}
	for _, of := range []domain.Selection{
		{Hub: []domain.HubSpan{{Partition: 3, Span: span}}}, {Cities: []domain.CitySpan{{Source: "hub", Partition: 3, Span: span}}},
	} {
		w.replayed(w.plan(domain.ModeShadow, of))
		w.holds(w.want[1:2])
		x := events[*domain.DorisBegun](w)[1].Excluded
		if len(x) != 1 || x[0].Ordinal != 2 || x[0].Count != 2 || x[0].Offset != 2 || x[0].Reason != domain.ExcludedUndecodable {
			t.Errorf("excluded: %+v", x)
		}
		w.becomes(nil)
	}
}
