package lineage

import (
	"iter"

	"github.com/hefu-io/hefu/domain"
)

// block is what one intent carries: the rows of all outcomes in [first, last], in the order
// of the journal.
type block struct {
	first, last domain.Ref
	lines       []line
	digest      domain.Sum
	excluded    int64
}

// line is a row before it is written; what it has in common with those beside it stands once.
type line struct {
	of         *Row
	cityOffset int64
	cityTime   int64
	hubOffset  int64
	length     int64
	digest     uint64
	state      State
}

// row is the whole of a line, as of a block.
func (l *line) row(begun domain.Seq) Row {
	r := *l.of
	r.Block, r.State, r.Length, r.Digest = begun, l.state, l.length, l.digest
	r.Place.City.Offset, r.Place.City.Timestamp, r.Place.Hub.Offset = l.cityOffset, l.cityTime, l.hubOffset
	return r
}

func (b *block) add(l line) {
	b.lines = append(b.lines, l)
	b.digest = b.digest.Add(int64(l.digest))
	if l.state != InTable {
		b.excluded++
	}
}

// parts cuts a block for its INSERTs: after most rows, and where a day ends, since a part of
// the table is of one day and only a part is taken whole or not at all.
func (b *block) parts(most int64) iter.Seq2[int, []line] {
	return func(yield func(int, []line) bool) {
		rest := b.lines
		for n := 0; len(rest) > 0; n++ {
			day, end := dayOf(rest[0].of.Extract), 1
			for end < len(rest) && int64(end) < most && dayOf(rest[end].of.Extract) == day {
				end++
			}
			if !yield(n, rest[:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// days are the first and the last extract time of the rows; they rise along a stream.
func (b *block) days() (first, last domain.Micros) {
	if len(b.lines) == 0 {
		return 0, 0
	}
	return b.lines[0].of.Extract, b.lines[len(b.lines)-1].of.Extract
}

// dayOf is the partition of the table, counted in days.
func dayOf(m domain.Micros) int64 {
	const micros = 24 * 60 * 60 * 1_000_000
	return int64(m) / micros
}
