package reconcile

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// stride is how many events of the stream that decides are scanned together: where the journal
// has their rows is held until the hub was scanned that far.
const stride = 128

// scanLane scans what is new of a shard: first what the journal has, then the hub up to there,
// stride by stride; and what the hub has beyond, once nothing of the shard is under way. Where the
// hub cannot be read that far, the rest is scanned by the look at which it can.
func (p *Prover) scanLane(ctx context.Context, l *lane) error {
	if err := p.scanHub(ctx, l, p.places.ends(l.ends.HubSpans)); err != nil { // what could not be read before
		return err
	}
	at, end := func() domain.Seq { return l.scan.At().Hub.Seq }, l.to.Hub.Seq
	if p.direct() {
		at, end = func() domain.Seq { return l.scan.At().Ingest.Seq }, l.to.Ingest.Seq
	}
	if l.slice != nil {
		end = min(end, l.until)
	}
	for at() < end {
		to := l.to
		if next := min(end, at()+stride); p.direct() && next < to.Ingest.Seq {
			to.Ingest = domain.Cursor{Seq: next}
		} else if !p.direct() && next < to.Hub.Seq {
			to.Hub = domain.Cursor{Seq: next}
		}
		upTo := map[int32]int64{}
		err := l.scan.Next(ctx, to, func(e *origin.Expected) error {
			p.expect(e, upTo)
			return nil
		})
		if err != nil {
			return err
		}
		if err := p.scanHub(ctx, l, upTo); err != nil {
			return err
		}
		p.places.forget(p.hubs)
	}
	return p.scanBeyond(ctx, l)
}

// expect takes in a row that the hub must have.
func (p *Prover) expect(e *origin.Expected, upTo map[int32]int64) {
	n := p.partAt(domain.PartitionKey{Source: e.Source, Generation: e.Generation, Partition: e.City.Partition})
	switch {
	case n == nil, e.Excluded != "", n.former && p.direct(): // of which the hub has nothing
		return
	}
	of := p.hubs[e.Hub.Partition]
	if of == nil || e.Hub.Offset < of.first || e.Hub.Offset >= of.end {
		return // outside of the scope
	}
	if e.Hub.Offset < of.placed {
		p.rewritten(e.Hub)
	}
	of.placed = max(of.placed, e.Hub.Offset+1)
	p.places.expect(n, e)
	upTo[e.Hub.Partition] = max(upTo[e.Hub.Partition], e.Hub.Offset+1)
	if !of.scanned { // a scan that does not begin at the beginning
		of.next = min(of.next, e.Hub.Offset)
	}
	if p.direct() {
		return
	}
	if n.last > e.City.Offset && n.scope.Contains(e.City.Offset) {
		f := p.finding(domain.Reordered, n, e.City, e.Hub, fmt.Sprintf("it comes after city offset %d", n.last))
		p.found.add(f)
	}
	n.last = e.City.Offset
	if !n.scope.Contains(e.City.Offset) {
		return
	}
	w := p.rowWindow(n, e.City.Offset)
	if w.resumed {
		return
	}
	w.scope.Next = min(w.life.Window.Span().Next, n.scope.Next)
	w.left.Add(&e.Row)
	n.carried(e.City.Offset, e.Hub.Offset, of)
	w.expect(e.Hub, e.City.Offset)
	w.changed = true
}

// partAt is a part by its key: most rows are of the part that the row before was of.
func (p *Prover) partAt(key domain.PartitionKey) *part {
	if p.at == nil || p.at.PartitionKey != key {
		p.at = p.parts[key]
	}
	return p.at
}

// rowWindow finds or makes the window of a city offset, most likely that of the row before.
func (p *Prover) rowWindow(n *part, offset int64) *window {
	if n.at == nil || n.at.life.Window.Index != offset/domain.WindowSize {
		n.at = windowOf(p.rows, n.window(offset), n.scope, n.mask)
	}
	return n.at
}

// scanHub scans the hub up to the last rows that were expected.
func (p *Prover) scanHub(ctx context.Context, l *lane, upTo map[int32]int64) error {
	from, to := map[int32]int64{}, map[int32]int64{}
	for h, next := range upTo {
		next = min(next, p.readable(h))
		if of := p.hubs[h]; of != nil && next > of.next {
			from[h], to[h] = of.next, next
		}
	}
	gone, err := p.hub.Scan(ctx, from, to, func(r *target.HubRow) error {
		p.take(r)
		return nil
	})
	for h, spans := range gone {
		p.takeGone(h, spans)
	}
	if err != nil {
		return fmt.Errorf("shard %d: %w", l.shard, err)
	}
	for h, next := range to {
		p.hubs[h].next, p.hubs[h].scanned = next, true
	}
	return nil
}

// takeGone takes in that the hub's log does not have some offsets any more: rows that the
// journal has there cannot be compared.
func (p *Prover) takeGone(h int32, spans domain.Spans) {
	for _, r := range p.places.runs[h] {
		for _, s := range spans.Within(r.hub) {
			for o := s.First; o < s.Next; o++ {
				at := domain.Span{First: o, Next: o + 1}
				if city := r.city + o - r.hub.First; !p.direct() && r.of.scope.Contains(city) {
					windowOf(p.rows, r.of.window(city), r.of.scope, r.of.mask).isGone(at)
				}
				if p.table != nil {
					p.loadWindow(h, o).isGone(at)
				}
			}
		}
	}
}

