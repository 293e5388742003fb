package ingest

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// open makes a partition of everything in the topic that belongs to the shard. What
// the journal does not know yet gets a SourceOpened first: the start mode applies to
// the partitions that are there when the source is opened for the first time, one
// that appears later begins at the log start.
func (s *session) open(ctx context.Context) (*finding, error) {
	known := s.l.done.of(s.ID)
	var fresh []int32
	for _, tp := range s.topic.Partitions {
		if !s.l.c.owns(&s.Source, tp.ID) || s.parts[tp.ID] != nil {
			continue
		}
		if pos := positionOf(known, s.ID, tp.ID); pos != nil {
			s.join(*pos)
			continue
		}
		fresh = append(fresh, tp.ID)
	}
	first := len(known) == 0 && !s.hasLooked()
	if len(fresh) > 0 {
		if f, err := s.begin(ctx, fresh, first, max(1, generation(known))); f != nil || err != nil {
			return f, err
		}
	}
	s.looked()
	return nil, nil
}

// join takes a journaled partition into the session.
func (s *session) join(pos domain.Position) {
	s.parts[pos.Partition] = newPartition(pos)
	s.progress(pos.Partition, pos.Next, 0)
}

// begin resolves where partitions start, and journals it.
func (s *session) begin(ctx context.Context, partitions []int32, first bool, g domain.Generation) (*finding, error) {
	at := domain.StartEarliest
	if first {
		at = s.Start
	}
	bounds, err := kafkaconn.Offsets(ctx, s.cl, s.Topic)
	if err != nil && (first || len(bounds) == 0) {
		return nil, err // all of them start at once, or a late one would start elsewhere
	}
	var committed map[int32]int64
	if at == domain.StartGroupOffsets {
		if committed, err = kafkaconn.Committed(ctx, s.cl, s.Group, s.Topic); err != nil {
			return nil, err
		}
	}
	starts, refused := resolve(at, s.Missing, partitions, bounds, committed)
	if len(refused) > 0 {
		return noCursor(s.l.stream, &s.Source, refused), nil
	}
	if len(starts) == 0 {
		return nil, nil
	}
	return nil, s.opened(ctx, starts, at, g, domain.IncidentID{})
}

// opened journals where partitions start and takes them into the session.
func (s *session) opened(ctx context.Context, starts []domain.Start, at domain.StartAt, g domain.Generation, by domain.IncidentID) error {
	ev := domain.SourceOpened{
		Source: s.ID, Generation: g, ClusterID: s.topic.Cluster, Topic: s.Topic, TopicID: s.topic.ID,
		StartPolicy: string(at), Config: s.l.c.ConfigSeq, Starts: starts, Incident: by,
	}
	if err := s.journal(ctx, func(d draft) domain.ShardEvent { return d.opened(ev) }); err != nil {
		return err
	}
	known := s.l.done.of(s.ID)
	for _, start := range starts {
		pos := positionOf(known, s.ID, start.Partition)
		if pos == nil {
			return fmt.Errorf("%s/%d has no position after it was opened", s.Topic, start.Partition)
		}
		s.join(*pos)
	}
	return nil
}

// refusal is a partition that a start mode gives no start.
type refusal struct {
	partition int32
	logStart  int64
	committed int64 // -1: none
}

// resolve decides where partitions begin. Those without bounds are left out: they
// have no leader now.
func resolve(at domain.StartAt, missing domain.OnMissingCursor, partitions []int32, bounds map[int32]kafkaconn.Bounds, committed map[int32]int64) (starts []domain.Start, refused []refusal) {
	for _, id := range partitions {
		b, ok := bounds[id]
		if !ok {
			continue
		}
		offset, ok := committed[id]
		if !ok {
			offset = -1
		}
		first, how, ok := domain.ResolveStart(at, missing, domain.Bounds{LogStart: b.LogStart, LastStable: b.LSO, HighWatermark: b.HighWatermark}, offset)
		if !ok {
			refused = append(refused, refusal{partition: id, logStart: b.LogStart, committed: offset})
			continue
		}
		starts = append(starts, domain.Start{Partition: id, LogStart: b.LogStart, First: first, How: how})
	}
	return starts, refused
}
