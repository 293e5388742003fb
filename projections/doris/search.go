package doris

import (
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// Rows that Doris refuses are looked for with loads that allow every refusal and are
// aborted again. Each says how many of its rows were refused, and its error log may name
// some: a back end keeps the first 50 and gives no row with what it finds wrong while it
// writes (be/src/runtime/runtime_state.cpp, be/src/vec/sink/vtablet_block_convertor.cpp),
// so that the counts decide and the log is only a short cut. What to look at next is
// decided here, without Doris.

const (
	// maxProbes bounds the loads of one search: each puts an aborted transaction into the
	// queue of 2,000 that committed labels live in. What it found by then is left out, and
	// the next search begins after another load.
	maxProbes = 64
	// maxRefused bounds the rows that one batch leaves out. More than that are no rows
	// that are wrong, but a table that is.
	maxRefused = 1_000
)

// errContradicts says that counts or names of Doris cannot all be true.
var errContradicts = errors.New("what Doris says of the same rows does not add up")

// suspects are rows of a batch, side by side, some of which Doris refuses.
type suspects struct {
	domain.DorisProbe
	refused int64 // how many of them; unasked before the first probe
	asked   bool  // a probe took just these
	said    said
}

const unasked = -1

// said is a line of Doris's about one of some refused rows.
type said struct {
	line string
	of   int64 // the refused rows that it may be about
}

// search is what is known so far. It lives in memory only: after a crash it starts again.
type search struct {
	open    []suspects       // the last one is looked at next
	refused map[int64]string // by the place in the batch, with Doris's words
	total   int64            // that Doris refuses, unasked before the first probe
	probes  int
	named   bool // an error log named a row: it pays to ask for one
}

// newSearch begins with all rows of a batch.
func newSearch(rows int64) *search {
	return &search{
		open: []suspects{{DorisProbe: domain.DorisProbe{Next: rows}, refused: unasked}}, refused: map[int64]string{}, total: unasked,
	}
}

// next is what to look at next. Without one the search is over; it found everything
// unless it came to its bounds.
func (s *search) next() (domain.DorisProbe, bool) {
	if len(s.open) == 0 || s.givenUp() {
		return domain.DorisProbe{}, false
	}
	top := &s.open[len(s.open)-1]
	if top.refused == unasked || s.named && !top.asked {
		return top.DorisProbe, true
	}
	return domain.DorisProbe{First: top.First, Next: top.First + (top.Next-top.First)/2}, true
}

// String is how far it is, for people.
func (s *search) String() string {
	if s.total == unasked {
		return "looking for rows that Doris refuses"
	}
	return fmt.Sprintf("looking for rows that Doris refuses: %d of %d are found after %d probes", len(s.refused), s.total, s.probes)
}

// givenUp reports whether there is more than a search may look for, or than is left out.
func (s *search) givenUp() bool {
	return len(s.open) > 0 && (s.probes >= maxProbes || s.total > maxRefused)
}

// learn takes what a probe of next found: how many of its rows Doris refuses, which of
// them its error log names, with the line of each, and any line for the others. Errors:
// errContradicts.
func (s *search) learn(p domain.DorisProbe, refused int64, named map[int64]string, line string) error {
	s.probes++
	top := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	for place, line := range named {
		s.refused[place], s.named = line, true
	}
	words := said{line, refused}
	if line == "" {
		words = top.said
	}
	looked := suspects{DorisProbe: p, refused: refused, asked: true, said: words}
	if p == top.DorisProbe {
		if top.refused != unasked && top.refused != refused {
			return fmt.Errorf("%w: %d of rows %d to %d are refused, and then %d", errContradicts, top.refused, p.First, p.Next-1, refused)
		}
		if s.total == unasked {
			s.total = refused
		}
		return s.narrow(looked)
	}
	rest := suspects{DorisProbe: domain.DorisProbe{First: p.Next, Next: top.Next}, refused: top.refused - refused, said: top.said}
	if err := s.narrow(rest); err != nil {
		return err
	}
	return s.narrow(looked)
}

// narrow keeps suspects open unless it is plain which of them are refused.
func (s *search) narrow(of suspects) error {
	known := int64(0)
	for place := range s.refused {
		if of.First <= place && place < of.Next {
			known++
		}
	}
	switch rows := of.Next - of.First; {
	case of.refused < known || of.refused > rows:
		return fmt.Errorf("%w: %d of rows %d to %d are refused, %d of them by name", errContradicts, of.refused, of.First, of.Next-1, known)
	case of.refused == known:
	case of.refused == rows && rows <= maxRefused:
		for place := of.First; place < of.Next; place++ {
			if _, named := s.refused[place]; !named {
				s.refused[place] = of.said.words()
			}
		}
	default:
		s.open = append(s.open, of)
	}
	return nil
}

// words are what Doris said of a row that it did not name.
func (s said) words() string {
	switch {
	case s.line == "":
		return "Doris gives no reason"
	case s.of > 1:
		return fmt.Sprintf("one of %d rows, of one of which Doris says: %s", s.of, s.line)
	}
	return s.line
}
