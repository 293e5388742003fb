package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/hefu-io/hefu/domain"
)

const (
	neighbours = 1024 // offsets to either side of a row in which its neighbours are looked for
	askedFor   = 64   // rows of which they are looked for
)

// lane is what order is kept in: inside one city partition and hub partition, city offsets
// rise with hub offsets.
type lane struct {
	source     domain.SourceID
	generation domain.Generation
	city, hub  int32
}

// takeDisordered finds rows that are right but for where the hub has them. Taken out, the
// fewest that leave the rest in order are the ones that are reordered; rows that only stand a
// place further because of those are no findings. A row that is out of order with rows that are
// right is one of them for certain, and is taken out first: which of the others are depends on
// how many of them are in order with each other.
func (s *Search) takeDisordered(ctx context.Context) (found []domain.Finding, err error) {
	lanes, slotOf := s.elsewhere()
	keys := make([]lane, 0, len(lanes))
	for l := range lanes {
		keys = append(keys, l)
	}
	slices.SortFunc(keys, func(a, b lane) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.generation, b.generation), cmp.Compare(a.city, b.city), cmp.Compare(a.hub, b.hub))
	})
	reordered := map[lane]bool{}
	asked := askedFor
	for _, l := range keys {
		crossing, err := s.takeCrossing(ctx, lanes[l], &asked, slotOf)
		if err != nil {
			return nil, err
		}
		for _, w := range outOfOrder(lanes[l]) {
			crossing = append(crossing, s.reordered(w, slotOf)...)
		}
		reordered[l] = len(crossing) > 0
		found = append(found, crossing...)
	}
	found = append(found, s.takeExchanged(slotOf, reordered)...)
	asked = askedFor
	for _, l := range keys {
		for _, w := range lanes[l] {
			if w.done {
				continue
			}
			moved := reordered[l] && slotOf[position(w.right)] != nil // perhaps because another one did
			crosses := false
			if asked--; asked >= 0 {
				if crosses, err = s.crosses(ctx, w, lanes[l]); err != nil {
					return nil, err
				}
			}
			switch {
			case crosses:
				found = append(found, s.reordered(w, slotOf)...)
			case moved:
				w.done = true
				found = append(found, s.lateTime(w, slotOf)...)
			}
		}
	}
	return found, nil
}

// elsewhere are the rows that are right but for where the hub has them, by city offset, and whose places those are.
func (s *Search) elsewhere() (lanes map[lane][]*wrong, slotOf map[domain.Coord]*held) {
	lanes, slotOf = map[lane][]*wrong{}, map[domain.Coord]*held{}
	for _, w := range s.other {
		if w.in.Proof != domain.ProofCityHub || w.done || !s.onlyOther(w) {
			continue
		}
		l := lane{w.in.Source, w.in.Generation, w.in.Partition, position(w.right).Partition}
		lanes[l] = append(lanes[l], w)
		slotOf[position(w.left)] = w.left
	}
	for _, l := range lanes {
		slices.SortStableFunc(l, func(a, b *wrong) int { return cmp.Compare(a.left.Offset, b.left.Offset) })
	}
	return lanes, slotOf
}

// takeCrossing finds the rows of a lane that are out of order with rows that are right, those that
// are furthest from where they belong first. Rows of another hub partition may have been exchanged.
func (s *Search) takeCrossing(ctx context.Context, lane []*wrong, asked *int, slotOf map[domain.Coord]*held) (found []domain.Finding, err error) {
	if len(lane) < 2 {
		return nil, nil // outOfOrder has nothing to weigh
	}
	far := func(w *wrong) int64 {
		d := position(w.right).Offset - position(w.left).Offset
		return max(d, -d)
	}
	all := slices.Clone(lane)
	slices.SortStableFunc(all, func(a, b *wrong) int { return cmp.Compare(far(b), far(a)) })
	for _, w := range all {
		if position(w.left).Partition != position(w.right).Partition {
			continue
		}
		if *asked--; *asked < 0 {
			break
		}
		crosses, err := s.crosses(ctx, w, lane)
		if err != nil {
			return nil, err
		}
		if crosses {
			found = append(found, s.reordered(w, slotOf)...)
		}
	}
	return found, nil
}

