package proof

import "github.com/hefu-io/hefu/domain"

const (
	pageBits = 16
	pageSize = 1 << pageBits // offsets: a window's
	maxRuns  = 512           // 8 KiB of runs, as much as a page
)

// offsets is an exact set of offsets. Those that come in order are runs, a few bytes; once one
// comes out of order, or there are too many runs, they are pages of bits.
type offsets struct {
	runs  []domain.Span
	pages map[int64]*page
	at    int64 // the page that was used last
	last  *page
}

// page is a bit for each of 65,536 offsets. A full one needs no bits any more.
type page struct {
	bits *[pageSize / 64]uint64
	n    int
}

// add puts an offset into the set and reports whether it was not there before.
func (s *offsets) add(o int64) bool {
	if s.pages == nil {
		n := len(s.runs)
		switch {
		case n > 0 && o == s.runs[n-1].Next:
			s.runs[n-1].Next++
			return true
		case n > 0 && o >= s.runs[n-1].First && o < s.runs[n-1].Next:
			return false
		case n == 0 || o > s.runs[n-1].Next && n < maxRuns:
			s.runs = append(s.runs, domain.Span{First: o, Next: o + 1})
			return true
		}
		s.toPages()
	}
	return s.mark(o)
}

func (s *offsets) toPages() {
	s.pages = map[int64]*page{}
	for _, run := range s.runs {
		for o := run.First; o < run.Next; o++ {
			s.mark(o)
		}
	}
	s.runs = nil
}

func (s *offsets) mark(o int64) bool {
	if at := o >> pageBits; s.last == nil || at != s.at {
		if s.pages[at] == nil {
			s.pages[at] = &page{bits: new([pageSize / 64]uint64)}
		}
		s.at, s.last = at, s.pages[at]
	}
	p, i := s.last, o&(pageSize-1)
	if p.bits == nil || p.bits[i/64]>>(i%64)&1 != 0 {
		return false
	}
	p.bits[i/64] |= 1 << (i % 64)
	if p.n++; p.n == pageSize {
		p.bits = nil
	}
	return true
}
