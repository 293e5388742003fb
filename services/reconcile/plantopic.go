package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// topicProof holds the journal's word of a plan's rows against a topic, in whose partitions they
// stand in the same order, and nobody else's beside them: in a shadow topic at offsets of its own,
// in the live one at those that the plan names.
type topicProof struct {
	g      *ground
	name   string
	live   bool        // it is the hub itself, whose places are compared
	c      *comparison // what is common to all targets: the words of rows, and their names
	hub    *target.Hub
	mask   proof.Mask
	tracks map[int32]*track
	got    *proven

	altered map[int32]domain.Spans // places of the hub, of rows that are to be named
	topicAt []inTopic              // and where the topic has what stands for them
	named   int64
	early   map[rowID]bool // rows that stand before their place
	expired int64          // rows that retention has taken away again
}

// track is one partition while it is gone through.
type track struct {
	h     int32
	left  []topicRow    // of the window, as the journal has them
	right []topicRow    // read, and not compared yet
	begin int64         // of a live topic: what retention has left begins here
	at    int64         // the next offset to read
	end   int64         // the last stable one
	rows  int64         // of the journal, before left
	ours  map[rowID]int // those of the window before
}

// topicRow is a row as far as it is held.
type topicRow struct {
	id     rowID
	offset int64 // in its topic
	digest int64
	short  int64      // of the topic: the digest without the record
	mask   proof.Mask // of the journal: the columns of digest
}

// rowID is which row of which city a row says to be.
type rowID struct {
	city              domain.City
	partition, offset int64
}

// ahead is how many rows more than the window has are looked at, for one that stands further on.
const ahead = 1024

// proveTopic compares a topic with the plan: a shadow as a whole, of the live one the places that
// the plan fills, of which each partition has one run.
func (g *ground) proveTopic(ctx context.Context, plan *domain.Plan) (*proven, error) {
	of := g.p.Hub
	of.Topic = plan.Target.Name
	hub, err := target.OpenHub(ctx, of, g.format, int64(g.p.Reconcile.KafkaBytes))
	if err != nil {
		return nil, err
	}
	defer hub.Close()
	t := &topicProof{
		g: g, name: of.Topic, hub: hub, tracks: map[int32]*track{}, altered: map[int32]domain.Spans{}, early: map[rowID]bool{},
		mask: g.mask() & g.format.Mask(), live: plan.Target.Mode == domain.ModeFillMissing,
	}
	if !t.live {
		t.mask &^= proof.MaskOf(proof.HubOffset)
	}
	t.c = g.begin(nil, plan.Lanes, plan.Rows)
	t.c.mask = t.mask
	t.got = &proven{mask: t.mask, depth: "content"}
	if t.got.evidence, err = hub.Positions(ctx); err != nil {
		return nil, err
	}
	for i := range t.got.evidence {
		at := &t.got.evidence[i]
		at.Witness = "topic"
		if !t.live {
			t.tracks[at.Partition] = &track{h: at.Partition, end: at.LastStable}
			continue
		}
		for _, s := range plan.Rows.HubSpans(at.Partition) {
			// Up to the high watermark: rows that somebody's open transaction hides are not lost, they cannot
			// be read yet.
			t.tracks[at.Partition] = &track{h: at.Partition, begin: at.LogStart, at: max(s.First, at.LogStart), end: min(at.HighWater, s.Next)}
		}
	}
	if err := t.pass(ctx, plan); err != nil {
		return nil, err
	}
	held, err := t.hold(ctx)
	if err != nil {
		return nil, err
	}
	list, more, err := t.c.nameRows(ctx, t.altered, held)
	if err != nil {
		return nil, err
	}
	t.got.found = append(t.got.found, list...)
	t.got.found = append(t.got.found, t.c.broken.list...)
	t.got.more += more + t.c.broken.more
	t.got.unchecked = t.c.notCompared("topic", t.got.rows)
	if t.expired > 0 {
		t.got.unchecked = append(t.got.unchecked, report.Unchecked{
			Where: "topic", Rows: t.expired, Why: "the topic's retention has deleted them again, since they have the time that they had",
		})
	}
	for _, name := range g.format.Others() {
		if t.got.rows > 0 {
			t.got.unchecked = append(t.got.unchecked, report.Unchecked{Where: "topic", Column: name, Rows: t.got.rows, Why: "it is written in a form that the reconciler does not know"})
		}
	}
	return t.got, nil
}

