package archive

import (
	"context"
	"math"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// openFindings are those that nobody accepted.
func openFindings(c *domain.ControlState) (out []*domain.Finding) {
	for id, f := range c.Findings {
		if c.Accepted[id] == nil {
			out = append(out, f)
		}
	}
	return out
}

// mayHold reports whether a segment may hold an event about the row of a finding. Where a
// finding does not say where its row is, it may.
func mayHold(f *domain.Finding, shards int, seg *segment) bool {
	switch seg.stream.Leg {
	case domain.LegIngest:
		if f.Source == "" || f.Row.City.Partition < 0 || f.Row.City.Offset < 0 {
			return true
		}
		return seg.rows.holds(f)
	case domain.LegHub, domain.LegDoris:
		// Their events name rows by runs; which ones is not looked up for what a person has
		// to look at anyway.
		return f.Row.Hub.Partition < 0 || domain.ShardOf(f.Row.Hub.Partition, shards) == seg.stream.Shard
	default:
		return false
	}
}

// spans is what an ingest segment adds to each source partition: from the positions before
// it to those at its end.
type spans struct{ before, after []domain.Position }

func readSpans(ctx context.Context, j *journal.Journal, s domain.Stream, first, last domain.Seq) (spans, error) {
	var out spans
	if s.Leg != domain.LegIngest {
		return out, nil
	}
	if first > 1 {
		e, err := j.Get(ctx, s, first-1)
		if err != nil {
			return out, err
		}
		out.before = domain.PositionsOf(e.Event)
	}
	e, err := j.Get(ctx, s, last)
	if err != nil {
		return out, err
	}
	out.after = domain.PositionsOf(e.Event)
	return out, nil
}

func at(list []domain.Position, source domain.SourceID, partition int32) (domain.Position, bool) {
	for i := range list {
		if list[i].Source == source && list[i].Partition == partition {
			return list[i], true
		}
	}
	return domain.Position{}, false
}

// holds reports whether the row of a finding was ingested in the segment.
func (s *spans) holds(f *domain.Finding) bool {
	end, there := at(s.after, f.Source, f.Row.City.Partition)
	if !there || f.Generation > end.Generation {
		return false // later
	}
	from, to := int64(0), int64(math.MaxInt64)
	if begin, there := at(s.before, f.Source, f.Row.City.Partition); there {
		if f.Generation < begin.Generation {
			return false // before
		}
		if f.Generation == begin.Generation {
			from = begin.Next
		}
	}
	if f.Generation == end.Generation {
		to = end.Next
	}
	return from <= f.Row.City.Offset && f.Row.City.Offset < to
}
