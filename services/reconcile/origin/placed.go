package origin

import (
	"cmp"
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Placed are the offsets of the hub at which the journal has a row, whichever it is, by hub
// partition, as far as it was read.
type Placed struct {
	o     *Journal
	at    map[int]*stream
	spans map[int32][]domain.Span
}

// NewPlaced is before the first event.
func (o *Journal) NewPlaced() *Placed {
	return &Placed{o: o, at: map[int]*stream{}, spans: map[int32][]domain.Span{}}
}

// Read goes on to the end of all shards' streams now.
func (p *Placed) Read(ctx context.Context) error {
	leg := domain.LegHub
	if p.o.config.Direct {
		leg = domain.LegIngest
	}
	for shard := range p.o.config.Shards {
		if p.at[shard] == nil {
			s := p.o.stream(shard, leg, domain.Cursor{})
			p.at[shard] = &s
		}
		s := p.at[shard]
		end, err := p.o.tail(ctx, s.s)
		if err == nil {
			err = s.to(ctx, end, p.add)
		}
		s.close()
		if err != nil {
			return err
		}
	}
	for h, list := range p.spans {
		if !slices.IsSortedFunc(list, func(a, b domain.Span) int { return cmp.Compare(a.First, b.First) }) {
			p.spans[h] = joined(list)
		}
	}
	return nil
}

func (p *Placed) add(e *journal.Entry) error {
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		for i := range ev.Runs {
			r := &ev.Runs[i]
			p.put(r.Partition, domain.Span{First: r.Offset, Next: r.Offset + r.N})
		}
	case *domain.Ingested:
		for i := range ev.Runs {
			r := &ev.Runs[i]
			at := r.First
			for _, g := range r.Gaps {
				if p.o.config.Direct {
					p.put(r.Partition, domain.Span{First: at, Next: g.Span.First})
				}
				at = g.Span.Next
			}
			if p.o.config.Direct {
				p.put(r.Partition, domain.Span{First: at, Next: r.Next})
			}
		}
	}
	return nil
}

func (p *Placed) put(h int32, in domain.Span) {
	list := p.spans[h]
	if n := len(list); n > 0 && list[n-1].Next == in.First {
		list[n-1].Next = in.Next
	} else if in.Len() > 0 {
		p.spans[h] = append(list, in)
	}
}

// Has reports whether the journal has a row at a place of the hub.
func (p *Placed) Has(h int32, offset int64) bool {
	return meets(p.spans[h], domain.Span{First: offset, Next: offset + 1})
}