// pass goes through the journal, and the topic beside it.
func (t *topicProof) pass(ctx context.Context, plan *domain.Plan) error {
	for _, l := range plan.Lanes {
		t.g.say("reading the journal's word of " + l.Last.Stream.String())
		err := t.g.in.Planned(ctx, l, plan.Rows, t.c.broken.add, func(e *origin.Expected, taken bool) error {
			if !taken || e.Hub.Offset < 0 {
				return nil
			}
			return t.expect(ctx, e)
		})
		if err != nil {
			return err
		}
	}
	for _, h := range slices.Sorted(maps.Keys(t.tracks)) {
		if err := t.finish(ctx, t.tracks[h]); err != nil {
			return err
		}
	}
	return nil
}

// expect takes in a row that the topic must have.
func (t *topicProof) expect(ctx context.Context, e *origin.Expected) error {
	at := t.tracks[e.Hub.Partition]
	if at == nil {
		return fmt.Errorf("the journal has rows in hub partition %d, which topic %s does not have", e.Hub.Partition, t.name)
	}
	if e.Hub.Offset < at.begin {
		t.expired++
		return nil
	}
	row, unread := t.c.rowOf(e)
	part, offset := t.c.cityOf(e, row)
	if unread&t.mask != 0 {
		t.c.unread[e.Why]++
	}
	at.left = append(at.left, topicRow{
		id: rowID{part.city, part.partition, offset}, offset: e.Hub.Offset, digest: proof.Digest(row, t.mask&^unread), mask: t.mask &^ unread,
	})
	if len(at.left) == domain.WindowSize {
		return t.window(ctx, at)
	}
	return nil
}

// finish compares what is left of a partition, and names what the topic has beyond it.
func (t *topicProof) finish(ctx context.Context, at *track) error {
	if len(at.left) > 0 {
		if err := t.window(ctx, at); err != nil {
			return err
		}
	}
	for {
		for _, r := range at.right {
			_, again := at.ours[r.id]
			t.stray(at.h, &r, again)
		}
		at.right = at.right[:0]
		if at.at >= at.end {
			break
		}
		if err := t.read(ctx, at, 1); err != nil {
			return err
		}
	}
	if at.rows > 0 {
		t.got.hub = append(t.got.hub, report.HubPartition{Partition: at.h, Next: at.rows, Rows: at.rows})
	}
	return nil
}

// readAtOnce is how many offsets of the topic are read together.
const readAtOnce = 1 << 14

// read goes on in the topic until there are so many rows to compare, or no more.
func (t *topicProof) read(ctx context.Context, at *track, rows int) error {
	for len(at.right) < rows && at.at < at.end {
		next := min(at.end, at.at+readAtOnce)
		_, err := t.hub.Scan(ctx, map[int32]int64{at.h: at.at}, map[int32]int64{at.h: next}, func(r *target.HubRow) error {
			one := topicRow{id: rowID{r.City, r.CityPartition, r.CityOffset}, offset: r.Hub.Offset, digest: proof.Digest(&r.Row, t.mask)}
			if len(t.c.unread) > 0 {
				one.short = proof.Digest(&r.Row, t.mask&^(1<<proof.Record))
			}
			at.right = append(at.right, one)
			return nil
		})
		if err != nil {
			return err
		}
		at.at = next
	}
	return nil
}

// window compares what the journal has of a window with what comes next in the topic.
func (t *topicProof) window(ctx context.Context, at *track) error {
	if err := t.read(ctx, at, len(at.left)+ahead); err != nil {
		return err
	}
	m := &merge{t: t, at: at, ours: standing(at.left), theirs: standing(at.right), left: proof.Tally{Mask: t.mask}, right: proof.Tally{Mask: t.mask}}
	m.run()
	out := report.Window{
		WindowID: report.WindowID{Proof: report.PlanTopic, Partition: at.h, Index: at.rows / domain.WindowSize}, State: domain.WindowVerified,
		First: at.rows, Through: at.rows + int64(len(at.left)), Rows: int64(len(at.left)),
		Witnesses: []report.Witnessed{{Witness: "journal", Vector: report.Vector(m.left.Vector())}, {Witness: "topic", Vector: report.Vector(m.right.Vector())}},
	}
	if m.wrong || !proof.Equal(m.left.Vector(), m.right.Vector()) {
		out.State, out.Why = domain.WindowDiverged, proof.Shape(m.left.Vector(), m.right.Vector())
	}
	t.got.windows = append(t.got.windows, out)
	t.got.rows += int64(len(at.left))
	at.rows += int64(len(at.left))
	at.left, at.ours = at.left[:0], m.ours
	return nil
}
