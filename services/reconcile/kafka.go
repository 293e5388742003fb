package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// idle is how long a consumer may bring nothing before a partition whose last offsets
// hold no record at all counts as read to its end.
const idle = 15 * time.Second

// readTopic reads a topic read_committed from the log start to the last stable offset
// of now, or read_uncommitted to the high watermark, each partition in order, control records
// left out, and says where the log starts.
func readTopic(ctx context.Context, c kafkaconn.Config, topic string, uncommitted bool, each func(*kgo.Record) error) (map[int32]int64, error) {
	isolation := kgo.ReadCommitted()
	if uncommitted {
		isolation = kgo.ReadUncommitted()
	}
	cl, err := kafkaconn.Dial(c, kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(), kgo.FetchMaxWait(200*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: log starts: %w", topic, err)
	}
	list := adm.ListCommittedOffsets
	if uncommitted {
		list = adm.ListEndOffsets
	}
	ends, err := list(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: ends: %w", topic, err)
	}
	first := map[int32]int64{}
	left := map[int32]int64{} // partition -> end, while it is not reached
	at := map[string]map[int32]kgo.Offset{topic: {}}
	ends.Each(func(o kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, o.Partition)
		first[o.Partition] = start.Offset
		if start.Offset < o.Offset {
			left[o.Partition] = o.Offset
			at[topic][o.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	cl.AddConsumePartitions(at)
	return first, consume(ctx, cl, topic, left, each)
}

func consume(ctx context.Context, cl *kgo.Client, topic string, left map[int32]int64, each func(*kgo.Record) error) error {
	last := time.Now()
	for len(left) > 0 {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := cl.PollFetches(poll)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var failed error
		fetches.EachError(func(_ string, p int32, err error) {
			if poll.Err() == nil {
				failed = fmt.Errorf("read topic %s partition %d: %w", topic, p, err)
			}
		})
		if failed != nil {
			return failed
		}
		if fetches.NumRecords() > 0 {
			last = time.Now()
		}
		var err error
		fetches.EachRecord(func(r *kgo.Record) {
			end, wanted := left[r.Partition]
			if err != nil || !wanted || r.Offset >= end {
				return
			}
			if !r.Attrs.IsControl() {
				err = each(r)
			}
			if r.Offset == end-1 {
				delete(left, r.Partition)
			}
		})
		if err != nil {
			return err
		}
		if time.Since(last) > idle {
			return nil
		}
	}
	return nil
}
