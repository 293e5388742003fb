package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// ask is how many windows one question is about.
const ask = 64

// judgeLoads compares what is new, and what differed, of the hub's windows with the table.
func (p *Prover) judgeLoads(ctx context.Context) error {
	sweep, err := p.table.Sweep(ctx)
	if err != nil {
		return err
	}
	p.flush()
	side := p.table.Witness(p.format)
	for _, h := range slices.Sorted(maps.Keys(p.hubs)) {
		of := p.hubs[h]
		// Also where the hub has nothing: the table is not to have anything there either.
		for at := of.first; at < of.end; at = (at/domain.WindowSize + 1) * domain.WindowSize {
			p.loadWindow(h, at)
		}
		if err := p.judgePartition(ctx, side, h, of); err != nil {
			return err
		}
	}
	for _, in := range sweep {
		if p.scope.From != nil || p.scope.To != nil {
			break // what lies outside of a while is somebody else's look
		}
		if err := p.outside(ctx, side, &in); err != nil {
			return err
		}
	}
	return p.nameLoads(ctx)
}

// judgePartition compares one hub partition.
func (p *Prover) judgePartition(ctx context.Context, side *target.DorisWitness, h int32, of *hubLane) error {
	var due []*window
	for _, w := range sorted(p.loads) {
		if w.life.Window.Partition != h {
			continue
		}
		w.life = w.life.Reached(min(of.table, w.scope.Next))
		if len(of.gone.Within(w.scope)) > 0 {
			w.life = w.life.Cannot(domain.WindowUnverifiable, "rows of it are not in the hub's log any more")
		}
		if w.life.Due() || w.changed {
			due = append(due, w)
		}
	}
	for batch := range slices.Chunk(due, ask) {
		if err := p.compareLoads(ctx, side, batch); err != nil {
			return err
		}
	}
	return nil
}

// compareLoads asks one question about some windows of a hub partition, and looks closer at
// those that differ.
func (p *Prover) compareLoads(ctx context.Context, side *target.DorisWitness, batch []*window) error {
	first, last := batch[0], batch[len(batch)-1]
	in := first.ask()
	in.Next = last.ask().Next
	got, err := side.Vectors(ctx, in, domain.WindowSize, p.format.Mask())
	if err != nil {
		return err
	}
	search := p.searchLoads(side)
	for _, w := range batch {
		asked := w.ask()
		left, right := w.left.Vector(), got[w.life.Window.Span().First]
		if asked.Next < w.life.Reach || !proof.Equal(left, right) {
			look, err := search.Look(ctx, asked)
			if err != nil {
				return err
			}
			left, right = look.Left, look.Right
		}
		w.life, w.changed = w.life.Looked(asked, left, right), false
	}
	return nil
}

// ask is what a look compares of the window.
func (w *window) ask() proof.Range {
	asked := w.life.Ask()
	asked.First = max(asked.First, w.scope.First)
	return asked
}

// searchLoads looks for rows of the table that are not as the hub says. What Doris refused, and
// what others put into the hub, it is not to have.
func (p *Prover) searchLoads(side *target.DorisWitness) *proof.Search {
	return &proof.Search{
		Left: p.hub.Witness(), Right: side, Mask: p.format.Mask(),
		Excluded: func(in proof.Range) domain.Spans {
			of := p.hubs[in.Partition]
			out := of.without.Within(in.Span)
			for _, s := range of.foreign.Within(in.Span) {
				out, _ = out.Add(s)
			}
			return out
		},
	}
}

// nameLoads says of the windows that stand still and differ which rows it is, but for those
// that the hub is to blame for.
func (p *Prover) nameLoads(ctx context.Context) error {
	var search *proof.Search
	for _, w := range sorted(p.loads) {
		if w.named || !w.life.Stands() {
			continue
		}
		if search == nil {
			search = p.searchLoads(p.table.Witness(p.format))
		}
		if _, err := search.Look(ctx, w.ask()); err != nil {
			return err
		}
		w.named = true
	}
	if search == nil {
		return nil
	}
	list, more, err := search.Findings(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		p.complete(&list[i])
	}
	p.found.addAll(explained(p.found.list, list), more)
	return nil
}

