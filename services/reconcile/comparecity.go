package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// cityKey is a partition of a city as rows say it.
type cityKey struct {
	city      domain.City
	partition int64
}

// cityPart is the rows of a partition of a city that a comparison is about, of whichever
// generation, and what the journal has between them.
type cityPart struct {
	cityKey
	source     domain.SourceID
	generation domain.Generation

	spans domain.Spans // of its offsets that are taken; markers between two of them count in
	last  int64
	run   bool // the row before was taken, too
	sums  map[int64]*citySum
}

// citySum is the rows of one window of city offsets.
type citySum struct {
	rows            int64
	offsets, digest domain.Sum
}

// cityOf is the city's partition of a row, and its offset there.
func (c *comparison) cityOf(e *origin.Expected, row *proof.Row) (*cityPart, int64) {
	key, offset := cityKey{domain.City(row.Text[proof.City]), int64(e.City.Partition)}, e.City.Offset
	if c.reader != nil { // where the hub is the source, the row itself says it
		key.partition, offset = number(row.Text[proof.CityPartition]), number(row.Text[proof.CityOffset])
	}
	p := c.cities[key]
	if p == nil {
		p = &cityPart{cityKey: key, last: math.MinInt64, sums: map[int64]*citySum{}}
		c.cities[key] = p
	}
	p.source, p.generation = e.Source, e.Generation
	return p, offset
}

// take takes in a row, in the order of the hub.
func (p *cityPart) take(offset int64, is role, row *proof.Row, strict bool) {
	at := offset / domain.WindowSize
	s := p.sums[at]
	if s == nil {
		s = &citySum{}
		p.sums[at] = s
	}
	s.rows++
	s.offsets, s.digest = s.offsets.Add(offset), s.digest.Add(proof.Digest(row, target.Coordinates))
	if is == isOther {
		p.run = false
		return
	}
	if n := len(p.spans); n > 0 && p.run && (offset == p.last+1 || offset > p.last && !strict) {
		p.spans[n-1].Next = offset + 1
	} else {
		p.spans = append(p.spans, domain.Span{First: offset, Next: offset + 1})
	}
	p.last, p.run = offset, true
}

// arrange puts the spans in order.
func (p *cityPart) arrange() {
	slices.SortFunc(p.spans, func(a, b domain.Span) int { return cmp.Compare(a.First, b.First) })
	out := p.spans[:0]
	for _, s := range p.spans {
		if n := len(out); n > 0 && s.First <= out[n-1].Next {
			out[n-1].Next = max(out[n-1].Next, s.Next)
		} else {
			out = append(out, s)
		}
	}
	p.spans = out
}

// stray is a row of the target under a key at which the plan has none.
type stray struct {
	key  domain.RowKey
	says domain.Coord // which row of its city
	city domain.City
	dup  bool // the plan has that row, under another key
}

func strayOf(r *proof.Row, partition int32) stray {
	s := stray{key: domain.RowKey{Partition: partition, Offset: r.Offset}, city: domain.City(r.Text[proof.City])}
	s.says = domain.Coord{Partition: narrow(number(r.Text[proof.CityPartition])), Offset: number(r.Text[proof.CityOffset]), Timestamp: -1}
	return s
}

// narrow is a partition, -1 where no topic has such a one.
func narrow(n int64) int32 {
	if n < 0 || n > math.MaxInt32 {
		return -1
	}
	return int32(n)
}

// beside looks for rows of the target where the plan has none.
func (c *comparison) beside(ctx context.Context) error {
	for _, p := range c.cities {
		p.arrange()
	}
	for h, in := range c.unplaced() {
		err := c.side.RowsAt(ctx, h, in, func(r *proof.Row) error { return c.stray(strayOf(r, h)) })
		if err != nil {
			return err
		}
	}
	for _, w := range c.judged {
		for _, s := range w.strays {
			if err := c.stray(s); err != nil {
				return err
			}
		}
	}
	switch side := c.side.(type) {
	case *files:
		inside, _ := c.inside()
		for _, f := range side.broken {
			c.broken.add(f)
		}
		return side.outside(inside, c.stray)
	case *target.DorisWitness:
		if c.whole {
			return c.sweep(ctx, side)
		}
		return c.byCity(ctx, side)
	}
	return nil
}

// inside is what was looked at, by hub partition, and how many rows of the target lie there.
func (c *comparison) inside() (in map[int64]domain.Spans, rows map[int64]int64) {
	in, rows = map[int64]domain.Spans{}, map[int64]int64{}
	for _, w := range c.judged {
		h := int64(w.id.Partition)
		in[h], _ = in[h].Add(w.in)
		rows[h] += w.seen.Rows
	}
	return in, rows
}

// unplaced are the places that the plan names and the lanes have no row at.
func (c *comparison) unplaced() map[int32]domain.Spans {
	named, out := map[int32]domain.Spans{}, map[int32]domain.Spans{}
	if c.whole {
		return nil // all that is outside of the windows is looked for
	}
	for _, s := range c.rows.Hub {
		if n := named[s.Partition]; len(n) > 0 && n[len(n)-1].Next < s.Span.First {
			named[s.Partition] = append(n, s.Span)
		} else {
			named[s.Partition], _ = n.Add(s.Span)
		}
	}
	for h, list := range named {
		var left domain.Spans
		taken := c.taken[h]
		for _, s := range list {
			left = append(left, taken.Within(s).Gaps(s)...)
		}
		if len(left) > 0 {
			out[h] = left
		}
	}
	return out
}

