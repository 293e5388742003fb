package report

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// partition is what the windows of one partition have to cover.
type partition struct {
	id      WindowID // without an index
	span    domain.Span
	rows    int64        // that its windows are to have
	empty   domain.Spans // offsets without a row, each a run that is listed
	windows []*Window
}

// partitions checks that the windows of each proof tile every partition of it: a window that
// was left out leaves a hole, or rows that are missing in the sum.
func (p *problems) partitions(r *Report) {
	parts := map[WindowID]*partition{}
	var order []*partition
	put := func(x *partition) {
		if slices.Contains(r.Scope.Proofs, x.id.Proof) {
			parts[x.id] = x
			order = append(order, x)
		}
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		put(&partition{
			id:   WindowID{domain.ProofCityHub, domain.SourceID(s.Source), s.Generation, s.Partition, 0},
			span: domain.Span{First: s.First, Next: s.Next}, rows: s.InHub + s.Pending,
		})
	}
	for _, h := range r.Hub {
		for _, proof := range r.Scope.Proofs {
			if ofHub(proof) {
				put(&partition{id: WindowID{Proof: proof, Partition: h.Partition}, span: domain.Span{First: h.First, Next: h.Next}, rows: h.Rows})
			}
		}
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		if x := parts[WindowID{domain.ProofCityHub, domain.SourceID(g.Source), g.Generation, g.Partition, 0}]; x != nil && g.Runs == 1 {
			x.empty, _ = x.empty.Add(domain.Span{First: g.First, Next: g.Next})
		}
	}
	for i := range r.Windows {
		w := &r.Windows[i]
		id := w.WindowID
		id.Index = 0
		if w.Proof == CityJournal {
			id.Proof = domain.ProofCityHub // read again is what was carried
		}
		switch x := parts[id]; {
		case x == nil:
			p.add(PartWindows, "%s %s is of no partition in the report", w.Proof, w.name())
		case w.Proof == CityJournal:
			p.window(w, x.span)
		default:
			x.windows = append(x.windows, w)
		}
	}
	for _, x := range order {
		p.tiles(x)
	}
}

func (p *problems) tiles(x *partition) {
	at, rows := x.span.First, int64(0)
	hole := func(next int64) {
		if left := x.empty.Gaps(domain.Span{First: at, Next: next}); len(left) > 0 {
			p.add(PartWindows, "%s leaves out offsets %v", x, left)
		}
	}
	for _, w := range x.windows { // by index
		p.window(w, x.span)
		in := w.within(x.span)
		if isPlan(x.id.Proof) { // windows of which it takes no row are not listed; the sum says that all others are
			at = max(at, in.First)
		}
		if in.First < at {
			p.add(PartWindows, "%s %s stands there twice", w.Proof, w.name())
		}
		hole(in.First)
		at = max(at, in.Next)
		rows += w.Rows
	}
	if !isPlan(x.id.Proof) {
		hole(x.span.Next)
	}
	if rows != x.rows {
		p.add(PartWindows, "the windows of %s come to %d rows; its books say %d", x, rows, x.rows)
	}
}

// within is the part of the window that belongs to a partition; empty where it has none.
func (w *Window) within(span domain.Span) domain.Span {
	if w.Index < 0 || w.Index >= math.MaxInt64/domain.WindowSize {
		return domain.Span{}
	}
	own := domain.Window(w.WindowID).Span()
	return domain.Span{First: max(own.First, span.First), Next: min(own.Next, span.Next)}
}

