package journal

import (
	"context"
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// tail keeps the newest events of a stream that this process writes, for readers in the
// same process: they need not fetch, hash and decode what was just appended. An event
// is in it only once its append was acknowledged, with the hash that was stored, so a
// reader checks the chain over it as over any other. What the disk made of the bytes
// is seen by whoever reads them from the store.
//
// It also keeps such readers away from the block that the embedded server is writing:
// a block that is read while it grows stays in memory for ten seconds after, a GiB of
// them at 100 MB/s (nats-server 2.15, filestore.go, tryExpireWriteCache).
type tail struct {
	limit int // stored bytes that are kept, one event at least

	mu      sync.Mutex
	events  []*Entry // without holes
	size    int
	next    domain.Seq    // of the event that is appended next
	read    domain.Seq    // the furthest that a reader asked for
	asked   time.Time     // when it did
	changed chan struct{} // closed and replaced at each change
}

// restart is called at each takeover. Events of another owner that came in between are
// not in it.
func (t *tail) restart(next domain.Seq) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != next {
		t.events, t.size = nil, 0
	}
	t.next = next
	t.wake()
}

// add is called with each event once it is durable. It drops the oldest ones, but waits
// before it drops what the furthest reader wants next, as long as that one reads on: a
// writer that ran away from it would gain nothing, and have each event read back from
// the disk. A reader that stands still, or is behind already, holds up nobody.
func (t *tail) add(ctx context.Context, e *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
	t.size += e.Size
	t.next = e.Seq + 1
	t.wake()
	for t.size > t.limit && len(t.events) > 1 {
		rest := readerPatience - time.Since(t.asked)
		if t.events[0].Seq == t.read+1 && rest > 0 && ctx.Err() == nil {
			t.await(ctx, rest)
			continue
		}
		t.size -= t.events[0].Size
		t.events[0] = nil // let go of the bytes
		t.events = t.events[1:]
	}
}

// readerPatience is how long a reader may need between two events and still count as
// one that reads on: a large transaction on a slow broker.
const readerPatience = 500 * time.Millisecond

// await waits for a change with the lock given up.
func (t *tail) await(ctx context.Context, most time.Duration) {
	changed := t.changed
	t.mu.Unlock()
	defer t.mu.Lock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	}
}

func (t *tail) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// at is the event at seq, nil when it is not kept; coming is not nil when seq is the
// next one to be appended.
func (t *tail) at(seq domain.Seq) (e *Entry, coming <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq > t.read {
		t.read, t.asked = seq, time.Now()
		t.wake()
	}
	if seq == t.next {
		return nil, t.changed
	}
	if first := t.next - domain.Seq(len(t.events)); seq >= first && seq < t.next {
		return t.events[seq-first], nil
	}
	return nil, nil
}

// tail is the kept tail of a stream, nil for one that this process does not write or
// that is not worth it: only ingest events are large.
func (j *Journal) tail(s domain.Stream) *tail {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.tails[s]
}

// keepTail begins or restarts the tail of a stream that was taken over.
func (j *Journal) keepTail(s domain.Stream, next domain.Seq) *tail {
	if j.o.TailBytes <= 0 || s.Leg != domain.LegIngest {
		return nil
	}
	j.mu.Lock()
	t := j.tails[s]
	if t == nil {
		t = &tail{limit: j.o.TailBytes, changed: make(chan struct{})}
		j.tails[s] = t
	}
	j.mu.Unlock()
	t.restart(next)
	return t
}

// strangerEvery is how often a reader that waits for this process's next event looks
// whether another process has appended one.
const strangerEvery = time.Second

// fromTail gives the next event if this process keeps it, and waits for it if this
// process is to append it; nil when it is to be read from the store.
func (r *Reader) fromTail(ctx context.Context) (*Entry, error) {
	t := r.j.tail(r.s)
	if t == nil {
		return nil, nil
	}
	for {
		e, coming := t.at(r.seq)
		if e != nil || coming != nil {
			r.Close() // a follower would be given the same once more
		}
		if e != nil || coming == nil {
			return e, nil
		}
		timer := time.NewTimer(strangerEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-coming:
			timer.Stop()
		case <-timer.C:
			if _, err := r.j.stored(ctx, r.s, r.seq); err == nil {
				return nil, nil
			}
		}
	}
}
