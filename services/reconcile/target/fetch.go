package target

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Bounds of a fetch.
const (
	fetchBytes = 1 << 20                // of a partition at once
	fetchWait  = 500 * time.Millisecond // that a broker may wait for rows
	// patience is how long a partition may give nothing but errors: an election takes less.
	patience     = 30 * time.Second
	betweenTries = 200 * time.Millisecond
)

// fetch asks the leader of a partition once for what it has from an offset on, read committed,
// and looks for another leader while that fails. The answer has no error but
// OFFSET_OUT_OF_RANGE.
func (h *Hub) fetch(ctx context.Context, partition int32, at int64, bytes int32) (*kmsg.FetchResponseTopicPartition, error) {
	giveUp := time.Now().Add(patience)
	for {
		answer, err := h.fetchOnce(ctx, partition, at, bytes)
		if err == nil {
			return answer, nil
		}
		err = fmt.Errorf("read hub %s/%d at %d: %w", h.name(), partition, at, err)
		if code := new(kerr.Error); ctx.Err() != nil || time.Now().After(giveUp) || errors.As(err, &code) && !code.Retriable {
			return nil, err
		}
		if e := pause(ctx, betweenTries); e != nil {
			return nil, err
		}
		if _, e := h.describe(ctx); errors.Is(e, ErrAnotherTopic) {
			return nil, e
		}
	}
}

func (h *Hub) name() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topic.Name
}

// fetchOnce asks once. The answer as a whole has no bound but the partition's: kfake leaves the
// list of aborted transactions out of one that it cuts at the whole's bound (01_fetch.go,
// "break full"), and their rows would count as committed.
func (h *Hub) fetchOnce(ctx context.Context, partition int32, at int64, bytes int32) (*kmsg.FetchResponseTopicPartition, error) {
	topic, of, known := h.leader(partition)
	if !known {
		return nil, kerr.LeaderNotAvailable
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int32(fetchWait.Milliseconds()), 1, math.MaxInt32
	req.SessionEpoch, req.IsolationLevel = -1, 1 // no session; read committed
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = topic.Name, topic.ID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = partition, at, bytes, of.LeaderEpoch
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	var ask kmsg.Request = req
	if topic.ID == [16]byte{} {
		ask = byName{req}
	}
	answer, err := h.cl.Broker(int(of.Leader)).Request(ctx, ask)
	if err != nil {
		return nil, err
	}
	all := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(all.ErrorCode); err != nil {
		return nil, err
	}
	if len(all.Topics) != 1 || len(all.Topics[0].Partitions) != 1 {
		return nil, errors.New("the broker does not answer for the partition")
	}
	got := &all.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil && !errors.Is(err, kerr.OffsetOutOfRange) {
		return nil, err
	}
	return got, nil
}

// byName is a fetch by the topic's name, which version 12 is the last to have: of a topic
// without an id.
type byName struct{ *kmsg.FetchRequest }

// MaxVersion is what kgo negotiates down from.
func (byName) MaxVersion() int16 { return 12 }
