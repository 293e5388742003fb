package origin

import (
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// note is what later legs need to know of an ingest event.
type note struct {
	extract domain.Micros
	keys    []domain.PartitionKey // of its runs
	rows    []int64               // of its runs
	next    []int64               // behind them
	windows []domain.Window       // of the cities, that it has rows of
}

// addIngest folds in an event of the ingest stream. It fails never: what is wrong is a finding,
// and the books go on from there.
func (b *Books) addIngest(e *journal.Entry) error {
	switch ev := e.Event.(type) {
	case *domain.SourceOpened:
		b.sourceOpened(ev)
	case *domain.Ingested:
		b.ingested(e, ev)
	}
	if after := domain.PositionsOf(e.Event); after != nil {
		b.positions = after
	}
	return nil
}

func (b *Books) sourceOpened(e *domain.SourceOpened) {
	for _, s := range e.Starts {
		key := domain.PartitionKey{Source: e.Source, Generation: e.Generation, Partition: s.Partition}
		a := &domain.Account{PartitionKey: key, First: min(s.LogStart, s.First), Next: s.First, Gaps: map[domain.Reason]int64{}}
		if s.First > s.LogStart {
			a.Gaps[domain.ReasonStartPolicy] = s.First - s.LogStart
		}
		if b.o.config.Direct {
			b.madeAnew(key)
		}
		b.accounts[key], b.opened[key] = a, e
	}
}

func (b *Books) ingested(e *journal.Entry, in *domain.Ingested) {
	if in.ExtractTime < b.extract {
		b.odd(e, "its extract_time is %d, that of the event before %d", in.ExtractTime, b.extract)
	}
	b.extract = max(b.extract, in.ExtractTime)
	n := &note{extract: in.ExtractTime}
	b.notes[e.Seq] = n
	for i := range in.Runs {
		r := &in.Runs[i]
		key := domain.PartitionKey{Source: r.Source, Generation: r.Generation, Partition: r.Partition}
		n.keys, n.rows, n.next = append(n.keys, key), append(n.rows, r.Rows), append(n.next, r.Next)
		a := b.follows(key, r)
		a.Next = r.Next
		a.Rows += r.Rows
		for _, g := range r.Gaps {
			a.Gaps[g.Reason] += g.Span.Len()
		}
		if b.counted(key, r) || r.Next-r.First <= mostBooked {
			b.bookRun(e.Seq, n, key, r)
		}
		if b.o.config.Direct {
			a.Hub += r.Rows
		}
	}
	b.mapped(e, in)
	if b.o.config.Direct {
		b.passed.hub = e.Seq
	}
}

// mostBooked is how many offsets a run may have that its batches do not bear out, and still be
// booked into windows: where it is only a little wrong somebody wants to look at them.
const mostBooked = 64 * domain.WindowSize

// follows demands that a run begins where the last one of its partition ended, and is of the
// generation that was opened last. The account is the run's, made where there is none.
func (b *Books) follows(key domain.PartitionKey, r *domain.Run) *domain.Account {
	city := b.o.cityOf(key.Source)
	at := slices.IndexFunc(b.positions, func(p domain.Position) bool { return p.Source == r.Source && p.Partition == r.Partition })
	if at >= 0 && b.positions[at].Generation > r.Generation {
		b.find(finding(domain.Former, key, city, r.First, "a run of generation %d, and generation %d is open", r.Generation, b.positions[at].Generation))
	}
	a := b.accounts[key]
	if a == nil {
		b.find(finding(domain.Strayed, key, city, r.First, "a run of a source partition that was never opened"))
		a = &domain.Account{PartitionKey: key, First: r.First, Next: r.First, Gaps: map[domain.Reason]int64{}}
		b.accounts[key] = a
	}
	switch {
	case r.First > a.Next:
		b.find(finding(domain.Lost, key, city, a.Next, "no account of offsets %s: a run begins at %d", domain.Span{First: a.Next, Next: r.First}, r.First))
	case r.First < a.Next:
		b.find(finding(domain.Doubled, key, city, r.First, "two accounts of offsets %s: a run begins at %d", domain.Span{First: r.First, Next: min(a.Next, r.Next)}, r.First))
	}
	return a
}

// counted holds what a run says of its offsets against its batches, and reports whether it is
// so.
func (b *Books) counted(key domain.PartitionKey, r *domain.Run) bool {
	right := true
	odd := func(offset int64, detail string, args ...any) {
		right = false
		b.find(finding(domain.Unexplained, key, b.o.cityOf(key.Source), offset, detail, args...))
	}
	gaps, at := int64(0), r.First
	for _, g := range r.Gaps {
		if g.Span.First < at || g.Span.Next > r.Next || g.Span.Len() == 0 {
			odd(g.Span.First, "a gap %s in a run %s, after %d", g.Span, domain.Span{First: r.First, Next: r.Next}, at)
		}
		gaps, at = gaps+g.Span.Len(), g.Span.Next
	}
	if r.Next-r.First != r.Rows+gaps {
		odd(r.First, "%d rows and %d gaps in a run of %d offsets", r.Rows, gaps, r.Next-r.First)
	}
	n, err := b.count(r)
	switch {
	case err != nil:
		odd(r.First, "its batches cannot be told apart: %s", err)
	case n != r.Rows:
		odd(r.First, "a run %s announces %d rows, its batches hold %d", domain.Span{First: r.First, Next: r.Next}, r.Rows, n)
	}
	return right
}

// count is how many rows the batches of a run hold. Only one that reaches over an end of the
// run and has holes is decoded; where that fails, each of its offsets counts.
func (b *Books) count(r *domain.Run) (n int64, err error) {
	for _, section := range r.Batches {
		for len(section) > 0 {
			h, batch, rest, err := nextBatch(section)
			if err != nil {
				return n, err
			}
			section = rest
			within := h.within(r.First, r.Next)
			switch {
			case h.control() || within == 0:
			case within == h.last-h.base+1:
				n += h.count
			case h.dense():
				n += within
			default:
				list, err := b.decoder.decode(&h, batch)
				if err != nil {
					n += within
				}
				for i := range list {
					if o := list[i].offset; o >= r.First && o < r.Next {
						n++
					}
				}
			}
		}
	}
	return n, nil
}

// mapped holds the position map after an event against its runs.
func (b *Books) mapped(e *journal.Entry, in *domain.Ingested) {
	for i := range in.Positions {
		p := &in.Positions[i]
		a := b.accounts[domain.PartitionKey{Source: p.Source, Generation: p.Generation, Partition: p.Partition}]
		if a == nil || a.Next == p.Next {
			continue
		}
		f := finding(domain.Unexplained, a.PartitionKey, b.o.cityOf(p.Source), p.Next, "the position map after %s says %d, its runs end at %d", e.Ref(), p.Next, a.Next)
		b.find(f)
	}
}
