package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// twice is the finding that a source would begin at rows that another job has put into the
// table already, nil when it would not, or when nobody knows.
func (s *session) twice(ctx context.Context, starts []domain.Start, first bool) (*finding, error) {
	if !first || s.l.c.Taken == nil {
		return nil, nil
	}
	ends, err := s.l.c.Taken(ctx, &s.Source)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", s.ID, err)
	}
	return overlap(s.l.stream, &s.Source, starts, ends), nil
}

// overlap compares where partitions begin with where the table ends.
func overlap(s domain.Stream, source *Source, starts []domain.Start, ends map[int32]int64) *finding {
	var facts []domain.Fact
	for _, start := range starts {
		if end := ends[start.Partition]; start.First < end {
			facts = append(facts, fact("partition "+strconv.Itoa(int(start.Partition)),
				fmt.Sprintf("begins at %d (%s), the table has rows up to %d: %d offsets would be carried twice", start.First, start.How, end-1, end-start.First)))
		}
	}
	if len(facts) == 0 {
		return nil
	}
	var offsets []string
	for _, p := range slices.Sorted(maps.Keys(ends)) {
		offsets = append(offsets, fmt.Sprintf("partition:%d,offset:%d", p, ends[p]))
	}
	facts = slices.Concat([]domain.Fact{
		fact("found", "the source begins at rows that are in the table: the job before carried more than it told its group"), fact("topic", source.Topic),
	}, facts, []domain.Fact{
		fact("do", "set start: specific-offsets and start_offsets: "+strings.Join(offsets, ";")+", and restart"),
	})
	return &finding{incident: domain.NewIncident(domain.IncidentSourceTaken, s, source.ID, nil, facts...)}
}
