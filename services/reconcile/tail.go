package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// tail is the end of a hub partition that the journal has and the hub does not: the topic was
// cut, put back from a copy, or made anew. Like whatever differs it is a finding only once both
// sides stood still.
type tail struct {
	from  int64 // the hub's high watermark
	to    int64 // behind the journal's last row; 0: there is no tail
	same  int   // looks at which it was as at the one before
	named bool
}

// stands reports whether the rows of the tail are lost.
func (t *tail) stands() bool { return t.to > 0 && t.same >= proof.Looks }

const tailWhy = "the hub ends before rows of it, so that there is nothing to hold the table against"

// underTail makes a hub window unverifiable that has rows in a tail, once what is before it was
// compared; a hub that has them again makes it what it was.
func (w *window) underTail(t *tail) {
	switch in := t.stands() && w.scope.Next > t.from; {
	case in && w.life.State != domain.WindowSuspect:
		w.life = w.life.Cannot(domain.WindowUnverifiable, tailWhy)
	case !in && w.unverifiable() && w.life.Why == tailWhy:
		w.life.State, w.life.Why = domain.WindowOpen, ""
	}
}

// lostRows are the rows of a part in the tail of a hub partition.
type lostRows struct {
	of    *part
	rows  int64
	city  domain.Span // of the first and the last row
	hub   domain.Span
	still int64 // rows that the table has of this hub partition from there on; -1: nobody asked
}

// nameTails follows the tails, and says of those that stand what is lost: of each part one finding,
// since they may be millions of rows.
func (p *Prover) nameTails(ctx context.Context) error {
	for _, h := range slices.Sorted(maps.Keys(p.hubs)) {
		of := p.hubs[h]
		at, short := p.limits[h]
		now := tail{from: at.high, to: p.places.ends(map[int32]domain.Span{h: {}})[h]}
		switch {
		case !short || now.to <= now.from || of.anew != "":
			of.tail = tail{}
			continue
		case of.tail.from == now.from && of.tail.to == now.to:
			of.tail.same++
		default:
			of.tail = now
		}
		if !of.tail.stands() || of.tail.named {
			continue
		}
		still, err := p.stillInTable(ctx, h, of)
		if err != nil {
			return err
		}
		for _, l := range p.lostIn(h, of) {
			l.still = still
			p.found.add(p.lostTail(h, &l))
		}
		of.tail.named = true
	}
	return nil
}

// lostIn are the parts with rows in the tail, in the order of their first ones.
func (p *Prover) lostIn(h int32, of *hubLane) (out []lostRows) {
	for _, r := range p.places.runs[h] {
		in, ok := r.behind(of.tail.from)
		if !ok {
			continue
		}
		i := slices.IndexFunc(out, func(l lostRows) bool { return l.of == r.of })
		if i < 0 {
			i = len(out)
			out = append(out, lostRows{of: r.of, city: in, hub: domain.Span{First: r.at(in.First)}})
		}
		l := &out[i]
		l.rows += in.Len()
		l.city = domain.Span{First: min(l.city.First, in.First), Next: max(l.city.Next, in.Next)}
		l.hub.Next = r.at(in.Next-1) + 1
	}
	return out
}

// behind are the city offsets of the scope of a run's rows at and behind a hub offset.
func (r *run) behind(hub int64) (domain.Span, bool) {
	first := r.city + max(0, hub-r.hub.First)
	in := domain.Span{First: max(first, r.of.scope.First), Next: min(r.city+r.hub.Len(), r.of.scope.Next)}
	return in, in.First < in.Next
}

// at is where the hub has a city offset of a run.
func (r *run) at(city int64) int64 { return r.hub.First + city - r.city }

// lostTail is the finding: its place is that of the first row.
func (p *Prover) lostTail(h int32, l *lostRows) domain.Finding {
	f := p.finding(domain.Lost, l.of, domain.Coord{Partition: l.of.Partition, Offset: l.city.First, Timestamp: -1}, domain.Coord{Partition: h, Offset: l.hub.First, Timestamp: -1}, "")
	f.Detail = fmt.Sprintf("the tail: hub partition %d ends at %d, and the journal has %d rows of this source partition there: city offsets %d to %d, hub offsets %d to %d",
		h, p.limits[h].high, l.rows, l.city.First, l.city.Next-1, l.hub.First, l.hub.Next-1)
	if p.remade {
		f.Detail += "; the topic was made anew between two looks"
	}
	if l.still >= 0 {
		f.Detail += fmt.Sprintf("; the table has %d rows of this hub partition from there on", l.still)
	}
	return f
}

// stillInTable is how many rows the table has at places that the hub lost: they are of these books,
// and nobody holds them against anything.
func (p *Prover) stillInTable(ctx context.Context, h int32, of *hubLane) (int64, error) {
	if p.table == nil {
		return -1, nil
	}
	n, err := countRows(ctx, p.table.Witness(p.format), proof.Range{
		Window: domain.Window{Proof: domain.ProofHubDoris, Partition: h}, Span: domain.Span{First: of.tail.from, Next: of.tail.to},
	})
	p.others[other{"in the table, at places that the hub has lost", int64(h)}] = n
	return n, err
}

// inTail is what of a city's window is in a tail: it is not named row by row.
func (p *Prover) inTail(in proof.Range) (out domain.Spans) {
	for h, at := range p.limits {
		for _, r := range p.places.runs[h] {
			span, ok := r.behind(at.high)
			if n := r.of; ok && n.Source == in.Source && n.Generation == in.Generation && n.PartitionKey.Partition == in.Partition {
				out, _ = out.Add(span)
			}
		}
	}
	return out.Within(in.Span)
}
