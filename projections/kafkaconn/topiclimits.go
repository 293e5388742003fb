package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicLimits are the settings of a topic that decide whether its rows survive.
type TopicLimits struct {
	// Replicas is the smallest number of replicas of its partitions, and InSync the
	// smallest number of them that keep up now.
	Replicas, InSync int
	// Known is false where we may not read the topic's configuration (DESCRIBE_CONFIGS
	// on the topic); the fields below are then zero.
	Known bool
	// MinInsyncReplicas is how many replicas must have a record before acks=all is
	// answered.
	MinInsyncReplicas int
	// UncleanElection: a replica that lacks acknowledged records may become the leader.
	UncleanElection bool
	// CleanupPolicy is cleanup.policy: "delete", "compact" or both with a comma.
	CleanupPolicy string
	// Retention is retention.ms, negative for ever; RetentionBytes is retention.bytes
	// of each partition, negative for no bound.
	Retention      time.Duration
	RetentionBytes int64
	// DeleteRetention is delete.retention.ms: how long a compacted topic keeps
	// tombstones and markers.
	DeleteRetention time.Duration
}

// DescribeLimits reads a topic's. [ErrNoTopic] where there is no such topic.
func DescribeLimits(ctx context.Context, cl *kgo.Client, topic string) (TopicLimits, error) {
	var l TopicLimits
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && len(resp.Topics) != 1 {
		err = fmt.Errorf("broker answered with %d topics", len(resp.Topics))
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		err = ErrNoTopic
	}
	if err != nil {
		return l, fmt.Errorf("replicas of topic %s: %w", topic, err)
	}
	for i, p := range resp.Topics[0].Partitions {
		if n := len(p.Replicas); i == 0 || n < l.Replicas {
			l.Replicas = n
		}
		if n := len(p.ISR); i == 0 || n < l.InSync {
			l.InSync = n
		}
	}
	values, err := settings(ctx, cl, kmsg.ConfigResourceTypeTopic, topic,
		minInsyncKey, uncleanKey, "cleanup.policy", "retention.ms", "retention.bytes", "delete.retention.ms")
	if err == nil && values != nil {
		err = l.take(values)
	}
	if err != nil {
		return l, fmt.Errorf("configuration of topic %s: %w", topic, err)
	}
	return l, nil
}

func (l *TopicLimits) take(values map[string]string) error {
	var insync, retention, kept int64
	for _, n := range []struct {
		key string
		to  *int64
	}{{minInsyncKey, &insync}, {"retention.ms", &retention}, {"retention.bytes", &l.RetentionBytes}, {"delete.retention.ms", &kept}} {
		value, _, err := number(values, n.key)
		if err != nil {
			return err
		}
		*n.to = value
	}
	l.MinInsyncReplicas = int(insync)
	l.Retention, l.DeleteRetention = millis(retention), millis(kept)
	l.UncleanElection, l.CleanupPolicy, l.Known = values[uncleanKey] == "true", values["cleanup.policy"], true
	return nil
}

// millis is a setting in milliseconds; some people write a very large number for ever,
// which would not fit.
func millis(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(min(n, most)) * time.Millisecond
}
