package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// decide puts a finding on record, waits for an operator's choice, and does it. The
// event that does it names the incident. Everything that was fetched is journaled and
// no group runs. After a retry, or when the choice was made of numbers that have
// changed, the caller looks again.
func (s *session) decide(ctx context.Context, f *finding) error {
	choice, err := s.l.incidents.Decide(ctx, f.incident)
	var open *domain.Incident
	if errors.As(err, &open) {
		s.enter(InIncident, open.Error())
		s.log.ErrorContext(ctx, "source waits for an operator", "incident", open.ID.String(), "what", open.Error())
		if err = s.l.incidents.Wait(ctx, open.ID); err == nil {
			choice = s.chosen(open.ID)
		}
		s.enter(Connecting, "")
	}
	if err != nil {
		return fmt.Errorf("source %s: %w", s.ID, err)
	}
	s.log.InfoContext(ctx, "source goes on as an operator decided", "incident", f.incident.ID.String(), "choice", string(choice))
	switch choice {
	case domain.ChoiceAcceptGap:
		err = s.acceptGap(ctx, f)
	case domain.ChoiceNewGeneration:
		err = s.newGeneration(ctx, f)
	default: // retry: look again
	}
	clear(s.parts)
	return err
}

// chosen is what an operator decided about an incident.
func (s *session) chosen(id domain.IncidentID) (choice domain.Choice) {
	s.l.incidents.Control.State(func(c *domain.ControlState) {
		if r := c.Resolved[id]; r != nil {
			choice = r.Choice
		}
	})
	return choice
}

func (s *session) acceptGap(ctx context.Context, f *finding) error {
	if f.gap.Span.Len() == 0 {
		return fmt.Errorf("incident %s offers no gap", f.incident.ID)
	}
	return s.journal(ctx, func(d draft) domain.ShardEvent { return d.acceptedGap(f.at, f.gap, f.incident.ID) })
}

// newGeneration begins anew: the one partition that was cut, or all partitions of a
// topic that was made anew. Whatever that topic holds is new, so that they begin at
// the log start, not by the start mode; a bounded partition keeps an end (until).
func (s *session) newGeneration(ctx context.Context, f *finding) error {
	t, err := kafkaconn.Describe(ctx, s.cl, s.Topic)
	if err != nil {
		return err
	}
	s.topic = t
	known := s.l.done.of(s.ID)
	starts := f.starts
	if starts == nil {
		if starts, err = s.anew(ctx, f, known); err != nil {
			return err
		}
	}
	ev := &domain.SourceOpened{
		Generation: generation(known) + 1, StartPolicy: string(domain.StartEarliest), Starts: starts, Incident: f.incident.ID,
	}
	if s.bounded(known) {
		ev.StopPolicy = string(domain.StopLatest)
	}
	return s.opened(ctx, ev)
}

func (s *session) anew(ctx context.Context, f *finding, known []domain.Position) ([]domain.Start, error) {
	var partitions []int32
	for _, tp := range s.topic.Partitions {
		at := positionOf(known, s.ID, tp.ID)
		if at != nil && (at.TopicID != s.topic.ID || at.Partition == f.at.Partition) {
			partitions = append(partitions, tp.ID)
		}
	}
	start, stop := domain.StartSpec{At: domain.StartEarliest}, domain.StopSpec{}
	asked, err := s.ask(ctx, partitions, &start, &stop)
	if err != nil {
		return nil, err
	}
	starts, _ := resolve(&start, &stop, partitions, asked)
	for i := range starts {
		id := starts[i].Partition
		until(&starts[i], positionOf(known, s.ID, id), asked[id].HighWatermark, true)
	}
	return starts, nil
}