// position is where the hub has a row, as its columns say, without the time.
func position(h *held) domain.Coord {
	partition := h.number(HubPartition)
	if partition != int64(int32(partition)) {
		partition = -1
	}
	return domain.Coord{Partition: int32(partition), Offset: h.number(HubOffset)}
}

// takeExchanged finds rows that have each other's place in the hub, though every city
// partition is in order: they went to each other's hub partition.
func (s *Search) takeExchanged(slotOf map[domain.Coord]*held, reordered map[lane]bool) (found []domain.Finding) {
	of := map[domain.Coord]*wrong{}
	for _, w := range s.other {
		l := lane{w.in.Source, w.in.Generation, w.in.Partition, position(w.right).Partition}
		if !w.done && w.in.Proof == domain.ProofCityHub && s.onlyOther(w) && !reordered[l] {
			of[position(w.left)] = w
		}
	}
	for _, w := range s.other {
		mine := of[position(w.left)] == w
		with := of[position(w.right)]
		if mine && !w.done && with != nil && with != w && !with.done && position(with.right) == position(w.left) {
			found = append(found, s.swapped(w, with))
			found = append(found, s.lateTime(w, slotOf)...)
			found = append(found, s.lateTime(with, slotOf)...)
		}
	}
	return found
}

// lateTime says that the hub's time of a row is neither its own nor that of the place where it is.
func (s *Search) lateTime(w *wrong, slotOf map[domain.Coord]*held) []domain.Finding {
	time := MaskOf(HubTime) & s.Mask
	slot := slotOf[position(w.right)]
	if differs(w.left, w.right, time) == 0 || slot != nil && differs(slot, w.right, time) == 0 {
		return nil
	}
	return s.altered(w, time)
}

// outOfOrder are the rows of a lane that are not in a longest run of rising city and hub offsets,
// of those that no finding tells of yet; the rows are by city offset.
func outOfOrder(lane []*wrong) (out []*wrong) {
	rows := slices.DeleteFunc(slices.Clone(lane), func(w *wrong) bool { return w.done })
	var tails []int // of the runs of each length, the row that ends lowest
	before := make([]int, len(rows))
	at := func(i int) int64 { return position(rows[i].right).Offset }
	for i := range rows {
		n := sort.Search(len(tails), func(n int) bool { return at(tails[n]) >= at(i) })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		}
		tails[n] = i
	}
	in := make([]bool, len(rows))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			in[i] = true
		}
	}
	for i, w := range rows {
		if !in[i] {
			out = append(out, w)
		}
	}
	return out
}

var errFound = errors.New("found")

// crosses reports whether a row in a wrong place of the hub is before a row that its city has
// before it, or after one that its city has after it. Rows of its lane that are in wrong places
// themselves are no measure, and neither are rows that are there twice.
func (s *Search) crosses(ctx context.Context, w *wrong, lane []*wrong) (bool, error) {
	here := position(w.right)
	crossed := false
	wrongs := make(map[int64]bool, len(lane))
	for _, other := range lane {
		wrongs[other.left.Offset] = true
	}
	for _, other := range s.extra {
		if other.in.Source == w.in.Source && other.in.Generation == w.in.Generation && other.in.Partition == w.in.Partition {
			wrongs[other.right.Offset] = true
		}
	}
	look := func(span domain.Span, after bool) error {
		in := clip(Range{w.in, w.in.Span()}, span) // of the window: what is beside it is asked for with it
		if in.Len() == 0 {
			return nil
		}
		err := s.Right.Rows(ctx, in, func(r Row) error {
			if wrongs[r.Offset] {
				return nil
			}
			h := held{Row: r}
			if there := position(&h); there.Partition == here.Partition && (after && there.Offset < here.Offset || !after && there.Offset > here.Offset) {
				crossed = true
				return errFound
			}
			return nil
		})
		if err != nil && !errors.Is(err, errFound) {
			return fmt.Errorf("neighbours of offset %d of %s in %s: %w", w.left.Offset, w.in, s.Right.Name(), err)
		}
		return nil
	}
	o := w.left.Offset
	if err := look(domain.Span{First: o + 1, Next: o + 1 + neighbours}, true); err != nil || crossed {
		return crossed, err
	}
	return crossed, look(domain.Span{First: o - neighbours, Next: o}, false)
}
