package kafkaconn

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FetchPartition says where to go on reading one partition.
type FetchPartition struct {
	Partition int32
	Offset    int64
	// MaxBytes bounds the answer for this partition; a first batch larger than
	// it comes whole all the same (KIP-74).
	MaxBytes int32
	// LeaderEpoch is the epoch of the leader that is asked. A leader of another
	// epoch refuses with FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH; -1 asks
	// without the check.
	LeaderEpoch int32
}

// FetchOptions bound one [Fetch].
type FetchOptions struct {
	// MaxWait is how long the broker may hold the request while it has less than
	// MinBytes, in whole milliseconds.
	MaxWait  time.Duration
	MinBytes int32
	// MaxBytes bounds the whole answer, with the same exception as
	// FetchPartition.MaxBytes.
	MaxBytes int32
	// ReadCommitted ends the answer at the last stable offset and lists the
	// aborted transactions in it. Their records come too: leaving them out is
	// the reader's work.
	ReadCommitted bool
}

// Aborted is a transaction of a fetched range that was aborted: the data batches
// of ProducerID from FirstOffset up to its next abort marker were never
// committed. A transaction that reaches over several fetches is listed in each.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Fetched is the answer for one partition.
type Fetched struct {
	Partition int32
	// Offset repeats the offset asked for.
	Offset int64
	// Err is the broker's refusal, wrapped with the coordinates, or nil. With
	// OFFSET_OUT_OF_RANGE the bounds below are those of the log or -1.
	Err           error
	HighWatermark int64
	LSO           int64
	LogStart      int64
	// Aborted is empty unless FetchOptions.ReadCommitted was set. Only this
	// answer's list counts for this answer's batches.
	Aborted []Aborted
	// PreferredReadReplica is the broker that the leader would rather have
	// answer, or -1. Clients that name no rack, as here, are sent elsewhere only
	// by a replica selector of the cluster's own; no batches come then.
	PreferredReadReplica int32
	// RecordBatches are the batches byte for byte as the broker stores them. The
	// first may begin below Offset, the last may be cut off. The caller owns the
	// bytes; those of all partitions of one answer share one allocation, so
	// keeping a few keeps them all.
	RecordBatches []byte
}

// Fetch asks one broker once for partitions that it leads and returns one answer
// for each of them, in the order asked. It neither retries nor looks for another
// leader: a caller that had an error asks [Describe] who leads now, and checks
// that the log is still the one it read. All fetches of one client to one broker
// go one after the other over one connection, so a fetch that waits holds back
// the next: ask for all partitions of a broker at once, or use a client per reader.
//
// The request carries no session (KIP-227), so that each answer stands alone.
func Fetch(ctx context.Context, cl *kgo.Client, leader int32, topic Topic, parts []FetchPartition, o FetchOptions) ([]Fetched, error) {
	var req kmsg.Request = fetchRequest(topic, parts, o)
	if topic.ID == [16]byte{} {
		req = fetchByName{req.(*kmsg.FetchRequest)}
	}
	kresp, err := cl.Broker(int(leader)).Request(ctx, req)
	if err == nil {
		err = kerr.ErrorForCode(kresp.(*kmsg.FetchResponse).ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s %s from broker %d: %w", topic.Name, places(parts), leader, err)
	}
	answers := make(map[int32]*kmsg.FetchResponseTopicPartition, len(parts))
	resp := kresp.(*kmsg.FetchResponse)
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			answers[p.Partition] = p
		}
	}
	fetched := make([]Fetched, 0, len(parts))
	for _, part := range parts {
		a, ok := answers[part.Partition]
		if !ok {
			return nil, fmt.Errorf("fetch %s/%d at %d from broker %d: no answer for the partition", topic.Name, part.Partition, part.Offset, leader)
		}
		fetched = append(fetched, answer(leader, topic.Name, part, a))
	}
	return fetched, nil
}

func fetchRequest(topic Topic, parts []FetchPartition, o FetchOptions) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(o.MaxWait.Milliseconds())
	req.MinBytes = o.MinBytes
	req.MaxBytes = o.MaxBytes
	req.SessionEpoch = -1
	if o.ReadCommitted {
		req.IsolationLevel = 1
	}
	rt := kmsg.NewFetchRequestTopic()
	// Name and id both: which of them goes over the wire is the version's choice.
	rt.Topic, rt.TopicID = topic.Name, topic.ID
	for _, part := range parts {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition = part.Partition
		rp.FetchOffset = part.Offset
		rp.PartitionMaxBytes = part.MaxBytes
		rp.CurrentLeaderEpoch = part.LeaderEpoch
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	return req
}

// fetchByName is a fetch for a topic without an id. Brokers of 3.1 and later
// that still run with an older inter-broker protocol give none, yet offer
// version 13, in which the id is all there is; 12 is the last one with names.
type fetchByName struct{ *kmsg.FetchRequest }

// MaxVersion is what kgo negotiates down from.
func (fetchByName) MaxVersion() int16 { return 12 }

func answer(leader int32, topic string, part FetchPartition, a *kmsg.FetchResponseTopicPartition) Fetched {
	f := Fetched{
		Partition:            part.Partition,
		Offset:               part.Offset,
		HighWatermark:        a.HighWatermark,
		LSO:                  a.LastStableOffset,
		LogStart:             a.LogStartOffset,
		PreferredReadReplica: a.PreferredReadReplica,
		RecordBatches:        a.RecordBatches,
	}
	if err := kerr.ErrorForCode(a.ErrorCode); err != nil {
		f.Err = fmt.Errorf("fetch %s/%d at %d from broker %d: %w", topic, part.Partition, part.Offset, leader, err)
	}
	for _, t := range a.AbortedTransactions {
		f.Aborted = append(f.Aborted, Aborted{t.ProducerID, t.FirstOffset})
	}
	return f
}

// places names what a whole request was about, the first few for a person's eyes.
func places(parts []FetchPartition) string {
	const shown = 4
	var b strings.Builder
	for i, p := range parts {
		if i == shown {
			fmt.Fprintf(&b, " and %d more", len(parts)-shown)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d@%d", p.Partition, p.Offset)
	}
	return b.String()
}
