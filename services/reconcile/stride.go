package reconcile

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// stride is how many events of the stream that decides are scanned together: where the journal
// has their rows is held until the hub was scanned that far.
const stride = 128

// scanLane scans what is new of a shard: first what the journal has, then the hub up to there,
// stride by stride; and what the hub has beyond, once nothing of the shard is under way.
func (p *Prover) scanLane(ctx context.Context, l *lane) error {
	at, end := func() domain.Seq { return l.scan.At().Hub.Seq }, l.to.Hub.Seq
	if p.direct() {
		at, end = func() domain.Seq { return l.scan.At().Ingest.Seq }, l.to.Ingest.Seq
	}
	for at() < end {
		to := l.to
		if next := at() + stride; next < end {
			if p.direct() {
				to.Ingest = domain.Cursor{Seq: next}
			} else {
				to.Hub = domain.Cursor{Seq: next}
			}
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
		p.places.forget()
	}
	return p.scanBeyond(ctx, l)
}

// expect takes in a row that the hub must have.
func (p *Prover) expect(e *origin.Expected, upTo map[int32]int64) {
	n := p.parts[domain.PartitionKey{Source: e.Source, Generation: e.Generation, Partition: e.City.Partition}]
	switch {
	case n == nil:
		return
	case e.Excluded != "":
		n.excluded, _ = n.excluded.Add(domain.Span{First: e.City.Offset, Next: e.City.Offset + 1})
		return
	}
	of := p.hubs[e.Hub.Partition]
	if of == nil || e.Hub.Offset < of.first || e.Hub.Offset >= of.end {
		return // outside of the scope
	}
	p.places.expect(n, e)
	upTo[e.Hub.Partition] = e.Hub.Offset + 1
	if p.direct() {
		return
	}
	if n.last > e.City.Offset {
		f := p.finding(domain.Reordered, n, e.City, e.Hub, fmt.Sprintf("it comes after city offset %d", n.last))
		p.found.add(f)
	}
	n.last = e.City.Offset
	if !n.scope.Contains(e.City.Offset) {
		return
	}
	w := windowOf(p.rows, n.window(e.City.Offset), n.scope, n.mask)
	w.scope.Next = min(w.life.Window.Span().Next, n.scope.Next)
	w.left.Add(&e.Row)
	n.carried(e.City.Offset, e.Hub.Offset, of)
	w.expect(e.Hub, e.City.Offset)
	w.changed = true
}

// scanHub scans the hub up to the last rows that were expected.
func (p *Prover) scanHub(ctx context.Context, l *lane, upTo map[int32]int64) error {
	from, to := map[int32]int64{}, map[int32]int64{}
	for h, next := range upTo {
		if of := p.hubs[h]; of != nil && next > of.next {
			from[h], to[h] = of.next, next
		}
	}
	gone, err := p.hub.Scan(ctx, from, to, func(r *target.HubRow) error {
		p.take(r)
		return nil
	})
	for h, spans := range gone {
		for _, s := range spans {
			p.hubs[h].gone, _ = p.hubs[h].gone.Add(s)
		}
	}
	if err != nil {
		return fmt.Errorf("shard %d: %w", l.shard, err)
	}
	for h, next := range to {
		p.hubs[h].next = next
	}
	return nil
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
		of.foreign, _ = of.foreign.Add(domain.Span{First: r.Hub.Offset, Next: r.Hub.Offset + 1})
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
	if r.Broken != "" || r.Filled != "" {
		f := p.finding(domain.Altered, n, domain.Coord{Partition: n.Partition, Offset: offset, Timestamp: -1}, r.Hub, r.Broken)
		if f.Column = r.Filled; r.Broken == "" {
			f.Detail = "should be NULL, is not"
		}
		p.found.add(f)
	}
	p.takeRow(n, offset, r)
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
	}
}

// takeRow takes a row of the hub into its city's window; nil outside of the scope.
func (p *Prover) takeRow(n *part, offset int64, r *target.HubRow) *window {
	if !n.scope.Contains(offset) {
		return nil
	}
	w := windowOf(p.rows, n.window(offset), n.scope, n.mask)
	row := r.Row
	row.Offset = offset
	w.right.Add(&row)
	w.changed = true
	return w
}

// toTable takes a row into what the table is to have, at once or when it is loaded.
func (p *Prover) toTable(of *hubLane, r *target.HubRow) {
	if p.table == nil {
		return
	}
	row := waiting{offset: r.Hub.Offset, digest: proof.Digest(&r.Row, p.format.Mask())}
	if row.offset < of.table {
		p.load(r.Hub.Partition, of, row)
	} else {
		of.waiting = append(of.waiting, row)
	}
}

// load takes a row that is loaded.
func (p *Prover) load(h int32, of *hubLane, row waiting) {
	if of.without.Contains(row.offset) {
		return
	}
	w := p.loadWindow(h, row.offset)
	w.left.AddDigest(row.offset, row.digest)
	w.changed = true
}

// loadWindow finds or makes the window of a hub offset.
func (p *Prover) loadWindow(h int32, offset int64) *window {
	of := p.hubs[h]
	id := domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: offset / domain.WindowSize}
	w := windowOf(p.loads, id, domain.Span{First: of.first, Next: of.end}, p.format.Mask())
	w.scope.Next = min(id.Span().Next, of.end)
	return w
}

// flush loads what waited for it.
func (p *Prover) flush() {
	for h, of := range p.hubs {
		n := 0
		for ; n < len(of.waiting) && of.waiting[n].offset < of.table; n++ {
			p.load(h, of, of.waiting[n])
		}
		of.waiting = of.waiting[n:]
	}
}

// finding is one about a row of a part in the hub.
func (p *Prover) finding(class domain.Class, n *part, city, hub domain.Coord, detail string) domain.Finding {
	return domain.Finding{
		Class: class, Where: "hub", Source: n.Source, Generation: n.Generation, City: n.city, Detail: detail,
		Row: domain.Lineage{City: city, Hub: hub},
	}
}
