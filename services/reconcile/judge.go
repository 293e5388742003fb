package reconcile

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// judgeRows compares what is new, and what differed, of the cities' windows.
func (p *Prover) judgeRows(ctx context.Context) error {
	windows := sorted(p.rows)
	for _, w := range windows {
		n := p.partOf(w)
		w.life = w.life.Reached(min(n.inHub, w.scope.Next))
		if why := p.goneFor(w); why != "" {
			w.life = w.life.Cannot(domain.WindowUnverifiable, why)
		}
		if !w.life.Due() && !w.changed {
			continue
		}
		asked := w.life.Ask()
		asked.First = max(asked.First, w.scope.First)
		left, right := w.left.Vector(), w.right.Vector()
		if asked.Next < w.life.Reach || !proof.Equal(left, right) {
			look, err := p.searchRows(w.mask).Look(ctx, asked)
			if err != nil {
				return err
			}
			left, right = look.Left, look.Right
		}
		w.life, w.changed = w.life.Looked(asked, left, right), false
		w.forget()
	}
	return p.nameRows(ctx, windows)
}

// nameRows says of the windows that stand still and differ which rows it is.
func (p *Prover) nameRows(ctx context.Context, windows []*window) error {
	searches := map[proof.Mask]*proof.Search{}
	for _, w := range windows {
		if w.named || !w.life.Stands() {
			continue
		}
		if searches[w.mask] == nil {
			searches[w.mask] = p.searchRows(w.mask)
		}
		asked := w.life.Ask()
		asked.First = max(asked.First, w.scope.First)
		if _, err := searches[w.mask].Look(ctx, asked); err != nil {
			return err
		}
		w.named = true
	}
	for _, s := range searches {
		if err := p.name(ctx, s, func(f *domain.Finding) { f.City = p.cityOf(f) }); err != nil {
			return err
		}
	}
	return nil
}

// name takes what a search found.
func (p *Prover) name(ctx context.Context, s *proof.Search, complete func(*domain.Finding)) error {
	list, more, err := s.Findings(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		complete(&list[i])
	}
	p.found.addAll(list, more)
	return nil
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
	return target.Places{City: p.partOf(w).city, Spans: w.spans(), Of: w.offsetAt}, nil
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

// goneFor says that rows of a window were in a part of the hub's log that is not there any
// more; empty: none were.
func (p *Prover) goneFor(w *window) string {
	for h, list := range w.runs {
		for _, r := range list {
			if len(p.hubs[h].gone) > 0 && len(p.hubs[h].gone.Within(r.hub)) > 0 {
				return fmt.Sprintf("offsets %s of hub partition %d are not in its log any more", r.hub, h)
			}
		}
	}
	return ""
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