// window checks that one says what its vectors say.
func (p *problems) window(w *Window, span domain.Span) {
	in := w.within(span)
	bad := func(format string, args ...any) {
		p.add(PartWindows, "%s %s: "+format, append([]any{w.Proof, w.name()}, args...)...)
	}
	if in.Len() == 0 {
		bad("it lies outside %s", span)
		return
	}
	if w.First < in.First || w.First > w.Through || w.Through > in.Next || w.Rows < 0 || w.Pending < 0 || w.Pending > w.Rows {
		bad("[%d,%d) of %s was compared, %d rows with %d on their way", w.First, w.Through, in, w.Rows, w.Pending)
		return
	}
	left, right := Places(w.Proof)
	for i := range w.Witnesses {
		if name := w.Witnesses[i].Witness; name != left && name != right || i > 0 && name == w.Witnesses[0].Witness || len(w.Witnesses) == 2 && i == 0 && name != left {
			bad("the witnesses are to be %s and %s", left, right)
		}
		if text := w.Witnesses[i].Vector.impossible(w.First, w.Through); text != "" {
			bad("%s: %s", w.Witnesses[i].Witness, text)
		}
	}
	p.state(w, in, bad)
}

// state checks that what the vectors say allows the state.
func (p *problems) state(w *Window, in domain.Span, bad func(string, ...any)) {
	n, same := w.compared()
	two := len(w.Witnesses) == 2
	switch w.State {
	case domain.WindowVerified:
		whole := w.First == in.First && w.Through == in.Next || w.Proof == CityJournal // a city may have deleted some
		if !two || !same || !whole || n != w.Rows || w.Pending != 0 {
			bad("it is not verified: all of its %d rows in %s are to be the same in two places, and none on its way", w.Rows, in)
		}
	case domain.WindowOpen:
		if !same || two && w.First != in.First || n+w.Pending != w.Rows {
			bad("of an open window the prefix is to be the same in two places, and the others of its %d rows on their way", w.Rows)
		}
	case domain.WindowDiverged, domain.WindowSuspect:
		if !two || n+w.Pending > w.Rows {
			bad("two places are to be heard before they differ, over no more than its %d rows", w.Rows)
		}
	case domain.WindowSettling, domain.WindowBlocked:
		if !same || n+w.Pending > w.Rows {
			bad("what was compared is to be the same in two places, over no more than its %d rows", w.Rows)
		}
	case domain.WindowNotChecked, domain.WindowUnverifiable:
	default:
		bad("%q is no state", w.State)
	}
	if v := w.Witnesses; (w.State == domain.WindowVerified || w.State == domain.WindowOpen) && two && v[0].Vector.Distinct != v[0].Vector.Rows {
		bad("%d of its %d rows are there twice", v[0].Vector.Rows-v[0].Vector.Distinct, v[0].Vector.Rows)
	}
}

// impossible says why no rows in [first,through) have this vector; "" where some can.
func (v *Vector) impossible(first, through int64) string {
	if v.Rows == 0 {
		if *v != (Vector{}) {
			return "no rows have no sums"
		}
		return ""
	}
	if v.Distinct < 1 || v.Distinct > v.Rows || v.Min < first || v.Max < v.Min || v.Max >= through || v.Max-v.Min < v.Distinct-1 {
		return "so many rows are not between its lowest and its highest offset"
	}
	if v.Distinct != v.Rows {
		return ""
	}
	// All different: no sum is less than that of the first n offsets from min, with max; dense
	// rows leave one.
	n, sum := big.NewInt(v.Rows-1), new(big.Int)
	if _, ok := sum.SetString(v.Offsets.String(), 10); !ok {
		return "a sum is no number"
	}
	half := new(big.Int).Mul(n, new(big.Int).Sub(n, big.NewInt(1)))
	half.Rsh(half, 1) // 0 + 1 + … + n-1
	low := new(big.Int).Mul(n, big.NewInt(v.Min))
	low.Add(low.Add(low, half), big.NewInt(v.Max))
	high := new(big.Int).Mul(n, big.NewInt(v.Max))
	high.Sub(high, half).Add(high, big.NewInt(v.Min))
	if sum.Cmp(low) < 0 || sum.Cmp(high) > 0 {
		return "the sum of its offsets is not that of so many rows between its lowest and its highest"
	}
	return ""
}

// String names the partition for people.
func (x *partition) String() string {
	if ofHub(x.id.Proof) {
		return fmt.Sprintf("%s hub partition %d", x.id.Proof, x.id.Partition)
	}
	return fmt.Sprintf("%s %s/%d partition %d", x.id.Proof, x.id.Source, x.id.Generation, x.id.Partition)
}
