package explain

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// lot is what a batch has of one source partition and one hub partition.
type lot struct {
	key domain.PartitionKey
	hub int32 // -1: in no hub partition
}

// contents says which rows a batch carries, or would have carried; of is the replay that it is of, if
// it is of one, which does not take every row of the events.
func (a *asking) contents(ctx context.Context, in *intent, last *journal.Entry, of *replayed) (*Batch, error) {
	out := &Batch{Event: in.entry.Ref().String(), First: in.first.String(), Last: in.last.String()}
	if ev, ok := in.entry.Event.(*domain.DorisBegun); ok {
		out.Table, out.Probe = ev.Table, ev.Probe != nil
		if of == nil || of.Plan.Target.Kind == domain.TargetTable {
			out.Label = domain.Label(in.entry.Ref())
		}
		out.Txn = txnOf(last.Event)
	}
	var taken domain.Selection
	if of != nil {
		taken = of.Plan.Rows
	}
	cutter := projections.NewCutter(a.j, in.entry.Stream.Shard, taken)
	defer cutter.Close()
	c := &counting{r: &a.reading, lots: map[lot]*Range{}}
	excluded := in.excluded
	var err error
	commit, committed := last.Event.(*domain.HubCommitted)
	switch {
	case committed:
		excluded = commit.Excluded // with what was not acknowledged
		err = c.commit(ctx, last, commit)
	case in.entry.Stream.Leg == domain.LegHub:
		err = a.each(ctx, in.first.Stream, in.first.Seq, in.last.Seq, func(e *journal.Entry) error { c.unplaced(e); return nil })
	default:
		err = a.each(ctx, in.first.Stream, in.first.Seq, in.last.Seq, func(e *journal.Entry) error {
			commit, _ := e.Event.(*domain.HubCommitted)
			if ev, direct := e.Event.(*domain.Ingested); direct {
				commit = domain.DirectCommit(e.Seq, ev)
			}
			if commit == nil {
				return nil
			}
			some, err := cutter.Cut(ctx, commit)
			if err != nil {
				return err
			}
			return c.commit(ctx, e, some)
		})
	}
	if err != nil {
		return nil, err
	}
	for i := range excluded {
		out.Excluded += excluded[i].Count
	}
	for _, l := range slices.SortedFunc(maps.Keys(c.lots), func(x, y lot) int {
		return cmp.Or(cmp.Compare(x.key.Source, y.key.Source), cmp.Compare(x.key.Generation, y.key.Generation), cmp.Compare(x.key.Partition, y.key.Partition), cmp.Compare(x.hub, y.hub))
	}) {
		row := c.lots[l]
		if source, known := a.c.Source(l.key.Source); known {
			row.City = string(source.City)
		}
		if _, hub := in.entry.Event.(*domain.HubBegun); hub && !committed {
			row.Placed, row.HubPartition, row.HubFirst, row.HubLast = false, 0, 0, 0 // a replay's rows have a place already, but not there
		}
		out.Ranges = append(out.Ranges, *row)
		out.Rows += row.Rows
	}
	if !committed {
		out.Rows -= out.Excluded // the ranges have these rows too
	}
	return out, nil
}

// counting adds up runs of rows.
type counting struct {
	r      *reading
	ingest *journal.Entry // read last
	lots   map[lot]*Range
}

// commit adds the rows of a committed hub transaction.
func (c *counting) commit(ctx context.Context, e *journal.Entry, ev *domain.HubCommitted) error {
	for i := range ev.Runs {
		piece := &ev.Runs[i]
		if c.ingest == nil || c.ingest.Seq != piece.Ingest {
			in, _, err := c.r.runOf(ctx, e, piece)
			if err != nil {
				return err
			}
			c.ingest = in
		}
		in, _ := c.ingest.Event.(*domain.Ingested)
		if piece.Run >= len(in.Runs) {
			return contradiction(c.ingest, "has no run %d, of which the hub holds rows (%s)", piece.Run, e.Ref())
		}
		run := &in.Runs[piece.Run]
		c.add(run, piece.Partition, Range{
			First: offsetOf(run, piece.First), Last: offsetOf(run, piece.First+piece.N-1), Rows: piece.N,
			Placed: true, HubPartition: piece.Partition, HubFirst: piece.Offset, HubLast: piece.Offset + piece.N - 1,
		})
	}
	return nil
}

// unplaced adds the rows of an ingest event that a hub transaction was to carry.
func (c *counting) unplaced(e *journal.Entry) {
	in, ok := e.Event.(*domain.Ingested)
	if !ok {
		return
	}
	for i := range in.Runs {
		if run := &in.Runs[i]; run.Rows > 0 {
			c.add(run, -1, Range{First: offsetOf(run, 0), Last: offsetOf(run, run.Rows-1), Rows: run.Rows})
		}
	}
}

func (c *counting) add(run *domain.Run, hub int32, more Range) {
	key := domain.PartitionKey{Source: run.Source, Generation: run.Generation, Partition: run.Partition}
	have := c.lots[lot{key, hub}]
	if have == nil {
		more.Source, more.Generation, more.Partition = string(run.Source), uint32(run.Generation), run.Partition
		c.lots[lot{key, hub}] = &more
		return
	}
	have.Rows += more.Rows
	have.First, have.Last = min(have.First, more.First), max(have.Last, more.Last)
	have.HubFirst, have.HubLast = min(have.HubFirst, more.HubFirst), max(have.HubLast, more.HubLast)
}
