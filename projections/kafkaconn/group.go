package kafkaconn

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Committed returns the offsets that a consumer group has committed for a
// topic: the next offset to read. Partitions without a commit are not in the
// map; a group that never was is an empty map (Kafka 3.9 and 4.4 answer -1 for
// it, other brokers GROUP_ID_NOT_FOUND).
//
// The first question of all on a new cluster makes the topic __consumer_offsets
// and is answered with COORDINATOR_NOT_AVAILABLE until that is there, so it is
// asked again for some seconds.
func Committed(ctx context.Context, cl *kgo.Client, group, topic string) (map[int32]int64, error) {
	var all kadm.OffsetResponses
	err := again(ctx, kerr.CoordinatorNotAvailable, func() (err error) {
		all, err = kadm.NewClient(cl).FetchOffsets(ctx, group)
		return err
	})
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[int32]int64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s for %s: %w", group, topic, err)
	}
	at := make(map[int32]int64, len(all[topic]))
	for p, o := range all[topic] {
		if o.Err != nil {
			return nil, fmt.Errorf("offset of group %s for %s/%d: %w", group, topic, p, o.Err)
		}
		if o.At >= 0 {
			at[p] = o.At
		}
	}
	return at, nil
}

// CommitGroup tells a group the positions of its topic, for the tools that show
// lag; nothing of ours reads them back to resume. It commits as a simple group
// (generation -1, no member), which a group with live members refuses with
// UNKNOWN_MEMBER_ID.
func CommitGroup(ctx context.Context, cl *kgo.Client, group, topic string, next map[int32]int64) error {
	offsets := make(kadm.Offsets)
	for p, at := range next {
		offsets.Add(kadm.Offset{Topic: topic, Partition: p, At: at, LeaderEpoch: -1})
	}
	if err := kadm.NewClient(cl).CommitAllOffsets(ctx, group, offsets); err != nil {
		return fmt.Errorf("commit group %s for %s: %w", group, topic, err)
	}
	return nil
}
