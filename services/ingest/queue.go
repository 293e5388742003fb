package ingest

import (
	"context"
	"sync"
	"time"
)

// queue holds what sources want journaled, each in its own order, until the writer
// takes the next event's worth of it.
type queue struct {
	enough int64 // weight at which an event is cut
	most   int64 // weight that no event of several runs exceeds

	mu      sync.Mutex
	lanes   []*lane
	first   int   // the lane that is asked first
	held    int64 // weight of all items
	due     time.Time
	wake    chan struct{} // holds one token when something was pushed
	settled chan struct{} // closed and replaced when something taken is journaled
}

// lane is what one source wants journaled.
type lane struct {
	source int
	items  []item
	open   int // items that were pushed and are not journaled
}

func newQueue(enough, most int64) *queue {
	return &queue{enough: enough, most: most, wake: make(chan struct{}, 1), settled: make(chan struct{})}
}

// join gives a source a lane.
func (q *queue) join(source int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lanes = append(q.lanes, &lane{source: source})
}

// leave takes a source's lane away, which is drained.
func (q *queue) leave(source int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, l := range q.lanes {
		if l.source == source {
			q.lanes = append(q.lanes[:i:i], q.lanes[i+1:]...)
			q.first = 0
			return
		}
	}
}

// lane is a source's. It is there as long as anybody pushes.
func (q *queue) lane(source int) *lane {
	for _, l := range q.lanes {
		if l.source == source {
			return l
		}
	}
	return nil
}

// drained waits until everything that a source pushed is journaled. Nobody pushes for the
// source meanwhile.
func (q *queue) drained(ctx context.Context, source int) error {
	for {
		q.mu.Lock()
		open, settled := q.lane(source).open, q.settled
		q.mu.Unlock()
		if open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-settled:
		}
	}
}

// journaled says that what was taken is durable, and that its memory is given back.
func (q *queue) journaled(t taken) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, source := range t.sources {
		q.lane(source).open--
	}
	close(q.settled)
	q.settled = make(chan struct{})
}

// push adds items of one source.
func (q *queue) push(source int, items ...item) {
	if len(items) == 0 {
		return
	}
	q.mu.Lock()
	for _, it := range items {
		q.held += it.weight
		if q.due.IsZero() || it.due.Before(q.due) {
			q.due = it.due
		}
	}
	l := q.lane(source)
	l.items = append(l.items, items...)
	l.open += len(items)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// ready waits until an event's worth is there, or something that waits no longer.
func (q *queue) ready(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		q.mu.Lock()
		full, due := q.held >= q.enough, q.due
		q.mu.Unlock()
		wait := time.Hour
		if !due.IsZero() {
			wait = time.Until(due)
		}
		if full || wait <= 0 {
			return ctx.Err()
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// taken is what take gives: items, each with the source that it came from.
type taken struct {
	items   []item
	sources []int
	weight  int64
}

// take gives the items of the next event: one of each source in turn until there is
// enough, so that no source waits for another's backlog. An event that a source makes
// itself comes alone. A single run may be heavier than any bound.
func (q *queue) take() taken {
	q.mu.Lock()
	defer q.mu.Unlock()
	var t taken
	n, left := len(q.lanes), -1
	shut := make([]bool, n) // the lane's next item does not go into this event
	for more := true; more; {
		more = false
		for k := range n {
			i := (q.first + k) % n
			if shut[i] || len(q.lanes[i].items) == 0 || t.weight >= q.enough {
				continue
			}
			next := &q.lanes[i].items[0]
			if len(t.items) > 0 && (next.event != nil || t.weight+next.weight > q.most) {
				shut[i] = true
				if left < 0 {
					left = i
				}
				continue
			}
			more = next.event == nil
			q.move(q.lanes[i], &t)
			if !more {
				q.rest(left)
				return t
			}
		}
	}
	q.rest(left)
	return t
}

// move takes the next item of a lane.
func (q *queue) move(l *lane, t *taken) {
	it := l.items[0]
	l.items[0] = item{} // let go of the bytes
	l.items = l.items[1:]
	q.held -= it.weight
	t.weight += it.weight
	t.items, t.sources = append(t.items, it), append(t.sources, l.source)
}

// rest is what take leaves: whose turn is next, and when the rest is due. A lane that
// was left out begins, or its large runs would wait for ever behind small ones.
func (q *queue) rest(left int) {
	if left >= 0 {
		q.first = left
	} else if len(q.lanes) > 0 {
		q.first = (q.first + 1) % len(q.lanes)
	}
	q.due = time.Time{}
	for _, l := range q.lanes {
		for i := range l.items {
			if q.due.IsZero() || l.items[i].due.Before(q.due) {
				q.due = l.items[i].due
			}
		}
	}
}
