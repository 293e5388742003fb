package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// counter counts the committed rows of a topic by the headers of their batches, which
// costs next to nothing. It goes on where it was.
type counter struct {
	cl    *kgo.Client
	topic string
	next  map[int32]int64
	rows  int64
	dec   batch.Decoder
}

func newHub(cl *kgo.Client, topic string) *visible {
	return &visible{topic: topic, counter: &counter{cl: cl, topic: topic, next: map[int32]int64{}}}
}

// countBytes is asked for in one fetch.
const countBytes = 4 << 20

// count reads up to the last stable offsets and returns the rows so far.
func (c *counter) count(ctx context.Context, to map[int32]kafkaconn.Bounds) (int64, error) {
	t, err := kafkaconn.Describe(ctx, c.cl, c.topic)
	if err != nil {
		return c.rows, err
	}
	for _, p := range t.Partitions {
		for c.next[p.ID] < to[p.ID].LSO {
			if err := c.fetch(ctx, t, p); err != nil {
				return c.rows, err
			}
		}
	}
	return c.rows, nil
}

func (c *counter) fetch(ctx context.Context, t kafkaconn.Topic, p kafkaconn.Partition) error {
	answers, err := kafkaconn.Fetch(ctx, c.cl, p.Leader, t,
		[]kafkaconn.FetchPartition{{Partition: p.ID, Offset: c.next[p.ID], MaxBytes: countBytes, LeaderEpoch: -1}},
		kafkaconn.FetchOptions{MaxWait: quiet, MinBytes: 1, MaxBytes: countBytes, ReadCommitted: true})
	if err != nil {
		return err
	}
	a := &answers[0]
	if a.Err != nil {
		return a.Err
	}
	in := ingest.Fetched{Position: c.next[p.ID], RecordBatches: a.RecordBatches, LogStart: a.LogStart, LSO: a.LSO}
	for _, txn := range a.Aborted {
		in.Aborted = append(in.Aborted, ingest.AbortedTxn(txn))
	}
	out, err := ingest.Classify(in, &c.dec)
	if err != nil {
		return err
	}
	c.next[p.ID] = out.Next
	c.rows += out.Rows
	return nil
}
