package kafkaconn

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// EndTransaction is kgo's, which is not safe as soon as all records are acknowledged: what
// waits for the partitions of a topic that is new to the client is sent before these are in
// the client's table (storePartitionsUpdate in kgo, v1.22.2), and only what is in there is
// looked at when a transaction ends. If the acknowledgement is faster, a transaction in new
// topics alone is aborted and reported as committed; with others in it the new partitions go
// on with their old sequence numbers in the next epoch, and the next transaction gets
// OUT_OF_ORDER_SEQUENCE_NUMBER (before transaction.version 2 it is never told to the
// coordinator that they belong to it). So this waits for the table, given an acknowledged
// record of each topic that was written to. After an error the transaction may be open.
func EndTransaction(ctx context.Context, cl *kgo.Client, end kgo.TransactionEndTry, wrote ...*kgo.Record) error {
	for _, r := range wrote {
		if err := inTable(ctx, cl, r.Topic, r.Partition); err != nil {
			return fmt.Errorf("wait until the client knows %s/%d: %w", r.Topic, r.Partition, err)
		}
	}
	return cl.EndTransaction(ctx, end) //nolint:forbidigo // this is what others are to call
}

// inTable waits until a partition is in a client's table, where all of a topic come at
// once. One that was written to has a leader there.
func inTable(ctx context.Context, cl *kgo.Client, topic string, partition int32) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if leader, _, _ := cl.PartitionLeader(topic, partition); leader >= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
