package target

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/report"
)

// Hub is a reader of one hub topic as it was when it was opened: a topic that is made anew
// under the name is an error. It may be used by several goroutines at once; what they read
// together is bounded.
type Hub struct {
	f        *Format
	cl       *kgo.Client
	throttle throttle

	mu    sync.Mutex
	topic kafkaconn.Topic
}

// OpenHub connects to the hub of a pipeline. limit bounds the bytes that are read in a second,
// 0 does not. Errors name the topic; kafkaconn.ErrNoTopic is one.
func OpenHub(ctx context.Context, c config.Hub, f *Format, limit int64) (*Hub, error) {
	cl, err := kafkaconn.Dial(c.Config)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	topic, err := kafkaconn.Describe(ctx, cl, c.Topic)
	if err != nil {
		cl.Close()
		return nil, fmt.Errorf("hub: %w", err)
	}
	return &Hub{f: f, cl: cl, throttle: throttle{perSecond: limit}, topic: topic}, nil
}

// Close ends the connections.
func (h *Hub) Close() { h.cl.Close() }

// Format is how the hub's records are read.
func (h *Hub) Format() *Format { return h.f }

// Positions is what the cluster says now of each partition of the topic: which cluster and
// topic it is, who leads, and from where to where there are rows.
func (h *Hub) Positions(ctx context.Context) ([]report.Position, error) {
	topic, err := h.describe(ctx)
	if err != nil {
		return nil, err
	}
	bounds, err := kafkaconn.Offsets(ctx, h.cl, topic.Name)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	var out []report.Position
	for _, p := range topic.Partitions {
		b := bounds[p.ID]
		out = append(out, report.Position{
			Witness: "hub", Cluster: topic.Cluster, Topic: topic.Name, TopicID: hex.EncodeToString(topic.ID[:]), Partition: p.ID,
			LeaderEpoch: p.LeaderEpoch, LogStart: b.LogStart, LastStable: b.LSO, HighWater: b.HighWatermark,
		})
	}
	return out, nil
}

// ErrAnotherTopic is that the topic was deleted and made anew: its offsets mean others.
var ErrAnotherTopic = errors.New("it was deleted and made anew since it was opened")

// describe asks the cluster for the topic again, and keeps what it says of its leaders.
func (h *Hub) describe(ctx context.Context) (kafkaconn.Topic, error) {
	h.mu.Lock()
	name := h.topic.Name
	h.mu.Unlock()
	now, err := kafkaconn.Describe(ctx, h.cl, name)
	if err != nil {
		return now, fmt.Errorf("hub: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.ID != h.topic.ID {
		return now, fmt.Errorf("hub topic %s: %w", name, ErrAnotherTopic)
	}
	h.topic = now
	return now, nil
}

// leader is who leads a partition, as far as is known.
func (h *Hub) leader(partition int32) (topic kafkaconn.Topic, of kafkaconn.Partition, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.topic.Partitions {
		if p.ID == partition {
			return h.topic, p, p.Leader >= 0
		}
	}
	return h.topic, of, false
}
