package kafkaconn

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Bounds are the offsets between which a partition can be read. They come from
// three requests, asked in this order, so that LSO ≤ HighWatermark always holds
// and LogStart is the oldest of the three.
type Bounds struct {
	// LogStart is the first offset not yet deleted.
	LogStart int64
	// LSO is the last stable offset: everything below it is decided, committed
	// or aborted.
	LSO int64
	// HighWatermark is the offset that the next record gets, as far as all
	// in-sync replicas have come.
	HighWatermark int64
}

// Offsets returns the bounds of each partition. Partitions that cannot be asked
// now (no leader) are left out of the map and named in the error, so both are
// worth looking at. [ErrNoTopic] where there is no such topic.
func Offsets(ctx context.Context, cl *kgo.Client, topic string) (map[int32]Bounds, error) {
	adm := kadm.NewClient(cl)
	starts, err := listed(topic, "log start", func() (kadm.ListedOffsets, error) { return adm.ListStartOffsets(ctx, topic) })
	if errors.Is(err, ErrNoTopic) {
		return nil, err
	}
	stable, err2 := listed(topic, "last stable", func() (kadm.ListedOffsets, error) { return adm.ListCommittedOffsets(ctx, topic) })
	ends, err3 := listed(topic, "high watermark", func() (kadm.ListedOffsets, error) { return adm.ListEndOffsets(ctx, topic) })
	bounds := make(map[int32]Bounds, len(starts))
	for p, start := range starts {
		lso, ok := stable[p]
		hw, ok2 := ends[p]
		if ok && ok2 {
			bounds[p] = Bounds{start, lso, hw}
		}
	}
	return bounds, errors.Join(err, err2, err3)
}

// listed flattens what kadm returns for one topic and gives its errors their
// coordinates.
func listed(topic, what string, list func() (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	all, err := list()
	if err != nil {
		err = fmt.Errorf("list %s offsets of %s: %w", what, topic, err)
	}
	at := make(map[int32]int64, len(all[topic]))
	for p, l := range all[topic] {
		switch {
		case p < 0 && errors.Is(l.Err, kerr.UnknownTopicOrPartition):
			return nil, fmt.Errorf("list %s offsets of %s: %w", what, topic, ErrNoTopic)
		case l.Err != nil:
			err = errors.Join(err, fmt.Errorf("list %s offset of %s/%d: %w", what, topic, p, l.Err))
		default:
			at[p] = l.Offset
		}
	}
	return at, err
}

// EpochEnd is the broker's answer to "where does this leader epoch end?".
type EpochEnd struct {
	// Epoch is the largest epoch the log knows that is not beyond the one asked
	// for; -1 when it knows none.
	Epoch int32
	// Offset is where Epoch ends; -1 when Epoch is.
	Offset int64
}

// OffsetForLeaderEpoch asks the partition's leader where epoch ended (KIP-101,
// KIP-320). An end below an offset that was read under that epoch proves that
// the log was cut behind the reader.
func OffsetForLeaderEpoch(ctx context.Context, cl *kgo.Client, topic string, partition, epoch int32) (EpochEnd, error) {
	var req kadm.OffsetForLeaderEpochRequest
	req.Add(topic, partition, epoch)
	ends, err := kadm.NewClient(cl).OffsetForLeaderEpoch(ctx, req)
	if err != nil {
		return EpochEnd{}, fmt.Errorf("end of leader epoch %d of %s/%d: %w", epoch, topic, partition, err)
	}
	end, ok := ends[topic][partition]
	if !ok {
		return EpochEnd{}, fmt.Errorf("end of leader epoch %d of %s/%d: no answer for the partition", epoch, topic, partition)
	}
	if end.Err != nil {
		return EpochEnd{}, fmt.Errorf("end of leader epoch %d of %s/%d: %w", epoch, topic, partition, end.Err)
	}
	return EpochEnd{end.LeaderEpoch, end.EndOffset}, nil
}

// OffsetsAfter returns, for each partition that is asked about, the offset of the first
// record whose timestamp is at or after the given one (milliseconds since 1970), or -1
// when there is none; records of transactions that are still open count. Who begins at
// the log end where there is none asks [Offsets] before: a record that comes between the
// two questions would be skipped the other way round.
func OffsetsAfter(ctx context.Context, cl *kgo.Client, topic string, at map[int32]int64) (map[int32]int64, error) {
	if len(at) == 0 {
		return map[int32]int64{}, nil
	}
	req := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for partition, ms := range at {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = partition, ms
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	found := make(map[int32]int64, len(at))
	var errs []error
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			errs = append(errs, fmt.Errorf("offsets by time of %s: %w", topic, shard.Err))
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					errs = append(errs, fmt.Errorf("offset of %s/%d at time %d: %w", topic, p.Partition, at[p.Partition], err))
					continue
				}
				found[p.Partition] = p.Offset
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for partition := range at {
		if _, answered := found[partition]; !answered {
			return nil, fmt.Errorf("offset of %s/%d by time: no answer for the partition", topic, partition)
		}
	}
	return found, nil
}
