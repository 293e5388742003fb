package proof

import (
	"cmp"
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Findings says what the rows that differ are, and forgets them: each row is in one finding,
// or in one for each of its columns. Rows beyond Limit are more, and only counted. The same
// fault gives the same findings, sorted by place.
func (s *Search) Findings(ctx context.Context) (found []domain.Finding, more int64, err error) {
	more = s.more
	s.takePlaces()
	s.pairAgain()
	copied, err := s.takeCopied(ctx)
	if err != nil {
		return nil, 0, err
	}
	found = append(found, copied...)
	moved := s.takeMoved()
	found = append(found, moved...)
	found = append(found, s.takeSwapped()...)
	disordered, err := s.takeDisordered(ctx)
	if err != nil {
		return nil, 0, err
	}
	found = append(found, disordered...)
	for _, w := range s.other {
		if !w.done {
			found = append(found, s.altered(w, differs(w.left, w.right, s.Mask))...)
		}
	}
	for _, w := range s.lost {
		if !w.done {
			f := s.finding(domain.Lost, w)
			f.Detail = s.nameOf(s.Left) + " has it and " + s.nameOf(s.Right) + " does not"
			found = append(found, f)
		}
	}
	for _, w := range s.extra {
		if !w.done {
			found = append(found, s.ofExtra(w))
		}
	}
	s.lost, s.other, s.extra, s.more = nil, nil, nil, 0
	slices.SortFunc(found, inPlace)
	return found, more, nil
}

// Places are the hub's places of all rows that the last Findings were of: where they are, and
// where they should be.
func (s *Search) Places() []domain.Coord { return s.places }

func (s *Search) takePlaces() {
	s.places = nil
	for _, list := range [][]*wrong{s.lost, s.other, s.extra} {
		for _, w := range list {
			for _, h := range []*held{w.left, w.right} {
				if h != nil && h.Hub.Offset >= 0 {
					s.places = append(s.places, domain.Coord{Partition: h.Hub.Partition, Offset: h.Hub.Offset})
				}
			}
		}
	}
}

func inPlace(a, b domain.Finding) int {
	return cmp.Or(
		cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation),
		cmp.Compare(a.Row.City.Partition, b.Row.City.Partition), cmp.Compare(a.Row.City.Offset, b.Row.City.Offset),
		cmp.Compare(a.Row.Hub.Partition, b.Row.Hub.Partition), cmp.Compare(a.Row.Hub.Offset, b.Row.Hub.Offset),
		cmp.Compare(a.Class, b.Class), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Detail, b.Detail),
	)
}

// takeMoved finds rows that are lost at their coordinates and are there under others: known by
// their other place, which no two rows share. They are altered in their coordinates.
func (s *Search) takeMoved() (found []domain.Finding) {
	lost := map[string]*wrong{}
	for _, w := range s.lost {
		if place := rolesOf(w.in.Proof, s.Mask).place(w.left); place != "" {
			lost[place] = w
		}
	}
	take := func(in domain.Window, r *held) bool {
		role := rolesOf(in.Proof, s.Mask)
		w := lost[role.place(r)]
		if w == nil || w.done || !role.akin(w.left, r, s.Mask) {
			return false
		}
		w.done, w.right = true, r
		found = append(found, s.altered(w, differs(w.left, r, s.Mask))...)
		return true
	}
	// A row that was moved onto another one's place, which is lost: the two look like one that
	// is altered beyond recognition.
	for again := true; again; {
		again = false
		for _, w := range s.other {
			role := rolesOf(w.in.Proof, s.Mask)
			if !w.done && role.place(w.left) != role.place(w.right) && take(w.in, w.right) {
				w.done, again = true, true
				left := &wrong{in: w.in, left: w.left}
				s.lost = append(s.lost, left)
				lost[role.place(w.left)] = left
			}
		}
	}
	for _, w := range s.extra {
		if w.former == 0 && take(w.in, w.right) {
			w.right.copies--
			w.done = w.right.copies == 0
		}
	}
	return found
}

// takeSwapped finds pairs of rows that have each other's coordinates: all the rest of them
// matches crosswise.
func (s *Search) takeSwapped() (found []domain.Finding) {
	rest := func(in domain.Window) Mask {
		role := rolesOf(in.Proof, s.Mask)
		return s.Mask &^ (role.key | role.keyTime)
	}
	of := map[string]*wrong{}
	for _, w := range s.other {
		if !w.done {
			of[w.left.text(rest(w.in))] = w
		}
	}
	for _, w := range s.other {
		with := of[w.right.text(rest(w.in))]
		if w.done || with == nil || with.done || with == w || with.right.text(rest(with.in)) != w.left.text(rest(w.in)) {
			continue
		}
		found = append(found, s.swapped(w, with))
		found = append(found, s.noTime(w, with)...)
		found = append(found, s.noTime(with, w)...)
	}
	return append(found, s.takeCrossed()...)
}

// takeCrossed finds pairs of rows that stand in their own places and say each other's: of the
// table those that name each other's place in the city, and of the hub too, whose rows are
// known by where they are.
func (s *Search) takeCrossed() (found []domain.Finding) {
	of := map[string]*wrong{}
	for _, w := range s.other {
		if !w.done && s.onlySays(w) {
			of[w.left.text(s.says(w.in))] = w
		}
	}
	for _, w := range s.other {
		if w.done || !s.onlySays(w) {
			continue
		}
		says := s.says(w.in)
		with := of[w.right.text(says)]
		if with == nil || with.done || with == w || with.in.Proof != w.in.Proof || with.right.text(says) != w.left.text(says) {
			continue
		}
		found = append(found, s.swapped(w, with))
		if w.in.Proof == domain.ProofCityHub {
			found = append(found, s.noTime(w, with)...)
			found = append(found, s.noTime(with, w)...)
		}
	}
	return found
}

// noTime says of one of two swapped rows that the time of its coordinates is neither's.
func (s *Search) noTime(w, with *wrong) []domain.Finding {
	time := rolesOf(w.in.Proof, s.Mask).keyTime
	if differs(w.left, w.right, time) == 0 || differs(with.left, w.right, time) == 0 {
		return nil
	}
	return s.altered(w, time)
}

// says is the columns by which a row names its place in the city: in the proof of the table that
// is its other place.
func (s *Search) says(in domain.Window) Mask {
	role := rolesOf(in.Proof, s.Mask)
	if in.Proof == domain.ProofHubDoris {
		return role.other
	}
	return role.key
}

// onlySays reports whether two rows differ in the place in the city that they name, with or
// without its time, and in nothing else.
func (s *Search) onlySays(w *wrong) bool {
	d := differs(w.left, w.right, s.Mask)
	return d&s.says(w.in) != 0 && d&^(s.says(w.in)|MaskOf(CityTime)) == 0
}

// onlyOther reports whether two rows differ in their other place and in nothing else.
func (s *Search) onlyOther(w *wrong) bool {
	role := rolesOf(w.in.Proof, s.Mask)
	d := differs(w.left, w.right, s.Mask)
	return d&role.other != 0 && d&^(role.other|role.otherTime) == 0
}
