package hub

import (
	"context"
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
	time      domain.Micros // of the last intent
}

// Cursor implements projections.Leg.
func (l *leg) Cursor() domain.Cursor { return l.cursor }

// Close implements projections.Leg.
func (l *leg) Close() { l.sender.Close() }

// Run implements projections.Leg: one goroutine reads ahead, one packs, one sends.
// One transaction is in flight; the next batch is packed meanwhile.
func (l *leg) Run(ctx context.Context) error {
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
// not known what the hub has: the leg is closed, and the next Open settles.
func (l *leg) batch(ctx context.Context, d *draft) error {
	begun := &domain.HubBegun{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Config: l.h.config, First: d.first, Last: d.last,
		Time: beginTime(l.h.j.Now(), l.time), Excluded: d.excluded,
	}
	crash.Point("hub.begun.before")
	ref, err := l.w.Append(ctx, begun)
	if err != nil {
		return err
	}
	crash.Point("hub.begun.after")
	l.time = begun.Time
	l.h.reporter.Update(func(s *projections.Status) { s.Open = ref.Seq })
	c, err := l.transact(ctx, ref, begun, d)
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
	l.h.didHappen(c)
	return nil
}

// transact is everything between the intent and the outcome.
func (l *leg) transact(ctx context.Context, ref domain.Ref, begun *domain.HubBegun, d *draft) (*domain.HubCommitted, error) {
	ctx, cancel := context.WithTimeout(ctx, l.h.cfg.TransactionTimeout)
	defer cancel()
	if err := l.sender.Produce(ctx, &d.Packed, begun.Time.Millis()); err != nil {
		return nil, err
	}
	crash.Point("hub.flush.after")
	p := &progress{
		ProgressRecord: domain.ProgressRecord{
			Journal: l.h.j.ID(), Begun: ref, Cursor: begun.Last,
			ClusterID: l.cluster, TopicID: l.topicID, Runs: hubRuns(&d.Packed, d.origins),
		},
		Bytes: int64(len(d.Values)),
	}
	record, err := encodeProgress(p)
	if err != nil {
		return nil, err
	}
	crash.Point("hub.commit.before")
	offset, err := l.sender.Commit(ctx, record)
	if err != nil {
		return nil, err
	}
	crash.Point("hub.commit.after")
	return &domain.HubCommitted{
		Begun: ref, Cursor: begun.Last, Runs: p.Runs, Time: begun.Time, ProgressOffset: offset,
		Rows: int64(len(d.Ends)), Bytes: p.Bytes, Excluded: begun.Excluded, FoundBy: domain.FoundBySelf,
	}, nil
}

// grace is a context that outlives another one by a while. The returned function
// releases it.
func grace(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return longer, func() { stop(); cancel() }
}
