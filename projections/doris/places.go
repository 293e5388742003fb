package doris

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// maxRanges bounds the ranges of one statement, and with them its length: a parser's depth is
// bounded too.
const maxRanges = 400

// hubPlaces are hub offsets, by hub partition.
type hubPlaces map[int32]domain.Spans

// add puts a span in. They come nearly in order: one that does is appended, since a set is
// copied for any other.
func (p hubPlaces) add(h int32, s domain.Span) {
	set := p[h]
	switch n := len(set); {
	case n > 0 && set[n-1].Next == s.First:
		set[n-1].Next = s.Next
	case n == 0 || set[n-1].Next < s.First:
		p[h] = append(set, s)
	default:
		p[h], _ = set.Add(s)
	}
}

// bounding is, of each hub partition, the one span that holds all of its places.
func (p hubPlaces) bounding() hubPlaces {
	out := hubPlaces{}
	for h, set := range p {
		out[h] = domain.Spans{{First: set[0].First, Next: set[len(set)-1].Next}}
	}
	return out
}

// where is the condition of a statement for some places of a hub partition.
func where(h int32, at domain.Spans) string {
	var ranges []string
	for _, s := range at {
		if s.Len() == 1 {
			ranges = append(ranges, fmt.Sprintf("%s = %d", keyOffset, s.First))
			continue
		}
		ranges = append(ranges, fmt.Sprintf("%s >= %d AND %s < %d", keyOffset, s.First, keyOffset, s.Next))
	}
	return fmt.Sprintf(" WHERE %s = %d AND (%s)", keyPartition, h, strings.Join(ranges, " OR "))
}
