package proof

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// Tally makes the vector of rows as they come, in any order and however often. It knows each
// offset that it saw, exactly, in 8 KiB per window at most and a few bytes while rows come in
// order. It is of one goroutine; without rows its vector is the empty one.
type Tally struct {
	Mask   Mask // the columns of the digest
	seen   offsets
	vector domain.Vector
}

// Add counts a row.
func (t *Tally) Add(r *Row) { t.AddDigest(r.Offset, Digest(r, t.Mask)) }

// AddDigest counts a row of which the digest is known.
func (t *Tally) AddDigest(offset, digest int64) {
	v := &t.vector
	if v.Rows == 0 || offset < v.Min {
		v.Min = offset
	}
	if v.Rows == 0 || offset > v.Max {
		v.Max = offset
	}
	v.Rows++
	if t.seen.add(offset) {
		v.Distinct++
	}
	v.Offsets = v.Offsets.Add(offset)
	v.Digest = v.Digest.Add(digest)
	v.Xor ^= uint64(digest)
}

// Vector is that of the rows so far.
func (t *Tally) Vector() domain.Vector { return t.vector }

// Join is the vector of two runs of offsets together. They may not overlap, or Distinct is wrong.
func Join(a, b domain.Vector) domain.Vector {
	switch {
	case a.Rows == 0:
		return b
	case b.Rows == 0:
		return a
	}
	return domain.Vector{
		Rows: a.Rows + b.Rows, Distinct: a.Distinct + b.Distinct,
		Min: min(a.Min, b.Min), Max: max(a.Max, b.Max),
		Offsets: a.Offsets.Plus(b.Offsets), Digest: a.Digest.Plus(b.Digest), Xor: a.Xor ^ b.Xor,
	}
}

// Tallies are those of many windows that one scan goes through. A window whose offsets were
// all seen keeps its vector and nothing else, as does one that is closed. It is of one
// goroutine; the zero value has the empty mask.
type Tallies struct {
	Mask   Mask
	open   map[domain.Window]*Tally
	closed map[domain.Window]domain.Vector
	window domain.Window // that of the row before, and its tally
	tally  *Tally
}

// Add counts a row in a window. A row of a window that was closed is an error: whether its
// offset was seen before is not known any more.
func (t *Tallies) Add(w domain.Window, r *Row) error {
	if t.tally == nil || w != t.window {
		if _, closed := t.closed[w]; closed {
			return fmt.Errorf("%s: a row at offset %d after the window was closed", w, r.Offset)
		}
		if t.open == nil {
			t.open, t.closed = map[domain.Window]*Tally{}, map[domain.Window]domain.Vector{}
		}
		if t.open[w] == nil {
			t.open[w] = &Tally{Mask: t.Mask}
		}
		t.window, t.tally = w, t.open[w]
	}
	t.tally.Add(r)
	return nil
}

// Close is the vector of a window of which no more rows come.
func (t *Tallies) Close(w domain.Window) domain.Vector {
	v := t.Vector(w)
	if t.open[w] != nil {
		t.closed[w] = v
		delete(t.open, w)
		t.tally = nil
	}
	return v
}

// Vector is that of the rows of a window so far.
func (t *Tallies) Vector(w domain.Window) domain.Vector {
	if open := t.open[w]; open != nil {
		return open.Vector()
	}
	return t.closed[w]
}

// Windows calls each for every window that has rows, in no order.
func (t *Tallies) Windows(each func(domain.Window, domain.Vector)) {
	for w, tally := range t.open {
		each(w, tally.Vector())
	}
	for w, v := range t.closed {
		each(w, v)
	}
}
