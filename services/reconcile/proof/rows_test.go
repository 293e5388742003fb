package proof_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// TestExcluded: what the books list as left out may be missing and may be there (it was sent
// again by hand), but is then to be right; the vectors of a look without findings are equal.
func TestExcluded(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*short)
		want []string
		out  int64
	}{
		"missing": {func(x *short) { x.removed[spot{0, 7}] = true }, nil, 1},
		"there":   {func(*short) {}, nil, 0},
		"there and altered": {func(x *short) {
			x.put(0, 7, func(r *proof.Row) { r.Text[proof.Record] = "secret" })
		}, []string{`altered "record":  320100 0/7, hub 0/14`}, 0},
		"another one is missing": {func(x *short) {
			x.removed[spot{0, 7}], x.removed[spot{0, 8}] = true, true
		}, []string{`lost "":  320100 0/8, hub 0/16`}, 1},
	} {
		x := newShort(legs()[toDoris])
		x.s.Excluded = func(in proof.Range) domain.Spans {
			if in.Partition != 0 {
				return nil
			}
			return domain.Spans{{First: 14, Next: 15}}
		}
		c.do(x)
		look, err := x.s.Look(t.Context(), x.w.windows(x.of)[0])
		if err != nil {
			t.Fatal(err)
		}
		found, _, err := x.s.Findings(t.Context())
		if diff := cmp.Diff(c.want, told(found)); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", name, diff, err)
		}
		if look.Excluded != c.out || proof.Equal(look.Left, look.Right) != (len(c.want) == 0) || look.Left.Rows != 9990-c.out {
			t.Errorf("%s: %+v", name, look)
		}
	}
}

