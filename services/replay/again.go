package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// journaled demands of each span of a city that the journal has a row of it: what it never had
// cannot come out of it.
func (p *planning) journaled(ctx context.Context, spans []domain.CitySpan, read []domain.Position) error {
	config := p.configured()
	for _, c := range spans {
		if _, known := config.Source(c.Source); !known {
			return &refusedError{fmt.Sprintf("source %s: pipeline %s has none of this id", c.Source, p.o.Config.Name)}
		}
	}
	left := make([]sought, len(spans))
	for i, c := range spans {
		left[i] = sought{CitySpan: c, reasons: map[domain.Reason]bool{}}
	}
	for shard := 0; shard < p.o.Configured.Shards && len(left) > 0; shard++ {
		var err error
		if left, err = p.seek(ctx, shard, left); err != nil {
			return fmt.Errorf("look for offsets of the cities in shard %d: %w", shard, err)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left[0].refused(read)
}

// sought is offsets of a city of which no row was found yet, and why the journal has none at
// those that it has passed.
type sought struct {
	domain.CitySpan
	reasons map[domain.Reason]bool
}

// seek reads the ingest events of a shard until each span has a row, and gives those that have
// none.
func (p *planning) seek(ctx context.Context, shard int, left []sought) ([]sought, error) {
	s := domain.Stream{Pipeline: p.o.Config.Name, Shard: shard, Leg: domain.LegIngest}
	tail, err := now(ctx, p.o.Journal, s)
	if err != nil || tail.at.Seq == 0 {
		return left, err
	}
	r, err := p.o.Journal.ReadFrom(ctx, s, 1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for seq := domain.Seq(0); seq < tail.at.Seq && len(left) > 0; {
		e, err := r.Next(ctx)
		if err != nil {
			return nil, err
		}
		seq = e.Seq
		if in, is := e.Event.(*domain.Ingested); is {
			left = slices.DeleteFunc(left, func(c sought) bool { return c.in(in.Runs) })
		}
	}
	return left, nil
}

// in reports whether runs have a row of the span.
func (c *sought) in(runs []domain.Run) bool {
	for i := range runs {
		r := &runs[i]
		in := domain.Span{First: max(r.First, c.Span.First), Next: min(r.Next, c.Span.Next)}
		if r.Source != c.Source || r.Partition != c.Partition || c.Generation != 0 && r.Generation != c.Generation || in.Len() == 0 {
			continue
		}
		rows := in.Len()
		for _, g := range r.Gaps {
			if n := (domain.Span{First: max(g.Span.First, in.First), Next: min(g.Span.Next, in.Next)}).Len(); n > 0 {
				rows -= n
				c.reasons[g.Reason] = true
			}
		}
		if rows > 0 {
			return true
		}
	}
	return false
}

// refused says that the journal has no row of the span, why, and how rows come into it.
func (c *sought) refused(read []domain.Position) error {
	why := "the journal has no row of them"
	var next int64
	for _, at := range read {
		if at.Source == c.Source && at.Partition == c.Partition {
			next = max(next, at.Next)
		}
	}
	var reasons []string
	for r := range c.reasons {
		reasons = append(reasons, r.String())
	}
	switch {
	case len(reasons) > 0:
		slices.Sort(reasons)
		why = "the journal has them without a row: " + strings.Join(reasons, ", ")
	case c.Span.First >= next:
		why = fmt.Sprintf("the journal has come to offset %d, and what lies behind it comes by itself as long as the source is read", next)
	}
	return &refusedError{fmt.Sprintf("source %s partition %d offsets %s: %s. A replay carries what the journal has; rows that it never had are read from the city: "+
		"give the city one more source in hefu.yaml, with an id of its own, start: specific-offsets, start_offsets: partition:%d,offset:%d, "+
		"bounded: specific-offsets and bounded_offsets: partition:%d,offset:%d, and run hefu reload",
		c.Source, c.Partition, c.Span, why, c.Partition, c.Span.First, c.Partition, c.Span.Next)}
}
