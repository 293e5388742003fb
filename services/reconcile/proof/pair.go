package proof

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// pairAgain pairs the hub's rows anew by all that they say. A witness that knows rows by their
// places (the journal's, whose word it is where the hub has them) pairs a row with the one whose
// place it has; rows that were exchanged, whole, are not altered in everything: each is right and
// in a wrong place. Only whole circles are paired anew.
func (s *Search) pairAgain() {
	of := map[string]*wrong{}
	for _, w := range s.other {
		if s.another(w) {
			of[w.left.text(s.whole(w.in))] = w
		}
	}
	seen := map[*wrong]bool{}
	for _, w := range s.other {
		if !s.another(w) || seen[w] {
			continue
		}
		circle := []*wrong{}
		at := w
		for at != nil && !seen[at] {
			seen[at] = true
			circle = append(circle, at)
			at = of[at.right.text(s.whole(at.in))]
		}
		if at != w || len(circle) < 2 {
			continue
		}
		last := circle[len(circle)-1].right // which is the first one's
		for i := len(circle) - 1; i > 0; i-- {
			circle[i].right = circle[i-1].right
		}
		circle[0].right = last
	}
}

// another reports whether what the hub has in a row's place says to be another row.
func (s *Search) another(w *wrong) bool {
	return w.in.Proof == domain.ProofCityHub && !w.done && differs(w.left, w.right, rolesOf(w.in.Proof, s.Mask).key) != 0
}

// whole is everything that a row says; where the hub has it is not said by the row.
func (s *Search) whole(in domain.Window) Mask {
	role := rolesOf(in.Proof, s.Mask)
	return s.Mask &^ (role.other | role.otherTime)
}

// takeCopied finds rows in whose place the hub has a copy of another one: they are lost, and the
// other one is doubled. The other one is in its window, or in one beside it.
func (s *Search) takeCopied(ctx context.Context) (found []domain.Finding, err error) {
	asked := 0
	for _, w := range s.other {
		role := rolesOf(w.in.Proof, s.Mask)
		if !s.another(w) || differs(w.left, w.right, role.key) != MaskOf(CityOffset)&s.Mask || differs(w.left, w.right, s.whole(w.in)&^role.key) == 0 {
			continue // of another partition, or it is the same row with another offset
		}
		if asked++; asked > askedFor {
			break // altered
		}
		offset := w.right.number(CityOffset)
		if offset < 0 {
			continue
		}
		in := Range{w.in, domain.Span{First: offset, Next: offset + 1}}
		in.Index = offset / domain.WindowSize
		var original *held
		err := s.Left.Rows(ctx, in, func(r Row) error {
			original = hold(r, s.Mask)
			return errFound
		})
		if err != nil && !errors.Is(err, errFound) {
			return nil, fmt.Errorf("the row that %s says to be, offset %d of %s in %s: %w", w.right.Hub, offset, in, s.Left.Name(), err)
		}
		if original == nil || differs(original, w.right, s.whole(w.in)) != 0 {
			continue
		}
		w.done = true
		lost := s.finding(domain.Lost, &wrong{in: w.in, left: w.left})
		lost.Detail = fmt.Sprintf("in its place %s has a copy of offset %d", s.nameOf(s.Right), offset)
		w.right.Offset = offset
		again := s.finding(domain.Doubled, &wrong{in: in.Window, right: w.right})
		again.Detail = fmt.Sprintf("it is also at hub %s, and has the place of offset %d here", original.Hub, w.left.Offset)
		found = append(found, lost, again)
	}
	return found, nil
}