// stray takes in a row. More of them than are kept are an error: then nothing about the table
// is as it should be, and no list of them helps.
func (c *comparison) stray(s stray) error {
	if len(c.strays) >= keptStrays {
		return fmt.Errorf("%s has more than %d rows that the journal has nowhere: it is not the table that it is taken for", placeName(c.side.Name()), keptStrays)
	}
	if p := c.cities[cityKey{s.city, int64(s.says.Partition)}]; p != nil {
		s.dup = p.spans.Contains(s.says.Offset)
	}
	c.strays[s.key] = s
	return nil
}

// keptStrays bounds the keys that are held, some hundred bytes each.
const keptStrays = 1_000_000

// sweep finds the rows of a table of the plan's own outside of all windows.
func (c *comparison) sweep(ctx context.Context, table *target.DorisWitness) error {
	there, err := table.Sweep(ctx)
	if err != nil {
		return err
	}
	inside, rows := c.inside()
	for _, p := range there {
		if p.Rows == rows[p.Partition] {
			continue
		}
		if err := table.KeysOutside(ctx, p.Partition, inside[p.Partition], c.strayKey); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) strayKey(k target.Key) error {
	return c.stray(stray{
		key:  domain.RowKey{Partition: narrow(k.Partition), Offset: k.Offset},
		says: domain.Coord{Partition: narrow(k.CityPartition), Offset: k.CityOffset, Timestamp: -1}, city: k.City,
	})
}

// byCity finds the rows of a table that say to be rows of the plan and have another key than the
// journal has for them.
func (c *comparison) byCity(ctx context.Context, table *target.DorisWitness) error {
	for _, p := range c.cities {
		taken := p.spans
		if len(taken) == 0 {
			continue
		}
		c.say(fmt.Sprintf("looking for rows of city %s partition %d under other keys", p.city, p.partition))
		odd, err := c.oddWindows(ctx, table, p, taken)
		if err != nil {
			return err
		}
		var in domain.Spans
		for _, w := range odd {
			in = append(in, taken.Within(w)...)
		}
		if err := c.keysOf(ctx, table, p, in); err != nil {
			return err
		}
	}
	return c.unknown(ctx)
}

// oddWindows are the windows of a city's partition of which the table does not have just what
// the journal has. Where little of what lies between is known, that is all of them.
func (c *comparison) oddWindows(ctx context.Context, table *target.DorisWitness, p *cityPart, taken domain.Spans) (odd []domain.Span, err error) {
	all := domain.Span{First: taken[0].First, Next: taken[len(taken)-1].Next}
	got := map[int64]domain.Vector{}
	ask := !c.strict() && c.digests
	if ask {
		if got, err = table.CityVectors(ctx, p.city, p.partition, all, domain.WindowSize, target.Coordinates); err != nil {
			return nil, err
		}
	}
	at := int64(math.MinInt64)
	for _, s := range taken {
		for index := s.First / domain.WindowSize; index <= (s.Next-1)/domain.WindowSize; index++ {
			if index == at {
				continue
			}
			at = index
			sum, v := p.sums[index], got[index*domain.WindowSize]
			whole := index > all.First/domain.WindowSize && index < (all.Next-1)/domain.WindowSize
			if ask && sum != nil && (whole || c.rows.All()) && v.Rows == sum.rows && v.Offsets == sum.offsets && v.Digest == sum.digest {
				continue
			}
			odd = append(odd, domain.Span{First: index * domain.WindowSize, Next: (index + 1) * domain.WindowSize})
		}
	}
	return odd, nil
}

// keysOf reads the keys of rows that say to be of some spans of a city's partition. Which of them
// the journal has is looked up when all are read.
func (c *comparison) keysOf(ctx context.Context, table *target.DorisWitness, p *cityPart, in domain.Spans) error {
	if len(in) == 0 {
		return nil
	}
	if err := c.know(ctx); err != nil {
		return err
	}
	return table.CityKeys(ctx, p.city, p.partition, in, func(k target.Key) error {
		if h := narrow(k.Partition); h >= 0 && c.placed.Has(h, k.Offset) {
			return nil
		}
		return c.strayKey(k)
	})
}

// know reads where the journal has rows, once.
func (c *comparison) know(ctx context.Context) error {
	if c.placed != nil {
		return nil
	}
	c.placed = c.in.NewPlaced()
	return c.placed.Read(ctx)
}

// unknown leaves of the strays those that the journal has nowhere, now.
func (c *comparison) unknown(ctx context.Context) error {
	if len(c.strays) == 0 {
		return nil
	}
	if c.placed == nil {
		c.placed = c.in.NewPlaced()
	}
	if err := c.placed.Read(ctx); err != nil {
		return err
	}
	for key := range c.strays {
		if c.placed.Has(key.Partition, key.Offset) {
			delete(c.strays, key)
		}
	}
	return nil
}
