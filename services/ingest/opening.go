package ingest

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// open makes a partition of everything in the topic that belongs to the shard. What
// the journal does not know yet gets a SourceOpened first: the start and bounded modes
// apply to the partitions that are there when the source is opened for the first time.
// One that appears later begins at the log start, and is not read at all in a bounded
// source, whose end is decided by then.
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
	if len(fresh) > 0 && (first || !s.bounded(known)) {
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

// begin resolves where partitions start and end, and journals it.
func (s *session) begin(ctx context.Context, partitions []int32, first bool, g domain.Generation) (*finding, error) {
	start, stop := domain.StartSpec{At: domain.StartEarliest}, domain.StopSpec{}
	if first {
		start, stop = s.Start, s.Stop
	}
	asked, err := s.ask(ctx, partitions, &start, &stop)
	if err != nil && (first || len(asked) == 0) {
		return nil, err // all of them start at once, or a late one would start elsewhere
	}
	starts, refused := resolve(&start, &stop, partitions, asked)
	if len(refused) > 0 {
		return noCursor(s.l.stream, &s.Source, refused), nil
	}
	if len(starts) == 0 {
		return nil, nil
	}
	if f, err := s.twice(ctx, starts, first); f != nil || err != nil {
		return f, err
	}
	err = s.opened(ctx, &domain.SourceOpened{
		Generation: g, StartPolicy: string(start.At), StopPolicy: string(stop.At), Starts: starts,
	})
	if err != nil || !first {
		return nil, err
	}
	// If the process dies here the incident stays on the list until somebody resolves it.
	return nil, s.l.incidents.Overtaken(ctx, s.heldUp, "the source was opened, with another start")
}

// heldUp reports whether an incident was about where the source begins.
func (s *session) heldUp(in *domain.Incident) bool {
	return in.Source == s.ID && in.Stream == s.l.stream && (in.What == domain.IncidentSourceNoCursor || in.What == domain.IncidentSourceTaken)
}

// opened journals where partitions start and takes them into the session. What is the
// same for every opening is filled in here.
func (s *session) opened(ctx context.Context, ev *domain.SourceOpened) error {
	ev.Source, ev.ClusterID, ev.Topic, ev.TopicID, ev.Config = s.ID, s.topic.Cluster, s.Topic, s.topic.ID, s.l.configSeq()
	if err := s.journal(ctx, func(d draft) domain.ShardEvent { return d.opened(*ev) }); err != nil {
		return err
	}
	known := s.l.done.of(s.ID)
	for _, start := range ev.Starts {
		pos := positionOf(known, s.ID, start.Partition)
		if pos == nil {
			return fmt.Errorf("%s/%d has no position after it was opened", s.Topic, start.Partition)
		}
		s.join(*pos)
	}
	return nil
}

// refusal is a partition that a mode gives no start, or no end.
type refusal struct {
	partition int32
	end       bool // it is the bounded mode that gives none
	why       string
}

// resolve decides where partitions begin and end. Those that nothing is known about are
// left out: they have no leader now.
func resolve(start *domain.StartSpec, stop *domain.StopSpec, partitions []int32, asked map[int32]domain.Asked) (starts []domain.Start, refused []refusal) {
	for _, id := range partitions {
		a, ok := asked[id]
		if !ok {
			continue
		}
		first, how, ok := domain.ResolveStart(start, id, a)
		if !ok {
			refused = append(refused, refusal{partition: id, why: how})
			continue
		}
		end, endHow, ok := domain.ResolveStop(stop, id, first, a)
		if !ok {
			refused = append(refused, refusal{partition: id, end: true, why: endHow})
			continue
		}
		starts = append(starts, domain.Start{
			Partition: id, LogStart: a.LogStart, First: first, How: how,
			Bounded: stop.At != domain.Unbounded, Stop: end, StopHow: endHow,
		})
	}
	return starts, refused
}
