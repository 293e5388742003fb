package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// stuckAfter is how long the last stable offset may stay below the high watermark
// before it is said. What holds it is a foreign transaction in our progress
// partition, and ends at the latest with that one's time-out.
const stuckAfter = 30 * time.Second

// scan reads one progress partition read_committed and keeps the shard's last
// records. It reads raw batches: a consumer never reports a trailing marker, so its
// position would not reach the end (kafka-real.md §0.1).
type scan struct {
	cl      *kgo.Client
	topic   kafkaconn.Topic
	shard   int
	pos     int64
	decoder batch.Decoder
	last    records
	// undecided takes records of transactions that are open, or were aborted, too: an open one
	// would have to be waited for.
	undecided bool
}

// records are the last ones of a shard, nil for none. They have keys of their own, so
// that compaction keeps both: one that is not fenced may come late, and must neither hide
// nor remove that of a transaction.
type records struct {
	fenced   *progress // written in a transaction
	unfenced *progress // by the weaker semantics
	// checkpoints are what the journal was, by the incarnation that signed (witness.go).
	checkpoints map[domain.Seq]checkpoints
	plan        string // whose the topic is, of a shadow topic's (shadow.go)
}

// recordKey is the key of a shard's progress records of a semantic.
func recordKey(shard int, s domain.Semantic) string {
	if s.Exactly() {
		return strconv.Itoa(shard)
	}
	return strconv.Itoa(shard) + "/unfenced"
}

// readProgress are the shard's last committed progress records. It reads up to the high
// watermark as of now: when the caller has fenced its transactional id before, no
// transaction of an earlier owner can come after. from is where the caller knows a
// record, 0 if nowhere.
func readProgress(ctx context.Context, cl *kgo.Client, topic kafkaconn.Topic, shard int, from int64) (records, error) {
	bounds, err := kafkaconn.Offsets(ctx, cl, topic.Name)
	b, ok := bounds[int32(shard)]
	if !ok {
		return records{}, fmt.Errorf("progress of shard %d: %w", shard, errors.Join(err, fmt.Errorf("no bounds of %s/%d", topic.Name, shard)))
	}
	return (&scan{cl: cl, topic: topic, shard: shard, pos: max(from, b.LogStart)}).to(ctx, b.HighWatermark)
}

// to reads up to an offset.
func (s *scan) to(ctx context.Context, end int64) (records, error) {
	began := time.Now()
	for s.pos < end {
		lso, err := s.fetch(ctx)
		if err != nil {
			return records{}, err
		}
		if s.pos < end && time.Since(began) > stuckAfter {
			return records{}, fmt.Errorf("read %s/%d at %d up to %d: the last stable offset stays at %d: another producer has a transaction open in this partition",
				s.topic.Name, s.shard, s.pos, end, lso)
		}
	}
	return s.last, nil
}

func (s *scan) fetch(ctx context.Context) (lso int64, err error) {
	answers, err := kafkaconn.Fetch(ctx, s.cl, s.topic.Partitions[s.shard].Leader, s.topic,
		[]kafkaconn.FetchPartition{{Partition: int32(s.shard), Offset: s.pos, MaxBytes: 1 << 20, LeaderEpoch: -1}},
		kafkaconn.FetchOptions{MaxWait: 250 * time.Millisecond, MinBytes: 1, MaxBytes: 1 << 20, ReadCommitted: !s.undecided})
	if err != nil {
		return 0, err
	}
	if answers[0].Err != nil {
		return 0, answers[0].Err
	}
	return answers[0].LSO, s.walk(answers[0].RecordBatches, answers[0].Aborted)
}

// walk takes the batches of one answer. Only this answer's list of aborted
// transactions counts for them (KIP-98; kafka-real.md §5).
func (s *scan) walk(section []byte, aborted []kafkaconn.Aborted) error {
	slices.SortFunc(aborted, func(a, b kafkaconn.Aborted) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	for len(section) > 0 {
		h, b, rest, err := batch.Next(section)
		if errors.Is(err, batch.ErrTruncated) {
			return nil // the tail of an answer may be cut off
		}
		if err == nil {
			err = batch.CheckCRC(b)
		}
		if err != nil {
			return fmt.Errorf("read %s/%d at %d: %w", s.topic.Name, s.shard, s.pos, err)
		}
		section = rest
		if h.LastOffset() < s.pos {
			continue
		}
		from := s.pos
		s.pos = h.LastOffset() + 1
		began := func(a kafkaconn.Aborted) bool { return a.ProducerID == h.ProducerID && a.FirstOffset <= h.BaseOffset }
		switch {
		case h.Control():
			if i := slices.IndexFunc(aborted, began); i >= 0 {
				aborted = slices.Delete(aborted, i, i+1)
			}
			continue
		case h.Transactional() && slices.ContainsFunc(aborted, began):
			continue
		}
		if err := s.decoder.Batch(h, b, from, s.pos, s.record); err != nil {
			return fmt.Errorf("read %s/%d at %d: %w", s.topic.Name, s.shard, from, err)
		}
	}
	return nil
}

func (s *scan) record(r *batch.Record) error {
	into := &s.last.fenced
	switch string(r.Key) {
	case recordKey(s.shard, domain.ExactlyOnce):
	case recordKey(s.shard, domain.AtLeastOnce):
		into = &s.last.unfenced
	case planKey:
		s.last.plan = string(r.Value)
		return nil
	default:
		s.witnessed(r)
		return nil
	}
	if len(r.Value) == 0 { // taken away: the journal was rebuilt (forget.go)
		*into = nil
		return nil
	}
	p, err := decodeProgress(r.Value)
	if err != nil {
		return fmt.Errorf("progress record at %d: %w", r.Offset, err)
	}
	p.Offset = r.Offset
	if last := s.last.unfenced; into == &s.last.unfenced && last != nil && last.Journal == p.Journal && p.Begun.Seq < last.Begun.Seq {
		return nil // a replaced owner's, which came late
	}
	*into = p
	return nil
}
