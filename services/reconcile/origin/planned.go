package origin

import (
	"cmp"
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Planned calls each for every row of the commits of a lane, in the order of the hub, and says
// whether a selection takes it. Commits of which the selection by itself says that it takes
// nothing are passed over unread. found is told what breaks the journal's rules about the hub
// (NewScan). Errors: the journal's, also where the lane does not end with the event that it
// names; each's as they are.
func (o *Journal) Planned(ctx context.Context, lane domain.PlanLane, of domain.Selection, found func(domain.Finding), each func(e *Expected, taken bool) error) error {
	if lane.Last.Seq < lane.First {
		return nil
	}
	s := o.NewScan(lane.Shard, Cursors{}, found)
	pick := newPicker(lane.Shard, &of)
	s.skip = pick.skips
	to, from := Cursors{Hub: lane.Last}, &s.hub
	if o.config.Direct {
		to, from = Cursors{Ingest: lane.Last}, &s.ingest
	}
	if err := from.after(ctx, lane.First-1); err != nil {
		return err
	}
	return s.Next(ctx, to, func(e *Expected) error { return each(e, pick.takes(e)) })
}

// picker says which rows a selection takes. It is written here once more: who carries the rows
// has it from elsewhere.
type picker struct {
	shard  int
	ingest []domain.SeqSpan
	hub    map[int32][]domain.Span               // sorted, and none overlaps another
	cities map[domain.PartitionKey][]domain.Span // the same; of the generation 0 those of any
	byHub  bool
}

func newPicker(shard int, of *domain.Selection) *picker {
	p := &picker{
		shard: shard, ingest: of.Ingest, byHub: len(of.Hub) > 0, hub: map[int32][]domain.Span{}, cities: map[domain.PartitionKey][]domain.Span{},
	}
	for _, c := range of.Cities {
		key := domain.PartitionKey{Source: c.Source, Generation: c.Generation, Partition: c.Partition}
		p.cities[key] = append(p.cities[key], c.Span)
	}
	for key, list := range p.cities {
		p.cities[key] = joined(list)
	}
	for _, h := range of.Hub {
		p.hub[h.Partition] = append(p.hub[h.Partition], h.Span)
	}
	for h, list := range p.hub {
		p.hub[h] = joined(list)
	}
	return p
}

// joined sorts spans and joins those that touch.
func joined(list []domain.Span) []domain.Span {
	slices.SortFunc(list, func(a, b domain.Span) int { return cmp.Compare(a.First, b.First) })
	var out []domain.Span
	for _, s := range list {
		switch n := len(out); {
		case s.Len() == 0:
		case n > 0 && s.First <= out[n-1].Next:
			out[n-1].Next = max(out[n-1].Next, s.Next)
		default:
			out = append(out, s)
		}
	}
	return out
}

// meets reports whether sorted spans have an offset of another one.
func meets(list []domain.Span, in domain.Span) bool {
	i, _ := slices.BinarySearchFunc(list, in.First, func(s domain.Span, first int64) int {
		if s.Next <= first {
			return -1
		}
		return 1
	})
	return i < len(list) && list[i].First < in.Next
}

// brought reports whether rows of an ingest event are taken.
func (p *picker) brought(seq domain.Seq) bool {
	if len(p.ingest) == 0 {
		return true
	}
	for _, in := range p.ingest {
		if in.Shard == p.shard && seq >= in.First && seq <= in.Last {
			return true
		}
	}
	return false
}

// skips reports whether nothing of a commit can be taken.
func (p *picker) skips(c *domain.HubCommitted) bool {
	if !p.byHub && len(p.ingest) == 0 {
		return false
	}
	for i := range c.Runs {
		r := &c.Runs[i]
		if p.brought(r.Ingest) && (!p.byHub || meets(p.hub[r.Partition], domain.Span{First: r.Offset, Next: r.Offset + r.N})) {
			return false
		}
	}
	return true
}

// takes reports whether a row is taken.
func (p *picker) takes(e *Expected) bool {
	if !p.brought(e.Ingest) {
		return false
	}
	if p.byHub && !meets(p.hub[e.Hub.Partition], domain.Span{First: e.Hub.Offset, Next: e.Hub.Offset + 1}) {
		return false
	}
	if len(p.cities) == 0 {
		return true
	}
	key, at := domain.PartitionKey{Source: e.Source, Partition: e.City.Partition}, domain.Span{First: e.City.Offset, Next: e.City.Offset + 1}
	if meets(p.cities[key], at) {
		return true
	}
	key.Generation = e.Generation
	return meets(p.cities[key], at)
}
