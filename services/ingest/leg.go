package ingest

import (
	"context"
	"fmt"
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// leg is the taken-over ingest stream of a shard.
type leg struct {
	*Shard
	w      *journal.Writer
	opened domain.Ref
	last   domain.Micros // extract time of the last event
	queue  *queue
	done   *journaled
	room   room
}

// Cursor implements projections.Leg: ingest has come as far as its own stream.
func (l *leg) Cursor() domain.Cursor { return l.opened }

// Close implements projections.Leg. Everything that Run opened is closed when it
// returns.
func (l *leg) Close() {}

// Run implements projections.Leg. Each source runs by itself, and only fills the
// queue; whatever befalls a source is its own matter. The one writer appends. So the
// only errors are those of the journal.
func (l *leg) Run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.attend(inner) })
	err := l.write(ctx)
	cancel()
	wg.Wait()
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// write appends events, one in flight, until it can no more. While one is in flight
// the next one grows in the queue.
func (l *leg) write(ctx context.Context) error {
	for {
		if err := l.queue.ready(ctx); err != nil {
			return err
		}
		if err := l.wait(ctx); err != nil {
			return err
		}
		t := l.queue.take()
		ev, err := l.next(t)
		if err != nil {
			return err
		}
		crash.Point("ingest.append.before")
		ref, err := l.w.Append(ctx, ev)
		if err != nil {
			return fmt.Errorf("append after %s: %w", l.w.Tail(), err)
		}
		crash.Point("ingest.append.after")
		l.acknowledge(ctx, ref, ev, t)
	}
}

// next makes the event of what was taken.
func (l *leg) next(t taken) (domain.ShardEvent, error) {
	d := draft{
		owned: l.w.Owned(), seq: l.w.Tail().Seq + 1, positions: l.w.Positions(),
		time: max(l.j.Now(), l.last), // a clock that was set back does not go into the journal
	}
	l.last = d.time
	if len(t.items) == 1 && t.items[0].event != nil {
		return reopen(t.items[0].event(d)), nil
	}
	ev, err := d.ingested(t.items)
	if err != nil {
		return nil, err
	}
	return reopen(ev), nil
}

// acknowledge gives back what is durable now, and says so.
func (l *leg) acknowledge(ctx context.Context, ref domain.Ref, ev domain.ShardEvent, t taken) {
	l.room.grow(t.weight)
	l.done.set(domain.PositionsOf(ev))
	var rows int64
	for i := range t.items {
		it := &t.items[i]
		rows += it.run.Rows
		if src := l.source(it.run.Source); src != nil {
			src.progress(it.run.Partition, it.run.Next, it.run.Rows)
			src.account(ctx, &it.run.Run)
		}
		l.budget.release(t.sources[i], it.charge)
		if it.done != nil {
			close(it.done)
		}
	}
	l.queue.journaled(t)
	l.reporter.Update(func(s *projections.Status) {
		s.Cursor = ref
		s.Rows += rows
		s.Bytes += t.weight
	})
}

// wait holds the writer while the journal is full.
func (l *leg) wait(ctx context.Context) error {
	full := false
	for {
		why, err := l.room.full(ctx, l.j.Now())
		if err != nil {
			return err
		}
		if why == "" {
			if full {
				l.reporter.Enter(projections.StateRunning, "", domain.IncidentID{})
				l.log.InfoContext(ctx, "journal has room again, ingest goes on", "stream", l.stream.String())
			}
			return nil
		}
		if !full {
			full = true
			l.log.WarnContext(ctx, "journal is full, ingest waits", "stream", l.stream.String(), "why", why)
		}
		l.reporter.Enter(projections.StateRetrying, why, domain.IncidentID{})
		if err := sleep(ctx, fullPoll); err != nil {
			return err
		}
	}
}
