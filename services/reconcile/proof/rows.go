package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// wrong is a row of the left without its like on the right, or the other way round.
type wrong struct {
	in          domain.Window
	left, right *held
	of          *held // of an extra row: the left row at its offset
	first       *held // of an extra row: the right row that is the one
	former      domain.Generation
	done        bool // a finding names it
}

// slot is what both sides have at one offset.
type slot struct {
	left, right []*held
	first       *held // the right row that is the left's
}

// slots are those of a range, by offset.
type slots map[int64]*slot

func (s slots) at(o int64) *slot {
	if s[o] == nil {
		s[o] = &slot{}
	}
	return s[o]
}

// rows compares the rows of a range one by one.
func (s *Search) rows(ctx context.Context, in Range, look *Look) error {
	all := slots{}
	n, err := s.read(ctx, s.Left, in, func(o int64) *[]*held { return &all.at(o).left })
	if err != nil {
		return err
	}
	m, err := s.read(ctx, s.Right, in, func(o int64) *[]*held { return &all.at(o).right })
	if err != nil {
		return err
	}
	look.Read += n + m
	s.excuse(in, all, look)
	for _, here := range all {
		s.takeEqual(here)
	}
	former, err := s.formerRows(ctx, in, all)
	if err != nil {
		return err
	}
	for _, o := range slices.Sorted(maps.Keys(all)) {
		s.match(in.Window, all[o], former[o])
	}
	return nil
}

// read holds the rows of one side, those that are the same in every column once.
func (s *Search) read(ctx context.Context, w Witness, in Range, at func(int64) *[]*held) (rows int64, err error) {
	kept := 0
	err = w.Rows(ctx, in, func(r Row) error {
		if rows++; r.Offset < in.First || r.Offset >= in.Next {
			return fmt.Errorf("a row at offset %d, which was not asked for", r.Offset)
		}
		h, list := hold(r, s.Mask), at(r.Offset)
		for _, before := range *list {
			if before.Hub == h.Hub && before.Generation == h.Generation && differs(before, h, s.Mask) == 0 {
				before.copies++
				return nil
			}
		}
		switch kept++; {
		case in.Len() == 1 && kept > s.limit()+1: // so many rows at one offset are counted
			(*list)[0].beyond++
			s.more++
			return nil
		case kept > maxHeld:
			return errors.New("more rows than its vectors say; it changes while it is read")
		}
		*list = append(*list, h)
		return nil
	})
	if err != nil {
		return rows, fmt.Errorf("rows %s of %s: %w", in.Span, w.Name(), err)
	}
	return rows, nil
}

// excuse takes out what is no finding by what is known beforehand, and makes the vectors of
// the others.
func (s *Search) excuse(in Range, all slots, look *Look) {
	var may, thin domain.Spans
	if s.Excluded != nil {
		may = s.Excluded(in)
	}
	if s.Thinned != nil {
		thin = s.Thinned(in)
	}
	var left, right Tally
	for _, o := range slices.Sorted(maps.Keys(all)) {
		switch here := all[o]; {
		case len(here.right) == 0 && may.Contains(o):
			for _, h := range here.left {
				look.Excluded += h.copies
			}
			delete(all, o)
		case len(here.left) == 0 && thin.Contains(o):
			for _, h := range here.right {
				look.Gone += h.copies
			}
			delete(all, o)
		default:
			if thin.Contains(o) {
				look.Gone += s.beside(here)
			}
			count(&left, here.left)
			count(&right, here.right)
		}
	}
	look.Left, look.Right = Join(look.Left, left.Vector()), Join(look.Right, right.Vector())
}

// beside takes off the rows of the right that are none of the left's, where it has those too.
func (s *Search) beside(here *slot) (rows int64) {
	is := func(r *held) bool {
		return slices.ContainsFunc(here.left, func(l *held) bool { return differs(l, r, s.Mask) == 0 })
	}
	if !slices.ContainsFunc(here.right, is) {
		return 0
	}
	here.right = slices.DeleteFunc(here.right, func(r *held) bool {
		if is(r) {
			return false
		}
		rows += r.copies + r.beyond
		return true
	})
	return rows
}

func count(t *Tally, rows []*held) {
	for _, h := range rows {
		for range h.copies + h.beyond {
			t.AddDigest(h.Offset, h.digest)
		}
	}
}

// takeEqual takes off what is the same on both sides of an offset.
func (s *Search) takeEqual(here *slot) {
	for _, l := range here.left {
		for _, r := range here.right {
			if n := min(l.copies, r.copies); n > 0 && differs(l, r, s.Mask) == 0 {
				l.copies -= n
				r.copies -= n
				here.first = r
			}
		}
	}
}

// match keeps what is left at an offset: a left row with the right row that is nearest to it,
// and the left and right rows beyond.
func (s *Search) match(in domain.Window, here *slot, former []*held) {
	role := rolesOf(in.Proof, s.Mask)
	was := map[*held]domain.Generation{}
	for _, r := range here.right {
		if r.copies == 0 {
			continue
		}
		if r.Generation != 0 && r.Generation < in.Generation {
			was[r] = r.Generation
		}
		for _, f := range former {
			if differs(f, r, s.Mask&^(role.other|role.otherTime)) == 0 {
				was[r] = f.Generation
			}
		}
	}
	var of *held
	for _, l := range here.left {
		of = l
		for ; l.copies > 0; l.copies-- {
			var nearest *held
			for _, r := range here.right {
				if r.copies > 0 && was[r] == 0 && (nearest == nil || differs(l, r, s.Mask).size() < differs(l, nearest, s.Mask).size()) {
					nearest = r
				}
			}
			if nearest == nil {
				s.keep(&s.lost, 1, &wrong{in: in, left: l})
				continue
			}
			nearest.copies--
			here.first = nearest
			s.keep(&s.other, 1, &wrong{in: in, left: l, right: nearest})
		}
	}
	for _, r := range here.right {
		if r.copies > 0 {
			s.keep(&s.extra, r.copies, &wrong{in: in, right: r, of: of, first: here.first, former: was[r]})
		}
	}
}

// keep holds what is wrong, as long as there is not too much of it.
func (s *Search) keep(list *[]*wrong, rows int64, w *wrong) {
	if len(s.lost)+len(s.other)+len(s.extra) >= s.limit() {
		s.more += rows
		return
	}
	*list = append(*list, w)
}

func (s *Search) limit() int {
	if s.Limit == 0 {
		return defLimit
	}
	return s.Limit
}
