package projections

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
)

// Cutter leaves of committed hub transactions what a selection takes. What it gives depends on
// the journal and the selection only. It reads ingest events forward, so commits come to it in
// the order of their stream; it belongs to one goroutine.
type Cutter struct {
	j      *journal.Journal
	ingest domain.Stream
	of     domain.Selection
	hub    map[int32]domain.Spans // what is taken of a partition, once it was asked for
	cities map[domain.PartitionKey]domain.Spans

	r   *journal.Reader
	at  *journal.Entry
	dec batch.Decoder
}

// NewCutter makes a Cutter for one shard.
func NewCutter(j *journal.Journal, shard int, of domain.Selection) *Cutter {
	return &Cutter{
		j: j, ingest: domain.Stream{Pipeline: j.Pipeline(), Shard: shard, Leg: domain.LegIngest}, of: of,
		hub: map[int32]domain.Spans{}, cities: map[domain.PartitionKey]domain.Spans{},
	}
}

// Close gives the reader of the journal back.
func (c *Cutter) Close() {
	if c.r != nil {
		c.r.Close()
		c.r = nil
	}
}

// Cut gives a commit with the rows that are taken, which is the commit itself where that is
// all of them, and one without runs where it is none. Bytes are in proportion.
func (c *Cutter) Cut(ctx context.Context, of *domain.HubCommitted) (*domain.HubCommitted, error) {
	if c.of.All() {
		return of, nil
	}
	out := *of
	out.Runs, out.Rows = nil, 0
	for i := range of.Runs {
		runs, err := c.cut(ctx, &of.Runs[i])
		if err != nil {
			return nil, err
		}
		for _, r := range runs {
			out.Rows += r.N
		}
		out.Runs = append(out.Runs, runs...)
	}
	out.Bytes = 0
	if of.Rows > 0 {
		out.Bytes = int64(float64(of.Bytes) * float64(out.Rows) / float64(of.Rows))
	}
	return &out, nil
}

// cut leaves of a run what is taken, as runs.
func (c *Cutter) cut(ctx context.Context, r *domain.HubRun) ([]domain.HubRun, error) {
	if !c.of.Brought(c.ingest.Shard, r.Ingest) {
		return nil, nil
	}
	var left []domain.HubRun
	for _, s := range taken(c.hub, r.Partition, c.of.HubSpans).Within(domain.Span{First: r.Offset, Next: r.Offset + r.N}) {
		part := *r
		part.First, part.Offset, part.N = r.First+s.First-r.Offset, s.First, s.Len()
		left = append(left, part)
	}
	if len(left) == 0 || len(c.of.Cities) == 0 {
		return left, nil
	}
	run, err := c.run(ctx, r)
	if err != nil {
		return nil, err
	}
	whole := domain.Span{First: run.First, Next: run.Next}
	key := domain.PartitionKey{Source: run.Source, Generation: run.Generation, Partition: run.Partition}
	of := taken(c.cities, key, c.of.CitySpans).Within(whole)
	switch {
	case len(of) == 0:
		return nil, nil
	case len(of) == 1 && of[0] == whole:
		return left, nil
	default:
		return c.byOffset(left, run, of)
	}
}

// taken looks up what is taken of a partition: a plan may name ten thousand spans.
func taken[K comparable](known map[K]domain.Spans, key K, of func(K) domain.Spans) domain.Spans {
	s, is := known[key]
	if !is {
		s = of(key)
		known[key] = s
	}
	return s
}

// byOffset leaves of some pieces of an ingest run the rows whose city offsets are taken.
func (c *Cutter) byOffset(pieces []domain.HubRun, run *domain.Run, taken domain.Spans) ([]domain.HubRun, error) {
	var out []domain.HubRun
	row := func(ordinal, offset int64) {
		for len(pieces) > 0 && ordinal >= pieces[0].First+pieces[0].N {
			pieces = pieces[1:]
		}
		if len(pieces) == 0 || ordinal < pieces[0].First || !taken.Contains(offset) {
			return
		}
		at := pieces[0].Offset + ordinal - pieces[0].First
		if n := len(out); n > 0 && out[n-1].First+out[n-1].N == ordinal && out[n-1].Offset+out[n-1].N == at {
			out[n-1].N++
			return
		}
		one := pieces[0]
		one.First, one.Offset, one.N = ordinal, at, 1
		out = append(out, one)
	}
	err := Rows(&c.dec, run, func(ordinal int64, rec *batch.Record) error {
		row(ordinal, rec.Offset)
		return nil
	}, func(ordinal int64, h batch.Header, _ []byte) error { // only where the hub itself is the source has it places there
		for k := range h.Overlap(run.First, run.Next) {
			row(ordinal+k, max(h.BaseOffset, run.First)+k)
		}
		return nil
	})
	return out, err
}

// run reads the ingest run that a hub run is of.
func (c *Cutter) run(ctx context.Context, r *domain.HubRun) (*domain.Run, error) {
	for c.at == nil || c.at.Seq < r.Ingest {
		var err error
		if c.r == nil {
			c.r, err = c.j.ReadFrom(ctx, c.ingest, r.Ingest)
		}
		if err == nil {
			c.at, err = c.r.Next(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	ev, ok := c.at.Event.(*domain.Ingested)
	if !ok || c.at.Seq != r.Ingest || r.Run >= len(ev.Runs) {
		return nil, &journal.IntegrityError{Stream: c.ingest, Seq: r.Ingest, What: fmt.Sprintf("has no run %d, of which the hub holds rows", r.Run)}
	}
	return &ev.Runs[r.Run], nil
}