// TestThinned: a topic that compacts has thrown rows away that the journal still has; what it
// still has must be right all the same.
func TestThinned(t *testing.T) {
	x := newShort(legs()[2])
	left := x.s.Left.(*place)
	for o := int64(0); o < 4000; o += 3 {
		left.removed[spot{0, o}] = true
	}
	x.s.Thinned = func(in proof.Range) domain.Spans { return domain.Spans{in.Span} }
	in := x.w.windows(x.of)[0]
	look, err := x.s.Look(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	found, _, _ := x.s.Findings(t.Context())
	if gone := int64(1334 - 2); len(found) > 0 || look.Gone != gone || !proof.Equal(look.Left, look.Right) || look.Left.Rows != 4995-gone {
		t.Errorf("%v %+v", told(found), look)
	}
	x.removed[spot{0, 4}] = true
	x.put(0, 5, func(r *proof.Row) { r.Text[proof.CityTime] = "never" })
	if _, err := x.s.Look(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	found, _, _ = x.s.Findings(t.Context())
	want := []string{`altered "city_ts": nanjing 320100 0/5, hub 0/10`, `lost "": nanjing 320100 0/4, hub 0/8`}
	if diff := cmp.Diff(want, told(found)); diff != "" {
		t.Error(diff)
	}
}

// TestLimit: of many rows that are wrong, some are named and all are counted.
func TestLimit(t *testing.T) {
	x := newShort(legs()[toDoris])
	for o := int64(0); o < 100; o++ {
		x.removed[spot{0, o}] = true
	}
	for range 17_000 {
		x.added = append(x.added, x.w.row(0, 300, current)) // more than is held of one offset
	}
	x.s.Limit = 10
	got := x.find(t)
	if len(got) != 11 || got[9] != "doubled at city 0/300 hub 0/600: the table has these coordinates more than once, 17000 times" || got[10] != "and 91 more" {
		t.Errorf("%q", got)
	}
	x = newShort(legs()[toHub])
	for i := range int64(17_000) { // each in a place of its own
		r := x.w.row(0, 300, current)
		moveTo(&r, domain.Coord{Offset: 1_000_000 + i})
		x.added = append(x.added, r)
	}
	x.s.Limit = 10
	look, err := x.s.Look(t.Context(), x.w.windows(x.of)[0])
	if err != nil || look.Right.Rows != look.Left.Rows+17_000 || look.Right.Distinct != look.Left.Distinct {
		t.Errorf("%+v %v", look, err)
	}
	if _, more, err := x.s.Findings(t.Context()); more != 16_990 || err != nil {
		t.Errorf("%d more, %v", more, err)
	}
	if got := x.find(t); len(got) != 11 || got[9] != "doubled at city 0/300 hub 0/1000009: it is also at hub 0/600" || got[10] != "and 16990 more" {
		t.Errorf("%q", got)
	}
	if x = newShort(legs()[toDoris]); len(x.find(t)) > 0 {
		t.Error("found in a world that is right")
	}
}

// TestBisect: a range of millions of offsets is cut until few enough rows are left, and only
// those are read.
func TestBisect(t *testing.T) {
	w := newWorld(300_000)
	s, right := legs()[toDoris].search(w)
	right.removed[spot{0, 277_777}] = true
	in := w.windows(domain.ProofHubDoris)[0]
	in.Span = domain.Span{First: 3, Next: 599_001}
	look, err := s.Look(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if look.Rounds != 2 || look.Read > 2*2048 || look.Left.Rows != look.Right.Rows+1 || look.Left.Rows != 599_001-3-598 {
		t.Errorf("%+v", look)
	}
	found, _, err := s.Findings(t.Context())
	if got := told(found); err != nil || !slices.Equal(got, []string{`lost "":  320100 0/277777, hub 0/555554`}) {
		t.Errorf("%v %v", got, err)
	}
}

// asked is a place that remembers which rows were asked for.
type asked struct {
	*place
	ranges *[]domain.Span
}

func (a asked) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	*a.ranges = append(*a.ranges, in.Span)
	return a.place.Rows(ctx, in, each)
}

// TestParts: parts that differ are read together where they touch, up to 16,384 rows, and
// nothing between them is read, let alone counted twice.
func TestParts(t *testing.T) {
	for name, c := range map[string]struct {
		lost []int64
		want []domain.Span
	}{
		"apart":    {[]int64{0, 6000, 6001}, []domain.Span{{First: 0, Next: 2048}, {First: 10240, Next: 12288}}},
		"together": {[]int64{1000, 1100}, []domain.Span{{First: 0, Next: 4096}}},
		"all": {everyPart(), []domain.Span{
			{First: 0, Next: 16384},
			{First: 16384, Next: 32768},
			{First: 32768, Next: 49152},
			{First: 49152, Next: 65536},
		}},
	} {
		w := newWorld(40_000)
		s, right := legs()[toDoris].search(w)
		for _, o := range c.lost {
			right.removed[spot{0, o}] = true
		}
		var ranges []domain.Span
		s.Right = asked{right, &ranges}
		look, err := s.Look(t.Context(), w.windows(domain.ProofHubDoris)[0])
		if diff := cmp.Diff(c.want, ranges); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		n := int64(65_536 - 2*32)
		if look.Left.Rows != n || look.Right.Rows != n-int64(len(c.lost)) || look.Left.Distinct != n {
			t.Errorf("%s: %+v", name, look)
		}
	}
}

// TestClipped: a range that begins and ends inside of parts has no rows of what is beside it, and
// a part that the left has nothing in is not passed over.
func TestClipped(t *testing.T) {
	x := newShort(legs()[toDoris])
	for o := int64(0); o < 9; o++ {
		x.removed[spot{0, o}] = true
	}
	for _, at := range []int64{60_001, 60_003} {
		far := x.w.row(0, 999, current)
		moveTo(&far, domain.Coord{Offset: at})
		x.added = append(x.added, far)
	}
	in := x.w.windows(x.of)[0]
	in.Span = domain.Span{First: 13, Next: 60_002}
	if _, err := x.s.Look(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	found, _, err := x.s.Findings(t.Context())
	want := []string{
		`lost "":  320100 0/7, hub 0/14`,
		`lost "":  320100 0/8, hub 0/16`,
		`strayed "":  320100 0/999, hub 0/60001`,
	}
	if diff := cmp.Diff(want, told(found)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// everyPart has an offset in each part of a window; two lanes share the window.
func everyPart() (out []int64) {
	for o := int64(5); o < domain.WindowSize/2; o += 1024 {
		out = append(out, o)
	}
	return out
}

// crooked is a place that does not say what it was asked, or fails.
type crooked struct {
	*place
	vectors func(map[int64]domain.Vector) error
	rows    func(func(proof.Row) error) error
}

func (c crooked) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	out, err := c.place.Vectors(ctx, in, step, mask)
	if err == nil && c.vectors != nil {
		err = c.vectors(out)
	}
	return out, err
}

func (c crooked) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	if c.rows != nil {
		return c.rows(each)
	}
	return c.place.Rows(ctx, in, each)
}

// TestCrooked: an answer to another question is an error and no finding, and so is none.
func TestCrooked(t *testing.T) {
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		place crooked
		want  string
	}{
		"no vectors": {crooked{vectors: func(map[int64]domain.Vector) error { return gone }}, "vectors of doris: gone"},
		"a part that was not asked for": {crooked{vectors: func(m map[int64]domain.Vector) error {
			m[513] = vectorOf(513)
			return nil
		}}, "vectors of doris: the part at 513 has offsets 513 to 513, asked for steps of 512"},
		"an offset of another part": {crooked{vectors: func(m map[int64]domain.Vector) error {
			m[512] = vectorOf(1024)
			return nil
		}}, "vectors of doris: the part at 512 has offsets 1024 to 1024, asked for steps of 512"},
		"no rows": {crooked{rows: func(func(proof.Row) error) error { return gone }}, "rows [0,512) of doris: gone"},
		"a row that was not asked for": {crooked{rows: func(each func(proof.Row) error) error {
			return each(proof.Row{Offset: 512})
		}}, "rows [0,512) of doris: a row at offset 512, which was not asked for"},
		"more and more rows": {crooked{rows: func(each func(proof.Row) error) error {
			for i := range int64(100_000) {
				if err := each(proof.Row{Hub: domain.Coord{Offset: i}, Offset: i % 500}); err != nil {
					return err
				}
			}
			return nil
		}}, "rows [0,512) of doris: more rows than its vectors say; it changes while it is read"},
	} {
		x := newShort(legs()[toDoris])
		x.removed[spot{0, 7}] = true
		c.place.place = x.place
		found, err := proof.Drill(t.Context(), x.s.Left, c.place, x.w.windows(x.of)[0], proof.All)
		want := "compare hub partition 0 [0,10000) of hub with doris: " + c.want
		if err == nil || err.Error() != want || found != nil {
			t.Errorf("%s: %v\nwant %s", name, err, want)
		}
	}
}

// TestChanged: what was on its way when the vectors were made and is there when the rows are
// read is no finding.
func TestChanged(t *testing.T) {
	x := newShort(legs()[toDoris])
	x.removed[spot{0, 7}] = true
	late := crooked{place: x.place, vectors: func(map[int64]domain.Vector) error { clear(x.removed); return nil }}
	found, err := proof.Drill(t.Context(), x.s.Left, late, x.w.windows(x.of)[0], proof.All)
	if err != nil || len(found) > 0 {
		t.Errorf("%v %v", told(found), err)
	}
}
