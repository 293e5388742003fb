package origin

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Scan goes through what a shard's commits carried, row by row, in the order of the hub. Between
// two calls of Next it keeps nothing but where it stands: of the ingest stream one event at a
// time is in memory.
type Scan struct {
	o           *Journal
	ingest, hub stream
	found       func(domain.Finding)
	skip        func(*domain.HubCommitted) bool // commits of which nothing is wanted; nil: none

	passed domain.Seq // the last ingest event of the last commit; 0: not known
	looked domain.Seq // the last commit whose places were looked at
	begun  *domain.HubBegun
	ref    domain.Ref            // of begun
	taken  map[int32]domain.Span // the newest run of each hub partition
	rows   rows
}

// NewScan is a scan of what was committed after from: the zero value for all of it. A shard's
// hub stream decides, in a direct pipeline its ingest stream. found is told what breaks the
// journal's rules about the hub: rows that a commit neither carries nor leaves out, carries
// twice or that are none, places that were given before, and wrong hub partitions.
func (o *Journal) NewScan(shard int, from Cursors, found func(domain.Finding)) *Scan {
	if found == nil {
		found = func(domain.Finding) {}
	}
	return &Scan{
		o: o, ingest: o.stream(shard, domain.LegIngest, from.Ingest), hub: o.stream(shard, domain.LegHub, from.Hub),
		found: found, taken: map[int32]domain.Span{},
	}
}

// At is how far the scan came: a scan from there goes on with the next row.
func (s *Scan) At() Cursors { return Cursors{Ingest: s.ingest.at, Hub: s.hub.at} }

// Next calls each for every row of the commits up to a cursor, and of no commit in part, unless
// it fails: then At says which commit is to be read again. Errors are the journal's, and each's
// as they are.
func (s *Scan) Next(ctx context.Context, to Cursors, each func(*Expected) error) error {
	defer s.ingest.close()
	defer s.hub.close()
	s.rows.begin(s.o, s.found, each)
	if s.o.config.Direct {
		return s.ingest.to(ctx, to.Ingest, func(e *journal.Entry) error {
			if in, is := e.Event.(*domain.Ingested); is {
				return s.rows.direct(e.Seq, in)
			}
			return nil
		})
	}
	return s.hub.to(ctx, to.Hub, func(e *journal.Entry) error {
		switch ev := e.Event.(type) {
		case *domain.HubBegun:
			s.begun, s.ref = ev, e.Ref()
		case *domain.HubCommitted:
			return s.commit(ctx, e.Seq, ev)
		}
		return nil
	})
}

// commit reads the ingest events of one commit.
func (s *Scan) commit(ctx context.Context, seq domain.Seq, c *domain.HubCommitted) error {
	if s.skip != nil && s.skip(c) {
		s.passed = 0
		return nil
	}
	begun, err := s.intent(ctx, c)
	if begun == nil || err != nil {
		return err
	}
	first, last := begun.First.Seq, begun.Last.Seq
	if s.passed > 0 && first != s.passed+1 {
		s.odd(seq, "its ingest events begin at %d, the last commit's ended at %d", first, s.passed)
	}
	places := s.places(seq, c)
	if err := s.ingest.after(ctx, first-1); err != nil {
		return err
	}
	s.rows.commit, s.rows.hubTime = seq, c.Time.Millis()
	s.rows.hubText = s.rows.hub.millis(s.rows.hubTime)
	err = s.ingest.to(ctx, begun.Last, func(e *journal.Entry) error {
		in, is := e.Event.(*domain.Ingested)
		for i := 0; is && i < len(in.Runs); i++ {
			key := runKey{e.Seq, i}
			if r := &in.Runs[i]; s.rows.wanted(r) {
				s.rows.take(e.Seq, in, i, places[key])
				if err := s.rows.walk(); err != nil {
					return err
				}
			}
			delete(places, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for key := range places {
		s.odd(seq, "it names run %d of ingest event %d, which is not there", key.run, key.ingest)
	}
	s.passed = last
	return nil
}

// intent is the HubBegun of a commit; nil where the journal names another event, which is a
// finding.
func (s *Scan) intent(ctx context.Context, c *domain.HubCommitted) (*domain.HubBegun, error) {
	if s.begun == nil || s.ref != c.Begun {
		e, err := s.o.j.Get(ctx, s.hub.s, c.Begun.Seq)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return nil, err
		}
		if e != nil {
			s.begun, _ = e.Event.(*domain.HubBegun)
			s.ref = e.Ref()
		}
		if s.begun == nil || s.ref != c.Begun {
			s.odd(c.Begun.Seq, "a commit names it as its intent, and it is none")
			return nil, nil
		}
	}
	if s.begun.First.Seq < 1 || s.begun.Last.Seq < s.begun.First.Seq {
		s.odd(c.Begun.Seq, "it carries the ingest events %d to %d", s.begun.First.Seq, s.begun.Last.Seq)
		return nil, nil
	}
	return s.begun, nil
}

// places is what a commit says of each run, in the order of its rows. What it says of the hub's
// offsets is checked on the way: they rise in each partition and are given once.
func (s *Scan) places(seq domain.Seq, c *domain.HubCommitted) map[runKey][]place {
	out := map[runKey][]place{}
	for i := range c.Runs {
		r := &c.Runs[i]
		if r.N <= 0 || r.First < 0 {
			s.odd(seq, "it carries %d rows from %d on of ingest event %d", r.N, r.First, r.Ingest)
			continue
		}
		if seq > s.looked { // not read again, after an error of each
			s.place(seq, r)
		}
		key := runKey{r.Ingest, r.Run}
		out[key] = append(out[key], place{first: r.First, next: r.First + r.N, partition: r.Partition, offset: r.Offset})
	}
	s.looked = seq
	for i := range c.Excluded {
		x := &c.Excluded[i]
		key := runKey{x.Ingest, x.Run}
		out[key] = append(out[key], place{first: x.Ordinal, next: x.Ordinal + x.Count, excluded: x.Reason})
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b place) int { return cmp.Compare(a.first, b.first) })
	}
	return out
}

// place takes note of a run of hub offsets.
func (s *Scan) place(seq domain.Seq, r *domain.HubRun) {
	now := domain.Span{First: r.Offset, Next: r.Offset + r.N}
	before, known := s.taken[r.Partition]
	if known && now.First < before.Next {
		class := domain.Reordered
		if now.Next > before.First {
			class = domain.Doubled
		}
		f := oddEvent(class, s.hub.s, seq, "hub offsets %s come after %s", now, before)
		f.Row.Hub.Partition, f.Row.Hub.Offset = r.Partition, r.Offset
		s.found(f)
	}
	s.taken[r.Partition] = now
}

// odd is a finding about an event of the hub stream as a whole.
func (s *Scan) odd(seq domain.Seq, detail string, args ...any) {
	s.found(oddEvent(domain.Unexplained, s.hub.s, seq, detail, args...))
}
