package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// lastMoments is how long a batch that has begun may take to end well after the leg
// was told to stop: an open transaction would hold back the hub's readers until its
// time-out.
const lastMoments = 5 * time.Second

// leg is an open hub leg: projections.Leg.
type leg struct {
	h         *Hub
	w         *journal.Writer
	sender    Sender
	cluster   string
	topicID   [16]byte
	maxRecord int
	cursor    domain.Cursor
	time      domain.Micros   // of the last intent
	progress  int64           // offset of the last progress record that is known, 0 for none
	ends      map[int32]int64 // where the hub's partitions ended when the leg was opened
}

// Cursor implements projections.Leg.
func (l *leg) Cursor() domain.Cursor { return l.cursor }

// Close implements projections.Leg.
func (l *leg) Close() { l.sender.Close() }

// Run implements projections.Leg: one goroutine reads ahead, one packs, one sends.
// One batch is in flight; the next one is packed meanwhile.
func (l *leg) Run(ctx context.Context) error {
	if l.h.cfg.Replay != nil {
		return l.replay(ctx)
	}
	q := newQueue()
	free, ready := make(chan *draft, 2), make(chan *draft)
	free <- &draft{}
	free <- &draft{}
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return q.read(inner, l.h.j, l.h.ingestStream(), l.cursor) })
	g.Go(func() error { return l.pack(inner, q, free, ready) })
	g.Go(func() error { return l.send(inner, ready, free) })
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (l *leg) send(ctx context.Context, ready <-chan *draft, free chan<- *draft) error {
	last, cancel := grace(ctx, lastMoments)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d := <-ready:
			if err := l.batch(last, d); err != nil {
				return err
			}
			small := !d.full(l.h.cfg.Batch, 0)
			free <- d
			if !small {
				continue
			}
			select {
			case <-ctx.Done():
			case <-time.After(l.h.cfg.Batch.Pause):
			}
		}
	}
}

// batch takes one draft through intent, transaction and outcome. After an error it is
// not known what the hub has: the leg is closed, and the next Open settles. Only with the
// semantic none there may be an outcome and an error: rows that were not acknowledged are
// left out, and a client that has lost something is of no more use.
func (l *leg) batch(ctx context.Context, d *draft) error {
	begun := &domain.HubBegun{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Config: l.h.inForce(), First: d.first, Last: d.last,
		Time: l.timeOf(d), Semantic: l.h.cfg.Semantic, Excluded: d.excluded,
	}
	crash.Point("hub.begun.before")
	ref, err := l.w.Append(ctx, begun)
	if err != nil {
		return err
	}
	crash.Point("hub.begun.after")
	l.time = begun.Time
	l.h.reporter.Update(func(s *projections.Status) { s.Open = ref.Seq })
	c, lost := l.transact(ctx, ref, begun, d)
	if err = lost; err != nil && begun.Semantic == domain.None {
		err = l.h.leaveOut(ctx, begun, c)
	}
	if err != nil {
		l.h.unknown(ref, d, err)
		return err
	}
	c.Owned, c.Trail = l.w.Owned(), l.w.Trail()
	// If the process died here the next owner would append the same from the record.
	crash.Point("hub.outcome.before")
	if _, err := l.w.Append(ctx, c); err != nil {
		return err
	}
	crash.Point("hub.outcome.after")
	l.progress = c.ProgressOffset
	l.h.remember(c, begun.Semantic)
	l.h.didHappen(c)
	return lost
}

// transact is everything between the intent and the outcome. Beside an error the outcome
// is what is known in spite of it.
func (l *leg) transact(ctx context.Context, ref domain.Ref, begun *domain.HubBegun, d *draft) (*domain.HubCommitted, error) {
	if !l.h.fills() { // whose gaps may be long; each of its requests has its time
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.h.cfg.TransactionTimeout)
		defer cancel()
	}
	c := &domain.HubCommitted{
		Begun: ref, Cursor: begun.Last, Time: begun.Time, ProgressOffset: l.progress,
		Excluded: begun.Excluded, FoundBy: domain.FoundBySelf,
	}
	err := l.sender.Produce(ctx, &d.Packed, begun.Time.Millis())
	var some *unacknowledgedError
	if err == nil || errors.As(err, &some) {
		c.Runs = hubRuns(&d.Packed, d.origins)
		c.Rows, c.Bytes = placed(&d.Packed)
	}
	if err == nil {
		err = l.behindEnds(c.Runs)
	}
	if err != nil {
		return c, err
	}
	crash.Point("hub.flush.after")
	record, err := encodeProgress(&progress{
		ProgressRecord: domain.ProgressRecord{
			Journal: l.h.j.ID(), Begun: ref, Cursor: begun.Last, ClusterID: l.cluster, TopicID: l.topicID, Runs: c.Runs,
		},
		Bytes: c.Bytes,
	})
	if err != nil {
		return c, err
	}
	crash.Point("hub.commit.before")
	offset, err := l.sender.Commit(ctx, record)
	if err != nil {
		return c, err
	}
	crash.Point("hub.commit.after")
	c.ProgressOffset = offset
	return c, nil
}

// behindEnds demands that rows came behind what was there when the leg was opened: a partition
// that lost its end since gives offsets a second time. The transaction is given up then, and the
// next Open finds what is lost.
func (l *leg) behindEnds(runs []domain.HubRun) error {
	for _, r := range runs {
		if end := l.ends[r.Partition]; r.Offset < end {
			return fmt.Errorf("hub partition %s/%d gave offset %d, and had ended at %d: it lost its end", l.h.cfg.Pipeline.HubTopic, r.Partition, r.Offset, end)
		}
	}
	return nil
}

// grace is a context that outlives another one by a while. The returned function
// releases it.
func grace(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return longer, func() { stop(); cancel() }
}
