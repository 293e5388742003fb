package reconcile

import (
	"context"
	"fmt"
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
	if err := p.flush(ctx); err != nil {
		p.spoilt = true // what was read again in part would be counted twice
		return err
	}
	side := p.table.Witness(p.format)
	for h, of := range p.hubs {
		// Also where the hub has nothing: the table is not to have anything there either.
		for at := of.first; at < of.end; at = (at/domain.WindowSize + 1) * domain.WindowSize {
			p.loadWindow(h, at)
		}
	}
	for h, list := range byPartition(p.loads) {
		if err := p.judgePartition(ctx, side, p.hubs[h], list); err != nil {
			return err
		}
	}
	for _, in := range p.sweep {
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
func (p *Prover) judgePartition(ctx context.Context, side *target.DorisWitness, of *hubLane, list []*window) error {
	var due []*window
	for _, w := range list {
		w.life = w.life.Reached(min(of.table, p.readable(w.life.Window.Partition), w.scope.Next))
		w.underTail(&of.tail)
		if of.anew != "" {
			w.life = w.life.Cannot(domain.WindowNotChecked, of.anew)
			continue
		}
		if len(w.gone) > 0 {
			w.life = w.life.Cannot(domain.WindowUnverifiable, goneWhy)
		}
		if !w.unverifiable() && (w.life.Due() || w.changed || w.life.Stands()) { // which somebody may put right
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
		if w.life.Stands() && !w.changed && asked.Next == w.life.Through && right == w.life.Right {
			continue // it differs as it did
		}
		if w.resumed || asked.Next < w.life.Reach || !proof.Equal(left, right) {
			look, err := search.Look(ctx, asked)
			if w.lost(err) {
				continue
			}
			if err != nil {
				return err
			}
			left, right = look.Left, look.Right
			if err := p.seeAgain(ctx, side, w, left); err != nil {
				return err
			}
		}
		w.looked(asked, left, right)
		w.forget()
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
		Thinned: func(in proof.Range) domain.Spans { return p.formerAt(in.Partition).Within(in.Span) },
	}
}

// nameLoads says of the windows that stand still and differ which rows it is, but for those
// that the hub is to blame for.
func (p *Prover) nameLoads(ctx context.Context) error {
	var search *proof.Search
	var looked []*window
	for _, w := range sorted(p.loads) {
		if w.named || !w.life.Stands() {
			continue
		}
		if search == nil {
			search = p.searchLoads(p.table.Witness(p.format))
		}
		if _, err := search.Look(ctx, w.ask()); err != nil && !w.lost(err) {
			return err
		}
		looked = append(looked, w)
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
		if err := p.generationAt(ctx, &list[i]); err != nil {
			return err
		}
	}
	p.found.addAll(p.unblamed(explained(p.found.list, list)), more)
	name(looked)
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
