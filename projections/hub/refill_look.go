package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// look finds where each partition ends, and reads from what is carried up to there: every batch
// must be one that this plan puts there, whichever owner wrote it, or one before it. Errors: *projections.Refusal
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
		if err := h.lookAt(ctx, r, t, max(t.at, b.LogStart)); err != nil {
			return err
		}
	}
	if !held {
		return nil
	}
	return h.lostEnds(ctx, r)
}

// lookAt reads what one partition has behind what is carried, as far as its retention has left it:
// rows come with the time that they had, and may be due at once.
func (h *Hub) lookAt(ctx context.Context, r *refiller, t *tail, pos int64) error {
	for end := min(t.end, t.span.Next); pos < end; {
		answers, err := kafkaconn.Fetch(ctx, r.cl, r.topic.Partitions[t.partition].Leader, r.topic,
			[]kafkaconn.FetchPartition{{Partition: t.partition, Offset: pos, MaxBytes: 1 << 20, LeaderEpoch: -1}},
			kafkaconn.FetchOptions{MaxWait: 250 * time.Millisecond, MinBytes: 1, MaxBytes: 1 << 20})
		if err == nil {
			err = answers[0].Err
		}
		if err != nil {
			return err
		}
		read, what, err := t.walk(answers[0].RecordBatches, pos)
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
func (t *tail) walk(section []byte, pos int64) (read int64, what string, err error) {
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
		if what := t.foreign(&h); what != "" {
			return h.BaseOffset, what, nil
		}
		pos = h.LastOffset() + 1
	}
	return pos, "", nil
}

// foreign says why a batch is not one that the plan puts there; "" if it is.
func (t *tail) foreign(h *batch.Header) string {
	n, row := t.ordinal(h.BaseOffset)
	producer, sequence := t.knows(h.BaseOffset, n)
	switch last, whole := t.ordinal(h.LastOffset()); {
	case h.Control() && row:
		return "a marker stands in the place of a row"
	case h.Control():
		return ""
	case h.ProducerID != producer:
		return fmt.Sprintf("a record of producer %d, which is not this plan's", h.ProducerID)
	case !row || !whole || last-n != h.LastOffset()-h.BaseOffset || sequence != h.BaseSequence:
		return "a row that is filled in and does not belong there"
	}
	return ""
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
		lost, err := h.lostEndOf(ctx, &o, t.first)
		if err != nil {
			return err
		}
		t.open = append(t.open, lost)
	}
	return nil
}
