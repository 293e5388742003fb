package hub

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// prefetchBytes bounds what is read ahead of the packer: a few events of the usual
// size. More of them wait in the journal's tail.
const prefetchBytes = 4 << 20

// queue hands events from the reader to the packer, bounded in bytes.
type queue struct {
	events chan *journal.Entry
	room   *semaphore.Weighted
}

func newQueue() *queue {
	return &queue{events: make(chan *journal.Entry, 256), room: semaphore.NewWeighted(prefetchBytes)}
}

// weight is what an event takes of the room; one larger than all of it takes all.
func weight(e *journal.Entry) int64 { return min(int64(e.Size), prefetchBytes) }

// read fills the queue with the ingest events after the cursor until the context
// ends.
func (q *queue) read(ctx context.Context, j *journal.Journal, s domain.Stream, after domain.Cursor) error {
	r, err := j.Read(ctx, s, after)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if err := q.room.Acquire(ctx, weight(e)); err != nil {
			return err
		}
		select {
		case q.events <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pack makes drafts of the queue's events and hands each over as soon as the sender
// is ready for it and either nothing more is waiting or the draft is full or old.
// While the sender is busy the draft grows: group commit.
func (l *leg) pack(ctx context.Context, q *queue, free <-chan *draft, out chan<- *draft) error {
	limits := l.h.cfg.Batch
	p := newPacker(l.h.layout, limits, l.maxRecord)
	for {
		var d *draft
		select {
		case d = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		d.reset(limits)
		for given := false; !given; {
			in, ready := q.events, out
			if d.full(limits, l.h.most.Load()) {
				in = nil
			}
			if !d.worth() {
				ready = nil
			} else if len(in) > 0 && time.Since(d.began) < limits.Age {
				ready = nil // take what is there first
			}
			select {
			case e := <-in:
				q.room.Release(weight(e))
				if err := p.add(d, e); err != nil {
					return err
				}
				if d.began.IsZero() && d.worth() {
					d.began = time.Now()
				}
			case ready <- d:
				given = true
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
