package proof

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

const (
	parts    = 32     // that a range is cut into
	maxRows  = 16_384 // of either side: fewer are read as rows
	maxHeld  = 65_536 // rows of one side in memory
	defLimit = 10_000 // findings
)

// Drill compares one range down to the rows and says what is wrong with the right side: the
// short form of a Search with one Look.
func Drill(ctx context.Context, left, right Witness, in Range, mask Mask) ([]domain.Finding, error) {
	s := Search{Left: left, Right: right, Mask: mask}
	if _, err := s.Look(ctx, in); err != nil {
		return nil, err
	}
	found, _, err := s.Findings(ctx)
	return found, err
}

// Search looks for rows of the right side that are not as the left side says. It looks at one
// range after the other and pairs what it finds, so that a row in the wrong window is one
// finding and not two. It holds what differs (at most Limit rows) and the rows of one part.
type Search struct {
	Left, Right Witness
	Mask        Mask // columns that are compared; the coordinates that make windows among them
	// Excluded are the offsets of a range which the books list as left out on the way: their
	// rows may be missing. One that is there after all (sent again by hand) is to be right.
	Excluded func(Range) domain.Spans
	// Thinned are the offsets of a range at which the left side may have thrown rows away since (a
	// compacted topic, one that was made anew): it cannot say of a row there that it lacks that it
	// comes from nowhere, also where the right side has another one beside it.
	Thinned func(Range) domain.Spans
	Limit   int // rows that differ and are held, 0: 10,000; the rest is counted only

	lost  []*wrong // no right row
	other []*wrong // a left and a right row that differ
	extra []*wrong // no left row that is not taken
	more  int64

	places []domain.Coord // of the hub, of the rows that the last Findings were of
}

// Look is what one look at a range found. The vectors are of its rows as they were compared:
// without the left's that may be missing and are, and without the right's that a thinned left
// cannot speak of. Where nothing is found they are equal.
type Look struct {
	Left, Right domain.Vector
	Excluded    int64 // rows of the left that may be missing and are
	Gone        int64 // rows of the right that a thinned left does not have any more
	Read        int64 // rows that were read on both sides
	Rounds      int   // of vectors
}

// Look compares a range: vectors of 32 parts, of those that differ again, and the rows of
// parts that have few enough. A range that changes meanwhile gives findings that the next
// look does not give: who calls it sees to it that both sides stand still (Life).
func (s *Search) Look(ctx context.Context, in Range) (Look, error) {
	var look Look
	if err := s.bisect(ctx, in, &look); err != nil {
		return look, fmt.Errorf("compare %s of %s with %s: %w", in, s.Left.Name(), s.Right.Name(), err)
	}
	return look, nil
}

func (s *Search) bisect(ctx context.Context, in Range, look *Look) error {
	if in.Len() == 0 {
		return nil
	}
	step := int64(1)
	for step*parts < in.Len() {
		step *= 2
	}
	look.Rounds++
	left, err := s.vectors(ctx, s.Left, in, step)
	if err != nil {
		return err
	}
	right, err := s.vectors(ctx, s.Right, in, step)
	if err != nil {
		return err
	}
	at := slices.Collect(maps.Keys(left))
	for first := range right {
		if _, both := left[first]; !both {
			at = append(at, first)
		}
	}
	slices.Sort(at)
	return s.takeParts(ctx, in, step, at, left, right, look)
}

// vectors asks a witness and demands that it answers what was asked.
func (s *Search) vectors(ctx context.Context, w Witness, in Range, step int64) (map[int64]domain.Vector, error) {
	got, err := w.Vectors(ctx, in, step, s.Mask)
	if err != nil {
		return nil, fmt.Errorf("vectors of %s: %w", w.Name(), err)
	}
	for first, v := range got {
		if first&(step-1) != 0 || v.Rows > 0 && (v.Min < max(first, in.First) || v.Max >= min(first+step, in.Next)) {
			return nil, fmt.Errorf("vectors of %s: the part at %d has offsets %d to %d, asked for steps of %d", w.Name(), first, v.Min, v.Max, step)
		}
	}
	return got, nil
}

// takeParts reads the rows of the parts that differ, neighbours together, and cuts those that
// have too many.
func (s *Search) takeParts(ctx context.Context, in Range, step int64, at []int64, left, right map[int64]domain.Vector, look *Look) error {
	var run domain.Span // parts that differ, to be read together
	rows := int64(0)
	flush := func() error {
		if run.Len() == 0 {
			return nil
		}
		err := s.rows(ctx, clip(in, run), look)
		run, rows = domain.Span{}, 0
		return err
	}
	for _, first := range at {
		l, r := left[first], right[first]
		if Equal(l, r) {
			look.Left, look.Right = Join(look.Left, l), Join(look.Right, r)
			continue
		}
		part := domain.Span{First: first, Next: first + step}
		n := max(l.Rows, r.Rows)
		if n > maxRows && step > 1 {
			if err := s.bisect(ctx, clip(in, part), look); err != nil {
				return err
			}
			continue
		}
		if run.Next != part.First || rows+n > maxRows {
			if err := flush(); err != nil {
				return err
			}
			run.First = part.First
		}
		run.Next = part.Next
		rows += n
	}
	return flush()
}

// Outside takes in a row of the right side that is in no window: of a city or a partition that
// nobody has. What the windows do not miss is from nowhere.
func (s *Search) Outside(p domain.Proof, r Row) {
	s.keep(&s.extra, 1, &wrong{in: domain.Window{Proof: p, Partition: -1}, right: hold(r, s.Mask)})
}

func clip(in Range, to domain.Span) Range {
	in.Span = domain.Span{First: max(in.First, to.First), Next: min(in.Next, to.Next)}
	return in
}
