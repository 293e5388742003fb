package reconcile

import (
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// side is a target whose rows have the hub's coordinates: a table, or a file of a replay.
type side interface {
	proof.Witness
	// RowsAt reads the rows of some spans of hub offsets, in their order.
	RowsAt(ctx context.Context, partition int32, spans domain.Spans, each func(*proof.Row) error) error
}

// comparison holds the journal's word of the rows of a plan against a target. It goes through
// the journal once and holds the rows of one window of each hub partition meanwhile, as digests;
// each window is compared when the journal has passed it. What it keeps beyond that grows with
// the windows and with what differs: spans, and keys.
type comparison struct {
	in     *origin.Journal
	reader *target.Reader // of a pipeline whose source is the hub topic itself
	side   side
	lanes  []domain.PlanLane
	rows   domain.Selection
	mask   proof.Mask
	say    func(string)
	// whole says that the target is to have the plan's rows and no others, anywhere.
	whole   bool
	digests bool // the target makes digests itself
	// spared says that rows which loads left out need not be there.
	spared bool

	left   map[int]origin.LeftOut // by shard
	only   map[domain.Window]domain.Span
	open   map[int32]*gathered
	ends   map[int32]domain.Span  // from the first row to behind the last one that was taken
	taken  map[int32]domain.Spans // of a selection by hub offsets
	cities map[cityKey]*cityPart
	judged map[domain.Window]*judged
	strays map[domain.RowKey]stray
	placed *origin.Placed // nil: nobody asked for it yet
	broken found          // rules of the journal
	listed int            // lost rows that are kept with their coordinates
	unread map[string]int64
	musts  int64 // rows that were taken and must be there
	mays   int64 // and those that may
}

// role is what a row of the journal is to a comparison.
type role uint8

const (
	isTaken  role = iota // it must be there
	isSpared             // it may be there, since a load left it out
	isOther              // the plan does not take it
)

// expected is a row that the journal has.
type expected struct {
	digest int64
	city   int64 // its offset there
	of     *cityPart
	mask   proof.Mask // the columns of digest
	at     uint16     // in the window
	role   role
}

// gathered is the rows of a window as the journal is gone through.
type gathered struct {
	id   domain.Window
	rows []expected
}

func newComparison(in *origin.Journal, s side, lanes []domain.PlanLane, rows domain.Selection, mask proof.Mask, say func(string)) *comparison {
	return &comparison{
		in: in, side: s, lanes: lanes, rows: rows, mask: mask, say: say, spared: true,
		left: map[int]origin.LeftOut{}, open: map[int32]*gathered{}, ends: map[int32]domain.Span{}, taken: map[int32]domain.Spans{},
		cities: map[cityKey]*cityPart{}, judged: map[domain.Window]*judged{}, strays: map[domain.RowKey]stray{}, unread: map[string]int64{},
	}
}

// byHub reports whether the plan names places of the hub.
func (c *comparison) byHub() bool { return len(c.rows.Hub) > 0 }

// named reports whether only the places that the plan names are looked at.
func (c *comparison) named() bool { return c.byHub() && !c.whole }

// run compares everything, until whatever differs was seen to stand still.
func (c *comparison) run(ctx context.Context) error {
	for _, l := range c.lanes {
		left, err := c.in.LeftOut(ctx, domain.Stream{Pipeline: l.Last.Stream.Pipeline, Shard: l.Shard, Leg: domain.LegDoris})
		if err != nil {
			return err
		}
		c.left[l.Shard] = left
	}
	if err := c.pass(ctx, c.rows); err != nil {
		return err
	}
	if err := c.settle(ctx); err != nil {
		return err
	}
	if err := c.beside(ctx); err != nil {
		return err
	}
	return c.confirm(ctx)
}

// pass goes through the journal.
func (c *comparison) pass(ctx context.Context, rows domain.Selection) error {
	for _, l := range c.lanes {
		c.say("reading the journal's word of " + l.Last.Stream.String())
		err := c.in.Planned(ctx, l, rows, c.broken.add, func(e *origin.Expected, taken bool) error {
			return c.expect(ctx, l.Shard, e, taken)
		})
		if err != nil {
			return err
		}
		for _, h := range slices.Sorted(maps.Keys(c.open)) {
			if err := c.judge(ctx, c.open[h], false); err != nil {
				return err
			}
			delete(c.open, h)
		}
	}
	return nil
}

// expect takes in a row of the journal.
func (c *comparison) expect(ctx context.Context, shard int, e *origin.Expected, taken bool) error {
	if e.Hub.Offset < 0 {
		return nil // left out before the hub: it never had a place
	}
	h := e.Hub.Partition
	id := domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: e.Hub.Offset / domain.WindowSize}
	if _, wanted := c.only[id]; c.only != nil && !wanted {
		return nil
	}
	g := c.open[h]
	if g != nil && g.id != id {
		if err := c.judge(ctx, g, true); err != nil {
			return err
		}
		g.id, g.rows = id, g.rows[:0]
	}
	if g == nil {
		g = &gathered{id: id}
		c.open[h] = g
	}
	row, unread := c.rowOf(e)
	one := expected{mask: c.mask &^ unread, at: uint16(e.Hub.Offset % domain.WindowSize), role: isOther} //nolint:gosec // less than a window's size
	switch {
	case !taken:
	case c.spared && c.left[shard].Has(e):
		one.role = isSpared
	default:
		one.role = isTaken
	}
	one.digest = proof.Digest(row, one.mask)
	one.of, one.city = c.cityOf(e, row)
	g.rows = append(g.rows, one)
	if c.only == nil {
		if taken && unread != 0 {
			c.unread[e.Why]++
		}
		switch one.role {
		case isTaken:
			c.musts++
		case isSpared:
			c.mays++
		case isOther:
		}
		one.of.take(one.city, one.role, row, c.strict())
		if taken && c.byHub() {
			c.taken[h] = with(c.taken[h], e.Hub.Offset)
		}
	}
	return nil
}

// rowOf is the row with all its texts, and the columns that cannot be said.
func (c *comparison) rowOf(e *origin.Expected) (*proof.Row, proof.Mask) {
	if c.reader == nil {
		return &e.Row, e.Unread
	}
	r := c.reader.Read(e.Hub.Partition, e.Hub.Offset, e.Hub.Timestamp, e.Value, e.Null.Has(proof.Record))
	return &r.Row, 0
}

// strict reports whether commits are passed over unread, so that nobody knows what lies between
// two rows of a city.
func (c *comparison) strict() bool { return c.byHub() || len(c.rows.Ingest) > 0 }
