package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ProgressConfig is the configuration of a progress topic: the newest record of
// each shard is all that is ever read, and an open reads what compaction has not
// yet removed, so segments are small and cleaned early.
func ProgressConfig() map[string]string {
	return map[string]string{
		"cleanup.policy":            "compact",
		"segment.bytes":             "1048576",
		"min.cleanable.dirty.ratio": "0.1",
	}
}

// EnsureTopic makes a topic with the broker's replication factor, unless it is
// there already, and returns when each of its partitions has a leader. (That
// leader may need another moment: until its log is there it refuses a fetch with
// UNKNOWN_LEADER_EPOCH.) A topic that is there keeps its configuration; too few partitions are an error, for
// keys and shards would sit elsewhere than we think. Of two that ensure at once
// one makes it. It waits as long as ctx allows.
func EnsureTopic(ctx context.Context, cl *kgo.Client, topic string, partitions int32, config map[string]string) error {
	_, err := Describe(ctx, cl, topic)
	if errors.Is(err, ErrNoTopic) {
		// Fewer brokers alive than replicas wanted: for ever in a cluster that is
		// too small, for a moment in one that is just starting.
		err = again(ctx, kerr.InvalidReplicationFactor, func() error {
			return create(ctx, cl, topic, partitions, config)
		})
	}
	if err != nil {
		return err
	}
	// Metadata reaches the brokers after the controller has answered.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		t, err := Describe(ctx, cl, topic)
		if err != nil && !errors.Is(err, ErrNoTopic) {
			return err
		}
		if err == nil && int32(len(t.Partitions)) < partitions {
			return fmt.Errorf("topic %s has %d partitions, %d are needed", topic, len(t.Partitions), partitions)
		}
		if err == nil && t.led() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the leaders of topic %s: %w", topic, ctx.Err())
		case <-tick.C:
		}
	}
}

func create(ctx context.Context, cl *kgo.Client, topic string, partitions int32, config map[string]string) error {
	values := make(map[string]*string, len(config))
	for k, v := range config {
		values[k] = &v
	}
	_, err := kadm.NewClient(cl).CreateTopic(ctx, partitions, -1, values, topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s with %d partitions: %w", topic, partitions, err)
	}
	return nil
}

// led reports whether every partition can be written.
func (t Topic) led() bool {
	for _, p := range t.Partitions {
		if p.Err != nil || p.Leader < 0 {
			return false
		}
	}
	return true
}
