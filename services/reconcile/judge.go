package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// judgeRows compares what is new, and what differed, of the cities' windows.
func (p *Prover) judgeRows(ctx context.Context) error {
	p.knowRows()
	windows := sorted(p.rows)
	for _, w := range windows {
		n := p.partOf(w)
		w.scope.Next = min(w.life.Window.Span().Next, n.scope.Next)
		w.life = w.life.Reached(min(n.inHub, n.waits, w.scope.Next))
		if len(w.gone) > 0 {
			w.life = w.life.Cannot(domain.WindowUnverifiable, goneWhy)
		}
		if w.unverifiable() || !w.life.Due() && !w.changed {
			w.end(n)
			continue
		}
		if err := p.recall(ctx, w); err != nil {
			return err
		}
		asked := w.ask()
		left, right := w.left.Vector(), w.right.Vector()
		if w.resumed || asked.Next < w.life.Reach || !proof.Equal(left, right) {
			look, gone, err := p.rowsSearched(ctx, w, asked)
			if err != nil {
				return err
			}
			if gone {
				continue
			}
			left, right = look.Left, look.Right
		}
		w.looked(asked, left, right)
		w.end(n)
	}
	if err := p.nameRows(ctx, windows); err != nil {
		return err
	}
	return p.nameTails(ctx)
}

// end makes an open window verified when its part ended in it and all of it was compared: no
// more rows come to it. What was verified is not held any longer.
func (w *window) end(n *part) {
	if n.former && w.life.State == domain.WindowOpen && w.life.Through == n.next && w.scope.Next == n.next {
		w.life.State = domain.WindowVerified
	}
	w.forget()
}

// rowsSearched looks closer at a city's window. What the hub's log does not have any more makes
// it unverifiable, and no error.
func (p *Prover) rowsSearched(ctx context.Context, w *window, asked proof.Range) (look proof.Look, gone bool, err error) {
	look, err = p.searchRows(w.mask).Look(ctx, asked)
	return look, w.lost(err), ignoreGone(err)
}

// lost takes in that rows of a window are not in the hub's log any more, where that is the error.
func (w *window) lost(err error) bool {
	if !errors.Is(err, target.ErrGone) {
		return false
	}
	w.life, w.changed = w.life.Cannot(domain.WindowUnverifiable, goneWhy), false
	return true
}

func ignoreGone(err error) error {
	if errors.Is(err, target.ErrGone) {
		return nil
	}
	return err
}

const goneWhy = "rows of it are not in the hub's log any more"

// knowRows makes the windows that the journal has something of and the hub nothing: what has no
// rows is compared like any other.
func (p *Prover) knowRows() {
	for _, l := range p.lanes {
		for _, b := range l.books.Windows(domain.ProofCityHub) {
			n := p.parts[domain.PartitionKey{Source: b.Source, Generation: b.Generation, Partition: b.Partition}]
			if in := b.Span(); n != nil && max(in.First, n.scope.First) < min(in.Next, n.scope.Next) {
				windowOf(p.rows, b.Window, n.scope, n.mask)
			}
		}
	}
}

// nameRows says of the windows that stand still and differ which rows it is.
func (p *Prover) nameRows(ctx context.Context, windows []*window) error {
	searches, of := map[proof.Mask]*proof.Search{}, map[proof.Mask][]*window{}
	for _, w := range windows {
		if w.named || !w.life.Stands() {
			continue
		}
		if searches[w.mask] == nil {
			searches[w.mask] = p.searchRows(w.mask)
			searches[w.mask].Excluded = p.inTail // which is named as a whole
		}
		if _, err := searches[w.mask].Look(ctx, w.ask()); err != nil && !w.lost(err) {
			return err
		}
		of[w.mask] = append(of[w.mask], w)
	}
	for mask, s := range searches {
		list, more, err := s.Findings(ctx)
		if err != nil {
			return err
		}
		for i := range list {
			list[i].City = p.cityOf(&list[i])
			if err := p.ofFormer(ctx, &list[i]); err != nil {
				return err
			}
		}
		p.blame(s.Places())
		p.found.addAll(p.unread(list), more)
		name(of[mask])
	}
	return nil
}

// name takes note that what is wrong with some windows is found.
func name(windows []*window) {
	for _, w := range windows {
		w.named = true
	}
}

// unread leaves out what is known of rows of the hub that cannot be read: that they cannot.
func (p *Prover) unread(list []domain.Finding) []domain.Finding {
	return slices.DeleteFunc(list, func(f domain.Finding) bool { return p.broken[place(&f)] })
}

// searchRows looks for rows of the hub that are not as the journal says.
func (p *Prover) searchRows(mask proof.Mask) *proof.Search {
	return &proof.Search{Left: journalSide{p}, Right: p.hub.CityWitness(p.placesOf), Mask: mask}
}

// placesOf is where the hub may have the rows of a range.
func (p *Prover) placesOf(_ context.Context, in proof.Range) (target.Places, error) {
	w := p.rows[in.Window]
	if w == nil {
		return target.Places{}, fmt.Errorf("%s is not known", in.Window)
	}
	spans := w.spans()
	for h := range p.limits {
		spans[h] = spans[h].Within(domain.Span{Next: p.readable(h)})
	}
	return target.Places{City: p.partOf(w).city, Spans: spans, Of: w.offsetAt}, nil
}

// partOf is the part that a city's window is of.
func (p *Prover) partOf(w *window) *part {
	id := w.life.Window
	return p.parts[domain.PartitionKey{Source: id.Source, Generation: id.Generation, Partition: id.Partition}]
}

// cityOf is the code of a finding's source.
func (p *Prover) cityOf(f *domain.Finding) domain.City {
	n := p.parts[domain.PartitionKey{Source: f.Source, Generation: f.Generation, Partition: f.Row.City.Partition}]
	if f.City != "" || n == nil {
		return f.City
	}
	return n.city
}

// journalSide is the journal as the side that says what the hub must have: of each part that of
// its shard.
type journalSide struct{ p *Prover }

func (s journalSide) Name() string { return "journal" }

func (s journalSide) of(in proof.Range) (proof.Witness, error) {
	n := s.p.parts[domain.PartitionKey{Source: in.Source, Generation: in.Generation, Partition: in.Partition}]
	if n == nil {
		return nil, fmt.Errorf("%s is of no source in the journal", in)
	}
	return n.lane.books.Carried(false), nil
}

func (s journalSide) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	w, err := s.of(in)
	if err != nil {
		return nil, err
	}
	return w.Vectors(ctx, in, step, mask)
}

func (s journalSide) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	w, err := s.of(in)
	if err != nil {
		return err
	}
	return w.Rows(ctx, in, each)
}