// scanBeyond scans what the hub has behind the journal's end: while the shard has an intent
// without an outcome it may be that; else it is of somebody else.
func (p *Prover) scanBeyond(ctx context.Context, l *lane) error {
	if p.direct() || l.slice != nil || l.books.IntentsOf(domain.LegHub).Open > 0 {
		return nil
	}
	upTo := map[int32]int64{}
	for h := range l.ends.HubSpans {
		upTo[h] = p.stable(h)
	}
	return p.scanHub(ctx, l, upTo)
}

// take takes in a row that the hub has.
func (p *Prover) take(r *target.HubRow) {
	of := p.hubs[r.Hub.Partition]
	if p.places.at(r.Hub) == nil {
		of.foreign = with(of.foreign, r.Hub.Offset)
		if !p.direct() { // whose rows are others', but for those that are journaled
			p.takeForeign(r)
		}
		return
	}
	p.toTable(of, r)
	if p.direct() {
		return
	}
	n, offset, _ := p.places.of(r)
	if (r.Broken != "" || r.Filled != "") && n.scope.Contains(offset) {
		f := p.finding(domain.Altered, n, domain.Coord{Partition: n.Partition, Offset: offset, Timestamp: -1}, r.Hub, r.Broken)
		if f.Column = r.Filled; r.Broken == "" {
			f.Detail = "should be NULL, is not"
		} else if len(p.broken) < keptFindings {
			p.broken[place(&f)] = true
		}
		p.found.add(f)
	}
	p.takeRow(n, offset, r)
}

// with puts an offset into a set that nobody else has: most come in order, and of a topic that
// somebody else writes to, too, they are many.
func with(s domain.Spans, offset int64) domain.Spans {
	n := len(s)
	switch {
	case n > 0 && s[n-1].Next == offset:
		s[n-1].Next++
	case n == 0 || s[n-1].Next < offset:
		s = append(s, domain.Span{First: offset, Next: offset + 1})
	default:
		s, _ = s.Add(domain.Span{First: offset, Next: offset + 1})
	}
	return s
}

// takeForeign takes in a row that the journal does not have at its place: a copy of one that
// it has elsewhere, or one that comes from nowhere.
func (p *Prover) takeForeign(r *target.HubRow) {
	n, offset, why := p.places.of(r)
	switch {
	case n == nil:
	case n.excluded.Contains(offset): // what was not acknowledged may be there all the same
		p.others[other{"in the hub, which did not acknowledge them", int64(r.Hub.Partition)}]++
		return
	case !n.journaled(offset) && p.places.formerly(n, offset) != nil:
		detail := fmt.Sprintf("it is of generation %d of the source partition", p.places.formerly(n, offset).Generation)
		p.found.add(p.finding(domain.Former, n, domain.Coord{Partition: n.Partition, Offset: offset, Timestamp: -1}, r.Hub, detail))
		return
	case !n.journaled(offset):
		n, why = nil, "the journal has not read this offset of its city"
	}
	if n == nil {
		p.found.add(domain.Finding{
			Class: domain.Strayed, Where: "hub", City: r.City, Detail: why,
			Row: domain.Lineage{City: domain.Coord{Partition: int32(r.CityPartition), Offset: r.CityOffset, Timestamp: -1}, Hub: r.Hub},
		})
		return
	}
	if w := p.takeRow(n, offset, r); w != nil {
		w.claim(r.Hub, offset)
		w.changed = true
	}
}

// takeRow takes a row of the hub into its city's window; nil outside of the scope.
func (p *Prover) takeRow(n *part, offset int64, r *target.HubRow) *window {
	if !n.scope.Contains(offset) {
		return nil
	}
	w := p.rowWindow(n, offset)
	if w.resumed {
		return w
	}
	row := r.Row
	row.Offset = offset
	w.right.Add(&row)
	w.changed = true
	return w
}

// load takes a row that is loaded.
func (p *Prover) load(h int32, of *hubLane, row waiting) {
	if of.without.Contains(row.offset) {
		return
	}
	w := p.loadWindow(h, row.offset)
	if w.resumed {
		return
	}
	w.left.AddDigest(row.offset, row.digest)
	w.changed = true
}

// loadWindow finds or makes the window of a hub offset.
func (p *Prover) loadWindow(h int32, offset int64) *window {
	of := p.hubs[h]
	id := domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: offset / domain.WindowSize}
	w := of.at
	if w == nil || w.life.Window != id {
		w = windowOf(p.loads, id, domain.Span{First: of.first, Next: of.end}, p.format.Mask())
		of.at = w
	}
	w.scope.Next = min(id.Span().Next, of.end)
	return w
}

// finding is one about a row of a part in the hub.
func (p *Prover) finding(class domain.Class, n *part, city, hub domain.Coord, detail string) domain.Finding {
	return domain.Finding{
		Class: class, Where: "hub", Source: n.Source, Generation: n.Generation, City: n.city, Detail: detail,
		Row: domain.Lineage{City: city, Hub: hub},
	}
}
