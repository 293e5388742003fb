package ingest

import (
	"context"

	"github.com/hefu-io/hefu/domain"
)

// Whether a source ends, and whether it has, is what the journal says once it knows the
// source: the modes of hefu.yaml were resolved then. Positions decide, never counts.

// bounded reports whether the source ends. known are its positions in the journal.
func (s *source) bounded(known []domain.Position) bool {
	for i := range known {
		if known[i].Bounded {
			return true
		}
	}
	return len(known) == 0 && s.Stop.At != domain.Unbounded
}

// finished reports whether everything of a bounded source that belongs to the shard is
// journaled. All partitions are opened by one event, so that a source with positions has
// all that it will ever have; of one without any the topic must have been looked at.
func (s *source) finished(l *leg) bool {
	known := l.done.of(s.ID)
	for i := range known {
		if !known[i].Finished() {
			return false
		}
	}
	return s.bounded(known) && (len(known) > 0 || s.hasLooked())
}

// rest is a finished source's life.
func (s *source) rest(ctx context.Context, l *leg) {
	for _, p := range l.done.of(s.ID) {
		s.progress(p.Partition, p.Next, 0)
	}
	s.enter(Finished, "")
	s.log.InfoContext(ctx, "source is finished", "topic", s.Topic)
	<-ctx.Done()
}

// mismatch says once that bounded of hefu.yaml is not what the source was opened with.
func (s *source) mismatch(ctx context.Context, l *leg) {
	known := l.done.of(s.ID)
	if len(known) > 0 && s.bounded(known) != (s.Stop.At != domain.Unbounded) {
		s.log.WarnContext(ctx, "bounded has no effect: where the source ends was decided when it was first opened, and is in the journal",
			"topic", s.Topic, "bounded", string(s.Stop.At), "ends", s.bounded(known))
	}
}

// over reports whether a bounded source has nothing left to read.
func (s *session) over() bool {
	for _, p := range s.parts {
		if p.reading || !p.pos.Finished() {
			return false
		}
	}
	return s.bounded(s.l.done.of(s.ID))
}

// finish ends a session that is over: when it returns nil everything is journaled, and
// the consumer group was told.
func (s *session) finish(ctx context.Context) error {
	if err := s.drain(ctx); err != nil {
		return err
	}
	s.tellNow(ctx, nil)
	return nil
}
