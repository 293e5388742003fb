package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// A journal that is rebuilt takes the place of one that the hub remembers. Fence and Forget are
// what an operator approves with it: nobody of the old journal can commit any more, and the
// hub does not speak for it any more.

// Fence ends every transaction that an owner of a shard of the pipeline has open, and makes that
// none of them can commit another. Without exactly-once there is nothing in Kafka to fence with.
func Fence(ctx context.Context, cfg Config, pipeline string) error {
	if !cfg.Semantic.Exactly() {
		return nil
	}
	id := transactionalID(pipeline, cfg.Shard)
	cl, err := kafkaconn.Dial(cfg.Kafka, kgo.TransactionalID(id))
	if err != nil {
		return err
	}
	defer cl.Close()
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return fmt.Errorf("fence the owner of transactional id %s: %w", id, err)
	}
	return nil
}

// Forget takes away what a shard's partition of the progress topic remembers of every journal
// but keep: progress records and signed checkpoints, each with a record without a value, and
// reads that they are gone. Whoever holds a journal of those finds it lost from then on. It may
// be repeated after any error. A hub that has no progress topic remembers nothing.
func Forget(ctx context.Context, cfg Config, keep domain.JournalID) error {
	cl, err := kafkaconn.Dial(cfg.Kafka,
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	keys, err := remembered(ctx, cl, cfg, keep)
	if err != nil || len(keys) == 0 {
		return err
	}
	for _, key := range keys {
		r := &kgo.Record{Topic: cfg.ProgressTopic, Partition: int32(cfg.Shard), Key: []byte(key)}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			return fmt.Errorf("take record %s out of %s/%d: %w", key, cfg.ProgressTopic, cfg.Shard, err)
		}
	}
	left, err := remembered(ctx, cl, cfg, keep)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%s/%d has the records %q again: somebody else writes there", cfg.ProgressTopic, cfg.Shard, left)
	}
	return err
}

// remembered are the keys of the records that speak for another journal than keep. One that is
// not as it was signed speaks for none, and goes too.
func remembered(ctx context.Context, cl *kgo.Client, cfg Config, keep domain.JournalID) (keys []string, err error) {
	t, last, err := found(ctx, cl, cfg)
	if err != nil {
		return nil, err
	}
	if p := last.fenced; p != nil && p.Journal != keep {
		keys = append(keys, recordKey(cfg.Shard, domain.ExactlyOnce))
	}
	if p := last.unfenced; p != nil && p.Journal != keep {
		keys = append(keys, recordKey(cfg.Shard, domain.AtLeastOnce))
	}
	for incarnation, c := range last.checkpoints {
		heads, err := c.heads(t.Name, cfg.Shard, incarnation)
		var damaged *WitnessError
		if err != nil && !errors.As(err, &damaged) {
			return nil, err
		}
		other := func(h checkpoint.Kept) bool { return h.Journal != keep }
		if err != nil || slices.ContainsFunc(heads, other) {
			keys = append(keys, checkpointKey(cfg.Shard, incarnation))
		}
	}
	slices.Sort(keys)
	return keys, nil
}
