package origin

import (
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Ends say how far everything is, so that nobody calls missing what is on its way.
type Ends struct {
	// Hub and Doris are city offsets: the rows below them are in the hub, or in Doris, but for
	// what was left out.
	Hub, Doris map[domain.PartitionKey]int64
	// HubSpans are, by hub partition, from the first row of these books to behind the last one
	// that is committed. What lies before is of others.
	HubSpans map[int32]domain.Span
	// Table is, by hub partition, the end of what is visible in Doris.
	Table map[int32]int64
	// WithoutHub are the city offsets that commits left out.
	WithoutHub map[domain.PartitionKey]domain.Spans
	// WithoutDoris are, by hub partition, the offsets that visible loads left out.
	WithoutDoris map[int32]domain.Spans
}

// Ends are how far everything is at the end of what was read.
func (b *Books) Ends() Ends {
	e := b.ends
	e.Hub, e.Doris = maps.Clone(e.Hub), maps.Clone(e.Doris)
	e.HubSpans, e.Table, e.WithoutDoris = maps.Clone(e.HubSpans), maps.Clone(e.Table), maps.Clone(e.WithoutDoris)
	e.WithoutHub = maps.Clone(e.WithoutHub)
	return e
}

// Loading is, by hub partition, the end of what the loads without an outcome carry: they may be
// visible already.
func (b *Books) Loading() map[int32]int64 {
	out := map[int32]int64{}
	for _, in := range b.loads {
		for _, end := range in.doris.Ends {
			out[end.Partition] = max(out[end.Partition], end.Next)
		}
	}
	return out
}

// settleEnds looks up how far the cities were when the last commit's, and the last load's, last
// ingest event was written.
func (b *Books) settleEnds(ctx context.Context) (err error) {
	if b.ends.Hub, err = b.through(ctx, b.passed.hub); err == nil {
		b.ends.Doris, err = b.through(ctx, b.passed.doris)
	}
	return err
}

// through is, for each source partition, the offset that an ingest event and those before it
// come to: its position map says so.
func (b *Books) through(ctx context.Context, seq domain.Seq) (map[domain.PartitionKey]int64, error) {
	var at []domain.Position
	if seq > 0 {
		e, err := b.o.j.Get(ctx, b.ingest.s, seq)
		if err != nil {
			return nil, err
		}
		at = domain.PositionsOf(e.Event)
	}
	out := map[domain.PartitionKey]int64{}
	for key, a := range b.accounts {
		out[key] = a.First + a.Gaps[domain.ReasonStartPolicy] // not begun yet
		i := slices.IndexFunc(at, func(p domain.Position) bool { return p.Source == key.Source && p.Partition == key.Partition })
		if i < 0 {
			continue
		}
		switch g := at[i].Generation; {
		case g == key.Generation:
			out[key] = at[i].Next
		case g > key.Generation: // it was over by then
			out[key] = a.Next
		}
	}
	return out, nil
}
