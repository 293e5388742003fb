package services_test

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// player answers a cluster's fetches, and questions for bounds, from tapes.
type player struct {
	mu    sync.Mutex
	on    map[tapeID]*tape // as it is played
	were  map[tapeID]*tape // as it was recorded
	names map[[16]byte]string
}

type tapeID struct {
	topic     string
	partition int32
}

// playFor makes a player of a cluster; while it has no tapes, the cluster answers itself.
func playFor(k *kfake.Cluster) *player {
	p := &player{}
	k.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp, ours := p.fetch(r.(*kmsg.FetchRequest))
		return resp, nil, ours
	})
	k.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp, ours := p.bounds(r.(*kmsg.ListOffsetsRequest))
		return resp, nil, ours
	})
	return p
}

// load takes the tapes of some topics.
func (p *player) load(t *testing.T, brokers []string, topics ...string) {
	t.Helper()
	tapes, ids := recordAll(t, brokers, topics...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on, p.were, p.names = map[tapeID]*tape{}, map[tapeID]*tape{}, ids
	for _, one := range tapes {
		p.on[tapeID{one.topic, one.partition}], p.were[tapeID{one.topic, one.partition}] = one, one
	}
}

// was is a tape as it was recorded.
func (p *player) was(topic string, partition int32) *tape {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.were[tapeID{topic, partition}]
}

// get is a tape as it is played now.
func (p *player) get(topic string, partition int32) *tape {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.on[tapeID{topic, partition}]
}

// play puts other tapes in the place of what is there, and returns how to put that back.
func (p *player) play(tapes ...*tape) (undo func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var before []*tape
	for _, one := range tapes {
		id := tapeID{one.topic, one.partition}
		before = append([]*tape{p.on[id]}, before...)
		p.on[id] = one
	}
	return func() { p.play(before...) }
}

func (p *player) fetch(req *kmsg.FetchRequest) (kmsg.Response, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(req.Topics) != 1 || len(req.Topics[0].Partitions) != 1 {
		return nil, false
	}
	rt, rp := &req.Topics[0], &req.Topics[0].Partitions[0]
	name := rt.Topic
	if name == "" {
		name = p.names[rt.TopicID]
	}
	on := p.on[tapeID{name, rp.Partition}]
	if on == nil {
		return nil, false
	}
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	at := kmsg.NewFetchResponseTopic()
	at.Topic, at.TopicID = rt.Topic, rt.TopicID
	at.Partitions = append(at.Partitions, on.answer(rp.FetchOffset, int(rp.PartitionMaxBytes), req.IsolationLevel == 1))
	resp.Topics = append(resp.Topics, at)
	return resp, true
}

// answer is what a broker says that has this log.
func (p *tape) answer(at int64, most int, committed bool) kmsg.FetchResponseTopicPartition {
	out := kmsg.NewFetchResponseTopicPartition()
	out.Partition, out.HighWatermark, out.LastStableOffset, out.LogStartOffset = p.partition, p.end, p.stable, p.start
	end := p.end
	if committed {
		end = p.stable
	}
	if at < p.start || at > p.end {
		out.ErrorCode = kerr.OffsetOutOfRange.Code
		return out
	}
	if at >= end {
		return out
	}
	from, to := int64(-1), int64(-1)
	for i := p.batchOf(at); i < len(p.batches) && p.batches[i].first < end; i++ {
		if b := &p.batches[i]; from < 0 || len(out.RecordBatches)+len(b.raw) <= most {
			if from < 0 {
				from = b.first
			}
			out.RecordBatches, to = append(out.RecordBatches, b.raw...), b.next
			continue
		}
		break
	}
	for _, a := range p.aborted {
		if committed && a.first < to && a.marker >= from {
			one := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
			one.ProducerID, one.FirstOffset = a.producer, a.first
			out.AbortedTransactions = append(out.AbortedTransactions, one)
		}
	}
	return out
}

func (p *player) bounds(req *kmsg.ListOffsetsRequest) (kmsg.Response, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	for _, rt := range req.Topics {
		at := kmsg.NewListOffsetsResponseTopic()
		at.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			on := p.on[tapeID{rt.Topic, rp.Partition}]
			if on == nil {
				return nil, false
			}
			one := kmsg.NewListOffsetsResponseTopicPartition()
			one.Partition = rp.Partition
			switch {
			case rp.Timestamp == -2:
				one.Offset = on.start
			case rp.Timestamp == -1 && req.IsolationLevel == 1:
				one.Offset = on.stable
			case rp.Timestamp == -1:
				one.Offset = on.end
			default:
				return nil, false
			}
			at.Partitions = append(at.Partitions, one)
		}
		resp.Topics = append(resp.Topics, at)
	}
	return resp, true
}
