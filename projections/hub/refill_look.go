package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// look finds where each partition ends, and reads from what is carried up to there: every batch
// must be one that this plan puts there, whichever owner wrote it. Errors: *projections.Refusal
// where something else stands in the place, or the topic lost its end once more.
func (h *Hub) look(ctx context.Context, r *refiller) error {
	bounds, err := kafkaconn.Offsets(ctx, r.cl, r.topic.Name)
	held := false
	for p, t := range r.tails {
		b, told := bounds[p]
		if !told {
			return fmt.Errorf("end of hub partition %s/%d: %w", r.topic.Name, p, errors.Join(err, errors.New("not told")))
		}
		if t.end = b.HighWatermark; t.end < t.at {
			return h.cannot("hub partition %d ends at %d, though it was filled in up to %d: it lost its end once more; cancel this replay and plan another", p, t.end, t.at)
		}
		held = held || b.LSO < b.HighWatermark
		if err := h.lookAt(ctx, r, t); err != nil {
			return err
		}
	}
	if !held {
		return nil
	}
	return h.lostEnds(ctx, r)
}

// lookAt reads what one partition has behind what is carried.
func (h *Hub) lookAt(ctx context.Context, r *refiller, t *tail) error {
	for pos, end := t.at, min(t.end, t.span.Next); pos < end; {
		answers, err := kafkaconn.Fetch(ctx, r.cl, r.topic.Partitions[t.partition].Leader, r.topic,
			[]kafkaconn.FetchPartition{{Partition: t.partition, Offset: pos, MaxBytes: 1 << 20, LeaderEpoch: -1}},
			kafkaconn.FetchOptions{MaxWait: 250 * time.Millisecond, MinBytes: 1, MaxBytes: 1 << 20})
		if err == nil {
			err = answers[0].Err
		}
		if err != nil {
			return err
		}
		read, what, err := t.walk(answers[0].RecordBatches, pos, r.producer)
		switch {
		case err != nil:
			return fmt.Errorf("read hub partition %s/%d at %d: %w", r.topic.Name, t.partition, read, err)
		case what != "":
			return h.cannot("hub partition %d, offset %d: %s; the plan would put there what the journal says", t.partition, read, what)
		case read == pos:
			return fmt.Errorf("read hub partition %s/%d at %d: nothing came, though it ends at %d", r.topic.Name, t.partition, pos, t.end)
		}
		pos = read
	}
	return nil
}

// walk reads batches up to the first that is none of this plan's, and says what is wrong with it.
func (t *tail) walk(section []byte, pos, producer int64) (read int64, what string, err error) {
	for len(section) > 0 && pos < t.span.Next {
		h, b, rest, err := batch.Next(section)
		if errors.Is(err, batch.ErrTruncated) {
			return pos, "", nil // the tail of an answer may be cut off
		}
		if err == nil {
			err = batch.CheckCRC(b)
		}
		if err != nil {
			return pos, "", err
		}
		section = rest
		if h.LastOffset() < pos {
			continue
		}
		if what := t.foreign(&h, producer); what != "" {
			return h.BaseOffset, what, nil
		}
		pos = h.LastOffset() + 1
	}
	return pos, "", nil
}

// foreign says why a batch is not one that the plan puts there; "" if it is.
func (t *tail) foreign(h *batch.Header, producer int64) string {
	n, row := t.ordinal(h.BaseOffset)
	switch last, whole := t.ordinal(h.LastOffset()); {
	case h.Control() && row:
		return "a marker stands in the place of a row"
	case h.Control():
		return ""
	case h.ProducerID != producer:
		return fmt.Sprintf("a record of producer %d, which is not this plan's", h.ProducerID)
	case !row || !whole || last-n != h.LastOffset()-h.BaseOffset || sequenceOf(n) != h.BaseSequence:
		return "a row of this plan that does not belong there"
	}
	return ""
}

// lostEnd is a transaction whose marker was in the lost end of a partition: its coordinator has
// ended it long ago, and the partition waits for the marker for ever.
type lostEnd struct {
	producer    int64
	epoch       int16
	coordinator int32
	committed   bool // as the journal says
}

// lostEnds finds the transactions that hold the readers of the partitions back. Those whose rows
// lie before what is missing must be ended as they were, or the live leg's next transaction,
// which has the same producer, would be taken for their continuation.
func (h *Hub) lostEnds(ctx context.Context, r *refiller) error {
	open, err := kafkaconn.OpenTransactions(ctx, r.cl, r.topic.Name)
	if err != nil {
		return err
	}
	for _, o := range open {
		t := r.tails[o.Partition]
		if t == nil {
			continue
		}
		if !o.Hanging {
			return fmt.Errorf("hub partition %s/%d has a transaction of %q from %d on that is not ended yet: nothing is written before it is", o.Topic, o.Partition, o.TransactionalID, o.FirstOffset)
		}
		committed, err := h.hasRow(ctx, t.first, o.Partition, o.FirstOffset)
		if err != nil {
			return err
		}
		t.open = append(t.open, lostEnd{o.ProducerID, o.ProducerEpoch, max(0, o.CoordinatorEpoch), committed})
	}
	return nil
}

// hasRow reports whether the journal has committed a row at a place of the hub; it looks in the
// events of the live stream from one on back to those of the place.
func (h *Hub) hasRow(ctx context.Context, from domain.Seq, partition int32, offset int64) (bool, error) {
	for seq := from; seq > 0; seq-- {
		e, err := h.j.Get(ctx, h.cfg.Replay.Lane.Last.Stream, seq)
		if err != nil {
			return false, err
		}
		c, ok := e.Event.(*domain.HubCommitted)
		if !ok {
			continue
		}
		before := false
		for _, r := range c.Runs {
			if r.Partition != partition {
				continue
			}
			if r.Offset <= offset && offset < r.Offset+r.N {
				return true, nil
			}
			before = before || r.Offset < offset
		}
		if before {
			return false, nil
		}
	}
	return false, nil
}
