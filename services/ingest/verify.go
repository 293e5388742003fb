package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// compare holds the log against the journal where that is due: the last journaled
// batch must still be there. A topic that was made anew or cut is noticed so even
// where brokers have no topic ids.
func (g *group) compare(ctx context.Context) (*finding, error) {
	var ended error
	for _, p := range g.parts {
		if !p.verify {
			continue
		}
		// What is still in the queue is not in the journal yet.
		pos, err := g.s.l.done.reach(ctx, g.s.ID, p.id, p.pos.Next)
		if err != nil {
			return nil, err
		}
		p.pos = pos
		f, err := g.compareOne(ctx, p)
		var refused *kerr.Error
		switch {
		case f != nil:
			return f, nil
		case errors.As(err, &refused): // its own trouble, not that of the broker
			p.fail(err)
			ended = errRefused
		case err != nil:
			return nil, err
		default:
			p.verify = false
		}
	}
	return nil, ended
}

// compareOne compares one partition. Errors that are a *kerr.Error concern it alone.
func (g *group) compareOne(ctx context.Context, p *partition) (*finding, error) {
	if p.pos.LastBase < 0 {
		return nil, nil // nothing is journaled: the fetch finds out whether Next is in the log
	}
	a, err := g.peek(ctx, p, p.pos.LastBase)
	switch {
	case outOfRange(err):
		return g.gone(ctx, p)
	case err != nil:
		return nil, err
	}
	h, b, _, err := batch.Next(a.RecordBatches)
	if errors.Is(err, batch.ErrTruncated) { // nothing there yet
		return g.behind(ctx, p, a.HighWatermark)
	}
	var magic *batch.MagicError
	if err != nil && !errors.As(err, &magic) && !errors.Is(err, batch.ErrCorrupt) {
		return nil, err
	}
	if err == nil && h.BaseOffset == p.pos.LastBase && h.CRC == p.pos.LastCRC {
		return nil, nil
	}
	now := fmt.Sprintf("batch at %d with crc32c %x", h.BaseOffset, h.CRC)
	if err != nil {
		now = err.Error()
	} else if g.topic.Compacted || !g.topic.ConfigKnown {
		same, err := g.s.l.sameRecords(ctx, p.pos, h, b)
		if same || err != nil {
			return nil, err
		}
		now += ", whose records are not those that were journaled"
	}
	bounds, err := g.bounds(ctx, p)
	if err != nil {
		return nil, err
	}
	start, err := g.parted(ctx, p, bounds)
	if err != nil {
		return nil, err
	}
	return replaced(g.s.l.stream, g.s.ID, p.pos, now, start), nil
}

// peek fetches the batch at an offset, and does not wait for one.
func (g *group) peek(ctx context.Context, p *partition, offset int64) (*kafkaconn.Fetched, error) {
	answers, err := kafkaconn.Fetch(ctx, g.s.cl, g.leader, g.topic,
		[]kafkaconn.FetchPartition{{Partition: p.id, Offset: offset, LeaderEpoch: p.epoch, MaxBytes: 1}},
		kafkaconn.FetchOptions{MaxBytes: 1})
	if err != nil {
		return nil, err
	}
	return &answers[0], answers[0].Err
}

// gone judges that the last journaled batch is outside of the log: below its start
// there is nothing to compare, beyond its end it was cut.
func (g *group) gone(ctx context.Context, p *partition) (*finding, error) {
	b, err := g.bounds(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.pos.LastBase < b.LogStart {
		return nil, nil
	}
	return g.cutAt(ctx, p, b)
}

// behind judges an empty answer where the last journaled batch should be: the log is
// cut if it refuses the next offset; else a new leader has not yet learnt how far the
// log is replicated, and is asked again.
func (g *group) behind(ctx context.Context, p *partition, highWatermark int64) (*finding, error) {
	_, err := g.peek(ctx, p, p.pos.Next)
	if outOfRange(err) {
		return g.ranged(ctx, p)
	}
	if err == nil {
		err = fmt.Errorf("%s/%d: the leader vouches for offsets below %d only, %d is journaled", g.topic.Name, p.id, highWatermark, p.pos.LastBase)
	}
	return nil, err
}

// ranged judges a refused next offset. nil and no error: the log has moved meanwhile
// and the offset is inside now.
func (g *group) ranged(ctx context.Context, p *partition) (*finding, error) {
	b, err := g.bounds(ctx, p)
	switch {
	case err != nil:
		return nil, err
	case p.pos.Next < b.LogStart:
		return deleted(g.s.l.stream, g.s.ID, p.pos, b.LogStart), nil
	case p.pos.Next > b.HighWatermark:
		return g.cutAt(ctx, p, b)
	default:
		return nil, nil
	}
}

func (g *group) bounds(ctx context.Context, p *partition) (kafkaconn.Bounds, error) {
	all, err := kafkaconn.Offsets(ctx, g.s.cl, g.topic.Name)
	b, ok := all[p.id]
	if !ok && err == nil {
		err = fmt.Errorf("bounds of %s/%d: no answer for the partition", g.topic.Name, p.id)
	}
	if !ok {
		return kafkaconn.Bounds{}, err
	}
	return b, nil
}

// cutAt is the finding that the log ends before what was read.
func (g *group) cutAt(ctx context.Context, p *partition, b kafkaconn.Bounds) (*finding, error) {
	start, err := g.parted(ctx, p, b)
	if err != nil {
		return nil, err
	}
	return cut(g.s.l.stream, g.s.ID, p.pos, b, start), nil
}

// parted finds out where a log parted from what was read: at the end of the leader
// epoch of the last journaled batch (KIP-320). That says something of the same topic
// only; where the broker has no topic ids it may be another one, which is read from
// its log start.
func (g *group) parted(ctx context.Context, p *partition, b kafkaconn.Bounds) (domain.Start, error) {
	start := domain.Start{Partition: p.id, LogStart: b.LogStart, First: b.LogStart, How: "log start"}
	until(&start, &p.pos, b.HighWatermark, false)
	if p.pos.TopicID == [16]byte{} || p.pos.TopicID != g.topic.ID || p.pos.LeaderEpoch < 0 {
		return start, nil
	}
	end, err := kafkaconn.OffsetForLeaderEpoch(ctx, g.s.cl, g.topic.Name, p.id, p.pos.LeaderEpoch)
	if err != nil {
		return start, err
	}
	if end.Epoch >= 0 && end.Offset >= b.LogStart && end.Offset <= p.pos.Next {
		start.First, start.How = end.Offset, fmt.Sprintf("end of leader epoch %d", end.Epoch)
	}
	return start, nil
}
