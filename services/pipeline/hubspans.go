package pipeline

import (
	"cmp"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// HubSpan says which rows of a source partition lie at consecutive offsets of a hub partition.
type HubSpan struct {
	First, Next int64 // offsets of the hub
	Of          domain.PartitionKey
	Row         int64 // place of the first one among the partition's journaled rows, from 0
}

// spans collects where the hub has rows that do not say themselves which city row they are:
// those of a city with several topics, or all where the format leaves lineage out.
type spans struct {
	all    bool
	shared map[domain.SourceID]bool
	runs   map[domain.Seq][]spanRun // of ingest events
	rows   map[domain.PartitionKey]int64
	out    map[int32][]HubSpan
}

// spanRun is a run of an ingest event.
type spanRun struct {
	of  domain.PartitionKey
	row int64 // of its first row
}

func newSpans(c *domain.PipelineConfig) *spans {
	s := &spans{shared: map[domain.SourceID]bool{}, runs: map[domain.Seq][]spanRun{}, rows: map[domain.PartitionKey]int64{}, out: map[int32][]HubSpan{}}
	if c.Direct {
		return s // what the hub says is all there is
	}
	for _, from := range []domain.From{domain.FromCity, domain.FromPartition, domain.FromOffset} {
		s.all = s.all || !slices.ContainsFunc(c.Format.Columns, func(col domain.Column) bool { return col.From == from })
	}
	for i := range c.Sources {
		for j := range c.Sources {
			if i != j && c.Sources[i].City == c.Sources[j].City {
				s.shared[c.Sources[i].ID] = true
			}
		}
	}
	return s
}

// add takes an event of an ingest or a hub stream, in the order of the way of a row.
func (s *spans) add(seq domain.Seq, e domain.Event) {
	switch e := e.(type) {
	case *domain.Ingested:
		for i := range e.Runs {
			r := &e.Runs[i]
			if !s.all && len(s.shared) == 0 {
				continue
			}
			of := domain.PartitionKey{Source: r.Source, Generation: r.Generation, Partition: r.Partition}
			s.runs[seq] = append(s.runs[seq], spanRun{of, s.rows[of]})
			s.rows[of] += r.Rows
		}
	case *domain.HubCommitted:
		for _, r := range e.Runs {
			runs := s.runs[r.Ingest]
			if r.Run < len(runs) && (s.all || s.shared[runs[r.Run].of.Source]) {
				s.put(r.Partition, HubSpan{r.Offset, r.Offset + r.N, runs[r.Run].of, runs[r.Run].row + r.First})
			}
		}
	}
}

// put adds a span, to the one before where it continues that.
func (s *spans) put(partition int32, more HubSpan) {
	list := s.out[partition]
	if n := len(list); n > 0 {
		last := &list[n-1]
		if last.Of == more.Of && last.Next == more.First && last.Row+last.Next-last.First == more.Row {
			last.Next = more.Next
			return
		}
	}
	s.out[partition] = append(list, more)
}

// sorted are the spans in the order of each hub partition.
func (s *spans) sorted() map[int32][]HubSpan {
	for _, list := range s.out {
		slices.SortFunc(list, func(a, b HubSpan) int { return cmp.Compare(a.First, b.First) })
	}
	return s.out
}
