package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// lostEnd is a transaction whose marker was in the lost end of a partition: its coordinator has
// ended it long ago, and the partition waits for the marker for ever.
type lostEnd struct {
	partition   int32
	first       int64 // offset
	producer    int64
	epoch       int16
	coordinator int32
	committed   bool // as the journal says
}

// lostEndOf is an open transaction as one whose marker is lost; the journal is asked from an event on
// back to those of the place.
func (h *Hub) lostEndOf(ctx context.Context, o *kafkaconn.OpenTransaction, from domain.Seq) (lostEnd, error) {
	committed, err := h.hasRow(ctx, from, o.Partition, o.FirstOffset)
	return lostEnd{o.Partition, o.FirstOffset, o.ProducerID, o.ProducerEpoch, max(0, o.CoordinatorEpoch), committed}, err
}

// hasRow reports whether the journal has committed a row at a place of the hub; it looks in the
// events of the live stream from one on back to those of the place.
func (h *Hub) hasRow(ctx context.Context, from domain.Seq, partition int32, offset int64) (bool, error) {
	live := domain.Stream{Pipeline: h.stream.Pipeline, Shard: h.stream.Shard, Leg: domain.LegHub}
	for seq := from; seq > 0; seq-- {
		e, err := h.j.Get(ctx, live, seq)
		if err != nil {
			return false, err
		}
		c, ok := e.Event.(*domain.HubCommitted)
		if !ok {
			continue
		}
		before := false
		for _, r := range c.Runs {
			if r.Partition != partition {
				continue
			}
			if r.Offset <= offset && offset < r.Offset+r.N {
				return true, nil
			}
			before = before || r.Offset < offset
		}
		if before {
			return false, nil
		}
	}
	return false, nil
}

// writeMarkers writes lost markers behind what the partitions have. Nobody is fenced from that: a
// request that comes very late is a marker too many, of which no reader sees anything.
func writeMarkers(ctx context.Context, cl *kgo.Client, topic string, of []lostEnd) error {
	if len(of) == 0 {
		return nil
	}
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	for _, lost := range of {
		m := kmsg.NewWriteTxnMarkersRequestMarker()
		m.ProducerID, m.ProducerEpoch, m.CoordinatorEpoch, m.Committed = lost.producer, lost.epoch, lost.coordinator, lost.committed
		t := kmsg.NewWriteTxnMarkersRequestMarkerTopic()
		t.Topic, t.Partitions = topic, []int32{lost.partition}
		m.Topics = append(m.Topics, t)
		req.Markers = append(req.Markers, m)
	}
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return fmt.Errorf("write lost markers to %s: %w", topic, shard.Err)
		}
		for _, m := range shard.Resp.(*kmsg.WriteTxnMarkersResponse).Markers {
			for _, t := range m.Topics {
				for _, p := range t.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						return fmt.Errorf("write the lost marker of producer %d to %s/%d: %w", m.ProducerID, topic, p.Partition, err)
					}
				}
			}
		}
	}
	return nil
}

// endLost ends the transactions of this leg whose markers the hub has lost, and nothing before
// them, as they were ended. The next one of the same producer would be taken for their continuation:
// with its abort committed rows would be gone for readers, with its commit aborted ones would show.
// It is called when the leg has fenced, so that none of its transactions is open. What cannot be asked
// (brokers before 2.8, READ on the topic is missing) is left as it is.
func (h *Hub) endLost(ctx context.Context, cl *kgo.Client, w *journal.Writer, topic string) error {
	bounds, err := ownBounds(ctx, cl, h.cfg, topic)
	if err != nil {
		return err
	}
	held := func(b kafkaconn.Bounds) bool { return b.LSO < b.HighWatermark }
	if !slices.ContainsFunc(slices.Collect(maps.Values(bounds)), held) {
		return nil
	}
	open, err := kafkaconn.OpenTransactions(ctx, cl, topic)
	if err != nil {
		h.log.WarnContext(ctx, "whether the hub lost the marker of a transaction is not known", "topic", topic, "error", err)
	}
	var lost []lostEnd
	for i := range open {
		o := &open[i]
		if _, own := bounds[o.Partition]; !own || !o.Hanging {
			continue
		}
		l, err := h.lostEndOf(ctx, o, w.Trail().Commit)
		if err != nil {
			return err
		}
		if l.committed || o.TransactionalID == h.transactionalID() {
			lost = append(lost, l)
		}
	}
	err = writeMarkers(ctx, cl, topic, lost)
	if !errors.Is(err, kerr.ClusterAuthorizationFailed) {
		return err
	}
	return h.incident(ctx, domain.IncidentHubLost, []domain.Fact{
		{Key: "found", Value: "the hub lost the marker of a transaction, and shows nothing behind its first row to who reads read_committed"},
		{Key: "topic", Value: topic},
		{Key: "hub partition", Value: strconv.Itoa(int(lost[0].partition))},
		{Key: "first row", Value: strconv.FormatInt(lost[0].first, 10)},
		{Key: "do", Value: "let the hub's Kafka user write the marker again: ALTER on the cluster, for as long as it takes; then resolve with retry"},
	})
}
