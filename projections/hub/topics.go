package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// goneAfter is how long a topic must be missing before it counts as gone: a broker
// that is just starting may not know it yet.
const goneAfter = 2 * time.Second

// topics are the two that a transaction writes to, as they are now.
type topics struct {
	hub, progress kafkaconn.Topic
}

// topics looks both up. The hub topic is never made: it belongs to its readers. The
// progress topic is, as long as nothing can have been written to it; those of a replay are
// made for all its lanes (MakeShadowTopic).
func (h *Hub) topics(ctx context.Context, cl *kgo.Client, p *past) (t topics, err error) {
	written := p.commit != nil || p.begun != nil
	if t.hub, err = describe(ctx, cl, h.cfg.Pipeline.HubTopic, written); err != nil {
		if errors.Is(err, kafkaconn.ErrNoTopic) {
			err = h.noHubTopic(ctx, p, err)
		}
		return t, err
	}
	if n := int32(len(t.hub.Partitions)); n < h.cfg.Pipeline.HubPartitions {
		return t, fmt.Errorf("hub topic %s has %d partitions, the pipeline was made with %d", t.hub.Name, n, h.cfg.Pipeline.HubPartitions)
	}
	if t.hub.ConfigKnown && t.hub.TimestampType != "CreateTime" {
		// kgo never hands over the broker's time, so hw_ts could not be known.
		return t, fmt.Errorf("hub topic %s has message.timestamp.type=%s, which is refused: set it to CreateTime", t.hub.Name, t.hub.TimestampType)
	}
	if !written && h.cfg.Replay != nil {
		err = h.ours(ctx, cl)
	} else if !written {
		err = kafkaconn.EnsureTopic(ctx, cl, h.cfg.ProgressTopic, int32(h.cfg.Pipeline.Shards), kafkaconn.ProgressConfig())
	}
	if err != nil {
		return t, err
	}
	t.progress, err = describe(ctx, cl, h.cfg.ProgressTopic, written)
	if errors.Is(err, kafkaconn.ErrNoTopic) && written {
		return t, h.lost(ctx, p, "the progress topic is gone, though this journal began to write",
			"put the progress topic back; nothing is written meanwhile", h.cfg.ProgressTopic)
	}
	if err != nil {
		return t, err
	}
	if t.progress.ConfigKnown && !t.progress.Compacted {
		return t, fmt.Errorf("progress topic %s has a cleanup.policy without compact, which would delete what is still needed: set cleanup.policy=compact", t.progress.Name)
	}
	return t, hasPartition(t.progress, h.cfg.Shard)
}

func hasPartition(t kafkaconn.Topic, shard int) error {
	if shard >= len(t.Partitions) {
		return fmt.Errorf("progress topic %s has %d partitions, shard %d needs its own", t.Name, len(t.Partitions), shard)
	}
	return nil
}

// describe is kafkaconn.Describe that, when sure is asked for, says ErrNoTopic only
// of a topic that stays away for a while.
func describe(ctx context.Context, cl *kgo.Client, topic string, sure bool) (kafkaconn.Topic, error) {
	for began := time.Now(); ; {
		t, err := kafkaconn.Describe(ctx, cl, topic)
		if !sure || !errors.Is(err, kafkaconn.ErrNoTopic) || time.Since(began) > goneAfter {
			return t, err
		}
		select {
		case <-ctx.Done():
			return t, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (h *Hub) noHubTopic(ctx context.Context, p *past, err error) error {
	topic := h.cfg.Pipeline.HubTopic
	if p.commit != nil {
		return h.lost(ctx, p, "the hub topic is gone", "put it back with its records; nothing is written meanwhile", topic)
	}
	if h.cfg.Replay != nil {
		return fmt.Errorf("%w: the shadow topic of a plan is made before its lanes run", err)
	}
	return fmt.Errorf("%w; hefu never makes a hub topic: kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions %d --config message.timestamp.type=CreateTime",
		err, strings.Join(h.cfg.Kafka.Brokers, ","), topic, h.cfg.Pipeline.HubPartitions)
}

// lost files the incident that something of the hub is not there any more.
func (h *Hub) lost(ctx context.Context, p *past, found, do, topic string) error {
	last := "none"
	if p.commit != nil {
		last = p.commit.Begun.String()
	}
	return h.incident(ctx, domain.IncidentHubLost, []domain.Fact{
		{Key: "found", Value: found}, {Key: "topic", Value: topic}, {Key: "last commit", Value: last}, {Key: "do", Value: do},
	})
}

// incident puts an incident of this leg on record and returns it. Retry is its one
// choice: nothing that an operator says makes it known what a lost record said.
func (h *Hub) incident(ctx context.Context, kind domain.IncidentKind, facts []domain.Fact) error {
	in := domain.NewIncident(kind, h.stream, "", nil, facts...)
	_, err := h.incidents.Decide(ctx, in)
	if err != nil && !errors.Is(err, in) {
		return err
	}
	if kind == domain.IncidentHubLost {
		if err := h.overtaken(ctx, in.ID, "the hub lacks something else by now: incident "+in.ID.String()); err != nil {
			return err
		}
	}
	return in
}
