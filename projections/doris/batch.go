package doris

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// pending is how many hub events are read ahead; they are small.
const pending = 64

// batch is what one load will carry: the committed hub transactions of [first, last].
type batch struct {
	first, last domain.Ref
	commits     []*domain.HubCommitted
	rows, bytes int64
	ends        map[int32]int64
}

func (b *batch) add(e *journal.Entry) {
	if b.first.IsZero() {
		b.first = e.Ref()
	}
	b.last = e.Ref()
	c, ok := e.Event.(*domain.HubCommitted)
	if !ok {
		return
	}
	b.commits = append(b.commits, c)
	b.rows += c.Rows
	b.bytes += c.Bytes
	for _, r := range c.Runs {
		b.ends[r.Partition] = max(b.ends[r.Partition], r.Offset+r.N)
	}
}

// endList is the ends once the load is visible, over those of the loads before.
func (b *batch) endList(before map[int32]int64) []domain.HubEnd {
	all := map[int32]int64{}
	for h, n := range before {
		all[h] = n
	}
	for h, n := range b.ends {
		all[h] = n
	}
	out := make([]domain.HubEnd, 0, len(all))
	for h, n := range all {
		out = append(out, domain.HubEnd{Partition: h, Next: n})
	}
	slices.SortFunc(out, func(a, b domain.HubEnd) int { return int(a.Partition) - int(b.Partition) })
	return out
}

// Run implements projections.Leg: gather, load, settle, until something is unknown.
func (l *leg) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	events := make(chan *journal.Entry, pending)
	g.Go(func() error { return l.read(ctx, events) })
	g.Go(func() error {
		for {
			b, err := l.gather(ctx, events)
			if err != nil {
				return err
			}
			if err := l.carry(ctx, b); err != nil {
				return err
			}
		}
	})
	return g.Wait()
}

// read follows the hub stream after the cursor.
func (l *leg) read(ctx context.Context, out chan<- *journal.Entry) error {
	r, err := l.j.Read(ctx, l.streamOf(domain.LegHub), l.cursor)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case out <- e:
		}
	}
}

// gather waits for rows and takes what comes until a limit is reached.
func (l *leg) gather(ctx context.Context, events <-chan *journal.Entry) (*batch, error) {
	b := &batch{ends: map[int32]int64{}}
	var age <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-age:
			return b, nil
		case e := <-events:
			b.add(e)
		}
		switch {
		case len(b.commits) == 0:
		case b.rows >= int64(l.cfg.Batch.Rows) || b.bytes >= int64(l.cfg.Batch.Bytes):
			return b, nil
		case age == nil:
			t := time.NewTimer(l.cfg.Batch.Age)
			defer t.Stop()
			age = t.C
		}
	}
}

// eachCommit reads the committed hub transactions of an intent from the journal.
func (l *leg) eachCommit(ctx context.Context, ev *domain.DorisBegun, do func(*domain.HubCommitted) error) error {
	r, err := l.j.ReadFrom(ctx, l.streamOf(domain.LegHub), ev.First.Seq)
	if err != nil {
		return err
	}
	defer r.Close()
	for seq := ev.First.Seq; seq <= ev.Last.Seq; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if c, ok := e.Event.(*domain.HubCommitted); ok {
			if err := do(c); err != nil {
				return err
			}
		}
		if seq == ev.Last.Seq && e.Hash != ev.Last.Hash {
			return &journal.IntegrityError{Stream: e.Stream, Seq: seq, What: fmt.Sprintf("hash is %s, the intent says %s", e.Hash, ev.Last.Hash)}
		}
	}
	return nil
}
