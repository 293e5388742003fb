package reconcile

import (
	"cmp"
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// partSize is how many hub offsets have a vector of their own in the first question about a
// window: parts that differ are read as rows.
const partSize = 2048

// judged is a window that was compared.
type judged struct {
	id       domain.Window
	in       domain.Span   // of its offsets: what was asked for
	seen     domain.Vector // what the target said of all rows there: whether it stands still
	expected int64
	present  int64
	left     domain.Vector // of the plan's rows, as the journal has them
	right    domain.Vector // as the target has them, and whatever else is there that must not be
	missing  domain.Spans
	lost     []domain.Finding // of missing, with all that is known, as long as they are kept
	altered  domain.Spans     // offsets with a row that is not as it must be
	equal    []domain.EqualRows
	strays   []stray
}

// differs reports whether something is wrong with it.
func (w *judged) differs() bool {
	return len(w.missing)+len(w.altered)+len(w.equal)+len(w.strays) > 0
}

// judge compares what was gathered of a window; more says that the journal goes on behind it.
func (c *comparison) judge(ctx context.Context, g *gathered, more bool) error {
	rows := inPlaces(g.rows)
	first := slices.IndexFunc(rows, func(e expected) bool { return e.role != isOther })
	if first < 0 {
		return nil
	}
	last := len(rows) - 1
	for rows[last].role == isOther {
		last--
	}
	w := &judged{id: g.id, in: c.spanOf(g.id, int64(rows[first].at), int64(rows[last].at), more)}
	if before := c.judged[g.id]; before != nil {
		c.listed -= len(before.lost)
	}
	c.judged[g.id] = w
	got, err := c.side.Vectors(ctx, proof.Range{Window: g.id, Span: w.in}, partSize, c.mask)
	if err != nil {
		return err
	}
	l := &ledger{c: c, w: w, rows: rows, left: proof.Tally{Mask: c.mask}, right: proof.Tally{Mask: c.mask}}
	spans := l.parts(got)
	if len(spans) > 0 {
		if err := c.side.RowsAt(ctx, g.id.Partition, spans, l.see); err != nil {
			return err
		}
		l.close()
	}
	w.left, w.right = l.left.Vector(), l.right.Vector()
	return nil
}

// inPlaces sorts rows by where they are; of several at one place the last one counts, since the
// hub was cut and written again.
func inPlaces(rows []expected) []expected {
	if !slices.IsSortedFunc(rows, func(a, b expected) int { return cmp.Compare(a.at, b.at) }) {
		slices.SortStableFunc(rows, func(a, b expected) int { return cmp.Compare(a.at, b.at) })
	}
	out := rows[:0]
	for _, e := range rows {
		if n := len(out); n > 0 && out[n-1].at == e.at {
			out[n-1] = e
			continue
		}
		out = append(out, e)
	}
	return out
}

// spanOf is the offsets of a window that are asked for: from the partition's first row that is
// taken to its last one, as far as it is known yet.
func (c *comparison) spanOf(id domain.Window, first, last int64, more bool) domain.Span {
	whole := id.Span()
	taken := domain.Span{First: whole.First + first, Next: whole.First + last + 1}
	if in, again := c.only[id]; again {
		return in
	}
	before, began := c.ends[id.Partition]
	if !began {
		before = taken
	}
	c.ends[id.Partition] = domain.Span{First: min(before.First, taken.First), Next: max(before.Next, taken.Next)}
	if c.byHub() {
		return taken
	}
	if began {
		taken.First = whole.First
	}
	if more {
		taken.Next = whole.Next
	}
	return taken
}

// ledger is one window while its rows are compared.
type ledger struct {
	c           *comparison
	w           *judged
	rows        []expected
	left, right proof.Tally

	asked []bool // rows whose part differs
	seen  []sight
}

// sight is how often a row was seen, and how often as it must be.
type sight struct{ times, good int64 }

// parts compares the parts of the window, and gives the spans that are to be read as rows.
func (l *ledger) parts(got map[int64]domain.Vector) (spans domain.Spans) {
	l.asked, l.seen = make([]bool, len(l.rows)), make([]sight, len(l.rows))
	at := 0
	for part := l.w.in.First / partSize * partSize; part < l.w.in.Next; part += partSize {
		begin, odd := at, false
		have := proof.Tally{Mask: l.c.mask}
		for ; at < len(l.rows) && l.offset(at) < part+partSize; at++ {
			e := &l.rows[at]
			if !l.w.in.Contains(l.offset(at)) || e.role == isSpared || e.role == isOther && l.c.whole {
				continue
			}
			odd = odd || e.mask != l.c.mask
			have.AddDigest(l.offset(at), e.digest)
		}
		l.w.seen = proof.Join(l.w.seen, got[part])
		if !odd && proof.Equal(have.Vector(), got[part]) {
			l.same(begin, at)
			continue
		}
		spans = l.ask(spans, begin, at, domain.Span{First: max(part, l.w.in.First), Next: min(part+partSize, l.w.in.Next)})
	}
	return spans
}

func (l *ledger) offset(i int) int64 { return l.w.id.Span().First + int64(l.rows[i].at) }

// same takes in rows of a part that is the same on both sides.
func (l *ledger) same(begin, end int) {
	for i := begin; i < end; i++ {
		if e := &l.rows[i]; e.role == isTaken {
			l.left.AddDigest(l.offset(i), e.digest)
			l.right.AddDigest(l.offset(i), e.digest)
			l.w.expected++
			l.w.present++
		}
	}
}

// ask adds what is to be read of a part: all of it, or the places that the plan names.
func (l *ledger) ask(spans domain.Spans, begin, end int, part domain.Span) domain.Spans {
	for i := begin; i < end; i++ {
		l.asked[i] = l.rows[i].role != isOther
		if l.c.named() && l.asked[i] {
			spans = with(spans, l.offset(i))
		}
	}
	if !l.c.named() {
		spans, _ = spans.Add(part)
	}
	return spans
}

// see takes in a row of the target.
func (l *ledger) see(r *proof.Row) error {
	base := l.w.id.Span().First
	i, there := slices.BinarySearchFunc(l.rows, r.Offset, func(e expected, offset int64) int { return cmp.Compare(base+int64(e.at), offset) })
	switch {
	case !there, l.rows[i].role == isOther && l.c.whole:
		l.w.strays = append(l.w.strays, strayOf(r, l.w.id.Partition))
		l.right.AddDigest(r.Offset, proof.Digest(r, l.c.mask))
	case l.rows[i].role == isOther:
	default:
		digest := proof.Digest(r, l.rows[i].mask)
		l.right.AddDigest(r.Offset, digest)
		l.seen[i].times++
		if digest == l.rows[i].digest {
			l.seen[i].good++
		}
	}
	return nil
}

// close says of each row that was asked for what became of it.
func (l *ledger) close() {
	w := l.w
	for i := range l.rows {
		e, saw, at := &l.rows[i], l.seen[i], l.offset(i)
		if !l.asked[i] || e.role == isSpared && saw.times == 0 {
			continue
		}
		l.left.AddDigest(at, e.digest)
		w.expected++
		switch {
		case saw.times == 0:
			w.missing = with(w.missing, at)
			l.lose(e, at)
		case saw.times > 1:
			w.equal = append(w.equal, domain.EqualRows{Key: domain.RowKey{Partition: w.id.Partition, Offset: at}, Times: saw.times})
		case saw.good == 1:
			w.present++
		}
		if saw.good < saw.times {
			w.altered = with(w.altered, at)
		}
	}
}

// lose keeps the coordinates of a row that is not there.
func (l *ledger) lose(e *expected, at int64) {
	if l.c.listed >= keptFindings {
		return
	}
	l.c.listed++
	f := domain.Finding{
		Class: domain.Lost, Where: l.c.side.Name(), Source: e.of.source, Generation: e.of.generation, City: e.of.city,
		Detail: "the journal has it and " + placeName(l.c.side.Name()) + " does not",
	}
	f.Row.City = domain.Coord{Partition: int32(e.of.partition), Offset: e.city, Timestamp: -1} //nolint:gosec // as the journal has it
	f.Row.Hub = domain.Coord{Partition: l.w.id.Partition, Offset: at, Timestamp: -1}
	l.w.lost = append(l.w.lost, f)
}

// placeName is a target in a sentence.
func placeName(side string) string {
	if side == "doris" {
		return "the table"
	}
	return "the " + side
}
