package proof

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// finding names the row, by what should be there where something should.
func (s *Search) finding(class domain.Class, w *wrong) domain.Finding {
	f := domain.Finding{Class: class, Where: s.Right.Name(), Source: w.in.Source, Generation: w.in.Generation}
	h := w.left
	if h == nil {
		h = w.right
	}
	if city, err := domain.ParseCity(h.Text[City]); err == nil {
		f.City = city
	}
	f.Row.City, f.Row.Hub = h.city(), h.Hub
	if w.right != nil {
		f.Row.Hub = w.right.Hub
	}
	switch {
	case w.in.Partition < 0: // in no window: as it says itself
	case w.in.Proof == domain.ProofCityHub:
		f.Row.City = domain.Coord{Partition: w.in.Partition, Offset: h.Offset, Timestamp: -1}
	default:
		f.Row.Hub = domain.Coord{Partition: w.in.Partition, Offset: h.Offset, Timestamp: h.Hub.Timestamp}
	}
	return f
}

// altered is a finding for each of some columns.
func (s *Search) altered(w *wrong, d Mask) (found []domain.Finding) {
	w.done = true
	for c := range Columns {
		if !d.Has(c) {
			continue
		}
		f := s.finding(domain.Altered, w)
		f.Column = ColumnName(c)
		f.Detail = fmt.Sprintf("should be %s, is %s", w.left.shown(c), w.right.shown(c))
		if c == Record {
			f.Detail = fmt.Sprintf("should be %s (%s), is another text (%s)", s.textOf(), w.left.shown(c), w.right.shown(c))
		}
		found = append(found, f)
	}
	return found
}

// textOf is whose text a record should be.
func (s *Search) textOf() string {
	if s.Left.Name() == "hub" {
		return "the hub's text"
	}
	return "the city's text"
}

// nameOf is a witness in a sentence.
func (s *Search) nameOf(w Witness) string {
	switch name := w.Name(); name {
	case "doris":
		return "the table"
	default:
		return "the " + name
	}
}

// swapped is one finding for two rows: that of the one whose place in the hub is the lower, so
// that the proof of the hub and the one of the table name the same of them.
func (s *Search) swapped(a, b *wrong) domain.Finding {
	a.done, b.done = true, true
	f, other := s.finding(domain.Swapped, a), s.finding(domain.Swapped, b)
	at, with := position(a.left), position(b.left)
	if cmp.Or(cmp.Compare(at.Partition, with.Partition), cmp.Compare(at.Offset, with.Offset), inPlace(f, other)) > 0 {
		f, other = other, f
	}
	f.Detail = fmt.Sprintf("this row (city %s, hub %s) and another (city %s, hub %s) have each other's coordinates",
		f.Row.City, f.Row.Hub, other.Row.City, other.Row.Hub)
	if other.Source != f.Source {
		f.Detail += fmt.Sprintf("; the other one is of %s", other.Source)
	}
	return f
}

// reordered is a row that the hub has in another place than in its city's order.
func (s *Search) reordered(w *wrong, slotOf map[domain.Coord]*held) []domain.Finding {
	w.done = true
	f := s.finding(domain.Reordered, w)
	f.Detail = fmt.Sprintf("it should be at hub %s and is at %s, out of the order of its city", position(w.left), position(w.right))
	return append([]domain.Finding{f}, s.lateTime(w, slotOf)...)
}

// ofExtra says what a row is that nothing on the left stands for.
func (s *Search) ofExtra(w *wrong) domain.Finding {
	var detail []string
	class := domain.Strayed
	switch {
	case w.former != 0:
		class = domain.Former
		detail = append(detail, fmt.Sprintf("it is of generation %d of the source partition", w.former))
	case w.of == nil:
		detail = append(detail, s.nameOf(s.Left)+" has no row with these coordinates")
	default:
		class = domain.Doubled
		role := rolesOf(w.in.Proof, s.Mask)
		if w.first != nil && w.first.Hub != w.right.Hub {
			detail = append(detail, fmt.Sprintf("it is also at hub %s", w.first.Hub))
		} else {
			detail = append(detail, s.nameOf(s.Right)+" has these coordinates more than once")
		}
		if d := differs(w.of, w.right, s.Mask&^(role.other|role.otherTime)); d != 0 {
			detail = append(detail, "and this one is altered: "+columns(d))
		}
	}
	if n := w.right.copies; n > 1 {
		detail = append(detail, fmt.Sprintf("%d times", n))
	}
	f := s.finding(class, w)
	f.Detail = strings.Join(detail, ", ")
	return f
}
