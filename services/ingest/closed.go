package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// A source that the configuration ended is closed: SourceClosed says so, once, and marks its
// positions. They stay in the position map, and should the source be in the configuration
// again, it goes on there; the first event about it takes the mark away.

// closeEnded closes what ended while no leg ran.
func (s *Shard) closeEnded(ctx context.Context, w *journal.Writer) error {
	for _, id := range s.ended(w.Positions()) {
		d := draft{owned: w.Owned(), positions: w.Positions()}
		if _, err := w.Append(ctx, d.closed(id)); err != nil {
			return fmt.Errorf("close source %s: %w", id, err)
		}
	}
	return nil
}

// ended are the sources of a position map that are not configured, and not closed.
func (s *Shard) ended(positions []domain.Position) []domain.SourceID {
	wanted, _ := s.configured()
	var out []domain.SourceID
	for i := range positions {
		p := &positions[i]
		configured := slices.ContainsFunc(wanted, func(src Source) bool { return src.ID == p.Source })
		if !configured && !p.Closed && !slices.Contains(out, p.Source) {
			out = append(out, p.Source)
		}
	}
	return out
}

// close closes a source that ended while the leg runs, when everything that it read is
// journaled. If the process died here, the next one would do it at Open.
func (l *leg) close(ctx context.Context, s *source) error {
	if !slices.Contains(l.ended(l.done.of(s.ID)), s.ID) {
		return nil // it was never opened, or it is wanted again
	}
	l.queue.push(s.number, item{
		event: func(d draft) domain.ShardEvent { return d.closed(s.ID) }, weight: runOverhead, due: time.Now(),
	})
	return l.queue.drained(ctx, s.number)
}

// closed makes the event that a source ended.
func (d draft) closed(id domain.SourceID) *domain.SourceClosed {
	ev := &domain.SourceClosed{Owned: d.owned, Source: id, Why: "ended by the configuration", Positions: slices.Clone(d.positions)}
	mark(ev.Positions, id, true)
	return ev
}

// reopen takes the mark away from sources that an event is about. They have come back.
func reopen(ev domain.ShardEvent) domain.ShardEvent {
	switch ev := ev.(type) {
	case *domain.SourceOpened:
		mark(ev.Positions, ev.Source, false)
	case *domain.Ingested:
		for i := range ev.Runs {
			mark(ev.Positions, ev.Runs[i].Source, false)
		}
	}
	return ev
}

func mark(positions []domain.Position, id domain.SourceID, closed bool) {
	for i, _ := searchPosition(positions, id, 0); i < len(positions) && positions[i].Source == id; i++ {
		positions[i].Closed = closed
	}
}
