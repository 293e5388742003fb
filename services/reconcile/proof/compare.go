package proof

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// Equal reports whether two vectors are of the same rows. Xor has no say: it is an extra, and
// what Doris makes of group_bit_xor is not the proof.
func Equal(left, right domain.Vector) bool {
	left.Xor, right.Xor = 0, 0
	return left == right
}

// Shape says for people what the difference between two vectors looks like ("" where they are
// equal). It is a first guess from eight numbers; what is wrong is said by the rows.
func Shape(left, right domain.Vector) string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	missing, copies := left.Distinct-right.Distinct, (right.Rows-right.Distinct)-(left.Rows-left.Distinct)
	outside := right.Distinct > 0 && (left.Distinct == 0 || right.Min < left.Min || right.Max > left.Max)
	switch {
	case Equal(left, right):
		return ""
	case missing > 0 && copies > 0 && left.Rows == right.Rows:
		say("as many rows on both sides, but %d lost behind %d doubled", missing, copies)
	case missing > 0:
		say("%d lost%s", missing, where(left, right))
	case missing < 0 && outside:
		say("%d from nowhere, outside of what should be there", -missing)
	case missing < 0:
		say("%d from nowhere", -missing)
	}
	if copies > 0 && left.Rows != right.Rows {
		say("%d doubled", copies)
	}
	if missing == 0 && copies <= 0 {
		switch {
		case left.Offsets != right.Offsets || left.Min != right.Min || left.Max != right.Max || copies < 0:
			say("as many rows, at other offsets")
		default:
			say("the same offsets with other contents: altered, swapped, or in another order")
		}
	}
	return strings.Join(out, ", ")
}

// where says whether what is missing is at an end or inside.
func where(left, right domain.Vector) string {
	switch head, tail := right.Min > left.Min, right.Max < left.Max; {
	case right.Rows == 0:
		return ": all of them"
	case head && tail:
		return " at both ends"
	case head:
		return " at the head"
	case tail:
		return " at the tail"
	}
	return ", a hole"
}