// complete says of a finding of the table which source its row is of, where the hub's place
// tells it.
func (p *Prover) complete(f *domain.Finding) {
	for _, n := range p.places.byCity[f.City][f.Row.City.Partition] {
		if n.journaled(f.Row.City.Offset) {
			f.Source, f.Generation = n.Source, n.Generation
			return
		}
	}
}

// outside counts, or names, rows of the table outside of all windows.
func (p *Prover) outside(ctx context.Context, side *target.DorisWitness, in *target.PartitionRows) error {
	of := p.hubs[int32(in.Partition)]
	c, _ := p.in.Config()
	if of == nil || in.Partition != int64(int32(in.Partition)) {
		if in.Partition >= 0 && in.Partition < int64(c.HubPartitions) {
			p.others[other{"in the table, of hub partitions that these books have no row of", in.Partition}] = in.Rows
			return nil
		}
		p.found.add(domain.Finding{
			Class: domain.Strayed, Where: "doris", Detail: fmt.Sprintf("%d rows of hub partition %d, which is none of the topic's", in.Rows, in.Partition),
			Row: domain.Lineage{City: domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}, Hub: domain.Coord{Partition: int32(in.Partition), Offset: in.Min, Timestamp: -1}},
		})
		return nil
	}
	if in.Min < of.first {
		at := proof.Range{Window: domain.Window{Proof: domain.ProofHubDoris, Partition: int32(in.Partition)}, Span: domain.Span{First: in.Min, Next: of.first}}
		n, err := countRows(ctx, side, at)
		if err != nil {
			return err
		}
		p.others[other{"in the table, before these books", in.Partition}] = n
	}
	return p.beyond(ctx, side, in, of)
}

// beyond names rows of the table behind the end of what is loaded, once no load is under way.
func (p *Prover) beyond(ctx context.Context, side *target.DorisWitness, in *target.PartitionRows, of *hubLane) error {
	if in.Max < of.table {
		return nil
	}
	for _, l := range p.lanes {
		if _, ours := l.ends.HubSpans[int32(in.Partition)]; ours && l.books.IntentsOf(domain.LegDoris).Open > 0 {
			return nil
		}
	}
	at := proof.Range{Window: domain.Window{Proof: domain.ProofHubDoris, Partition: int32(in.Partition)}, Span: domain.Span{First: of.table, Next: in.Max + 1}}
	if p.direct() && p.bounded(int32(in.Partition)) {
		n, err := countRows(ctx, side, at)
		p.others[other{"in the table, behind the end of these books", in.Partition}] = n
		return err
	}
	return side.Rows(ctx, at, func(r proof.Row) error {
		f := domain.Finding{
			Class: domain.Strayed, Where: "doris", City: domain.City(r.Text[proof.City]), Detail: "the journal has loaded nothing at this place",
			Row: domain.Lineage{
				City: domain.Coord{Partition: int32(number(r.Text[proof.CityPartition])), Offset: number(r.Text[proof.CityOffset]), Timestamp: -1},
				Hub:  domain.Coord{Partition: int32(in.Partition), Offset: r.Offset, Timestamp: -1},
			},
		}
		p.complete(&f)
		p.found.add(f)
		return nil
	})
}

// number is the number of a column's text, -1 where it is none.
func number(text string) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return -1
}

// countRows is the number of rows of the table in a range.
func countRows(ctx context.Context, side *target.DorisWitness, in proof.Range) (n int64, err error) {
	got, err := side.Vectors(ctx, in, 1<<62, 0)
	for _, v := range got {
		n += v.Rows
	}
	return n, err
}

// bounded reports whether the books of a hub partition that is the source end by themselves.
func (p *Prover) bounded(h int32) bool {
	for _, l := range p.lanes {
		for _, at := range l.books.Positions() {
			if at.Partition == h && at.Bounded {
				return true
			}
		}
	}
	return false
}
