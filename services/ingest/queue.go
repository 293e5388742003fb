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

	mu    sync.Mutex
	lanes [][]item // by source
	first int      // the lane that is asked first
	held  int64    // weight of all items
	due   time.Time
	wake  chan struct{} // holds one token when something was pushed
}

func newQueue(enough, most int64, sources int) *queue {
	return &queue{enough: enough, most: most, lanes: make([][]item, sources), wake: make(chan struct{}, 1)}
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
	q.lanes[source] = append(q.lanes[source], items...)
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
			if shut[i] || len(q.lanes[i]) == 0 || t.weight >= q.enough {
				continue
			}
			next := &q.lanes[i][0]
			if len(t.items) > 0 && (next.event != nil || t.weight+next.weight > q.most) {
				shut[i] = true
				if left < 0 {
					left = i
				}
				continue
			}
			more = next.event == nil
			q.move(i, &t)
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
func (q *queue) move(lane int, t *taken) {
	it := q.lanes[lane][0]
	q.lanes[lane][0] = item{} // let go of the bytes
	q.lanes[lane] = q.lanes[lane][1:]
	q.held -= it.weight
	t.weight += it.weight
	t.items, t.sources = append(t.items, it), append(t.sources, lane)
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
	for _, lane := range q.lanes {
		for i := range lane {
			if q.due.IsZero() || lane[i].due.Before(q.due) {
				q.due = lane[i].due
			}
		}
	}
}
