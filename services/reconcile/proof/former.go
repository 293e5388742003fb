package proof

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// generationsBack is how many former generations are asked for a row that does not belong.
const generationsBack = 8

// formerRows are, by offset, what the left side had in former generations of the source
// partition where the right side has a row that is not this generation's: a topic that was
// made anew gives the same offsets to other rows. They are asked for only then.
func (s *Search) formerRows(ctx context.Context, in Range, all slots) (map[int64][]*held, error) {
	wanted := domain.Span{First: in.Next, Next: in.First}
	for o, here := range all {
		if here.unmatched() {
			wanted = domain.Span{First: min(wanted.First, o), Next: max(wanted.Next, o+1)}
		}
	}
	if in.Proof != domain.ProofCityHub || wanted.Len() == 0 {
		return nil, nil
	}
	former := map[int64][]*held{}
	kept := 0
	for g := in.Generation; g > 1 && in.Generation-g < generationsBack; {
		g--
		then := clip(in, wanted)
		then.Generation = g
		err := s.Left.Rows(ctx, then, func(r Row) error {
			here := all[r.Offset]
			if here == nil || kept >= maxHeld || !here.unmatched() {
				return nil
			}
			kept++
			h := hold(r, s.Mask)
			h.Generation = g
			former[r.Offset] = append(former[r.Offset], h)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("rows %s of %s in generation %d: %w", then.Span, s.Left.Name(), g, err)
		}
	}
	return former, nil
}

// unmatched reports whether the right side has a row here that is not like the left's.
func (s *slot) unmatched() bool {
	for _, r := range s.right {
		if r.copies > 0 {
			return true
		}
	}
	return false
}
