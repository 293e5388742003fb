package replay

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// choose makes the selection: a row is to meet each of the conditions.
func (p *planning) choose(ctx context.Context) error {
	scope := &p.plan.Scope
	for _, step := range []func() error{
		func() error { return p.meetHub(len(scope.Hub) > 0, scope.Hub) },
		func() error { return p.chooseCities(ctx) },
		p.chooseFound,
		func() error { return p.quarantined(ctx) },
		func() error { return p.chooseTime(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

var errNothing error = &refusedError{"nothing in the scope: no row meets all of its conditions"}

// meetHub adds a condition by places of the hub.
func (p *planning) meetHub(asked bool, list []domain.HubSpan) error {
	rows := &p.plan.Rows
	switch {
	case !asked:
		return nil
	case len(rows.Hub) == 0:
		rows.Hub = list
	default:
		rows.Hub = bothHub(rows.Hub, list)
	}
	if len(rows.Hub) == 0 {
		return errNothing
	}
	return nil
}

// meetCities adds a condition by places of the cities.
func (p *planning) meetCities(asked bool, list []domain.CitySpan) error {
	rows := &p.plan.Rows
	switch {
	case !asked:
		return nil
	case len(rows.Cities) == 0:
		rows.Cities = list
	default:
		rows.Cities = bothCities(rows.Cities, list)
	}
	if len(rows.Cities) == 0 {
		return errNothing
	}
	return nil
}

// bothHub is what two conditions have in common.
func bothHub(a, b []domain.HubSpan) (out []domain.HubSpan) {
	by := map[int32]domain.Spans{}
	for _, h := range b {
		by[h.Partition], _ = by[h.Partition].Add(h.Span)
	}
	for _, h := range a {
		for _, s := range by[h.Partition].Within(h.Span) {
			out = append(out, domain.HubSpan{Partition: h.Partition, Span: s})
		}
	}
	return out
}

// bothCities is what two conditions have in common; a generation of 0 is any.
func bothCities(a, b []domain.CitySpan) (out []domain.CitySpan) {
	for _, x := range a {
		for _, y := range b {
			in := domain.Span{First: max(x.Span.First, y.Span.First), Next: min(x.Span.Next, y.Span.Next)}
			if x.Source != y.Source || x.Partition != y.Partition || in.Len() == 0 ||
				x.Generation != y.Generation && x.Generation != 0 && y.Generation != 0 {
				continue
			}
			out = append(out, domain.CitySpan{Source: x.Source, Generation: max(x.Generation, y.Generation), Partition: x.Partition, Span: in})
		}
	}
	return out
}

// every is all offsets that a partition can have.
const every = 1<<63 - 1

// chooseCities takes offsets of source partitions, and whole sources.
func (p *planning) chooseCities(ctx context.Context) error {
	scope := &p.plan.Scope
	if len(scope.Cities)+len(scope.Sources) == 0 {
		return nil
	}
	read, err := p.readSoFar(ctx)
	if err != nil {
		return err
	}
	if err := p.journaled(ctx, scope.Cities, read); err != nil {
		return err
	}
	if err := p.meetCities(len(scope.Cities) > 0, scope.Cities); err != nil {
		return err
	}
	var whole []domain.CitySpan
	for _, id := range scope.Sources {
		n := len(whole)
		for _, c := range p.configured().Sources {
			if c.ID != id && c.Group != id {
				continue
			}
			for _, at := range read {
				if at.Source == c.ID {
					whole = append(whole, domain.CitySpan{Source: c.ID, Partition: at.Partition, Span: domain.Span{Next: every}})
				}
			}
		}
		if len(whole) == n {
			return &refusedError{fmt.Sprintf("source %s: pipeline %s has read no partition of it", id, p.o.Config.Name)}
		}
	}
	return p.meetCities(len(scope.Sources) > 0, whole)
}

// readSoFar is how far each source partition is journaled.
func (p *planning) readSoFar(ctx context.Context) (out []domain.Position, err error) {
	for shard := range p.o.Configured.Shards {
		tail, err := now(ctx, p.o.Journal, domain.Stream{Pipeline: p.o.Config.Name, Shard: shard, Leg: domain.LegIngest})
		if err != nil {
			return nil, err
		}
		if tail.at.Seq == 0 {
			continue
		}
		e, err := p.o.Journal.Get(ctx, tail.at.Stream, tail.at.Seq)
		if err != nil {
			return nil, err
		}
		out = append(out, domain.PositionsOf(e.Event)...)
	}
	return out, nil
}

// chooseTime takes what was brought in a time.
func (p *planning) chooseTime(ctx context.Context) error {
	scope := &p.plan.Scope
	if scope.From == nil && scope.To == nil {
		return nil
	}
	for _, l := range p.plan.Lanes {
		in, err := broughtBetween(ctx, p.o.Journal, l.Shard, scope.From, scope.To)
		if err != nil {
			return err
		}
		p.plan.Rows.Ingest = append(p.plan.Rows.Ingest, in) // one that is empty takes nothing
	}
	return nil
}

func (p *planning) configured() domain.PipelineConfig {
	c, _ := p.o.InForce()
	return c
}
