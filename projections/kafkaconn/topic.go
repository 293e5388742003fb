package kafkaconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrNoTopic means that the cluster answered and has no such topic, or hides it
// from us: without DESCRIBE on the topic brokers give the same answer.
var ErrNoTopic = errors.New("no such topic")

// Topic is one topic as a cluster describes it at one moment.
type Topic struct {
	// Cluster is the cluster's id, made when it was formatted.
	Cluster string
	Name    string
	// ID changes when the topic is made anew under its name; all zero on brokers
	// without topic ids (before 2.8, KIP-516).
	ID [16]byte
	// Partitions are in order of their number.
	Partitions []Partition
	// ConfigKnown is false where we may not read the topic's configuration; the
	// fields below are then zero and mean nothing.
	ConfigKnown bool
	// Compacted is true when cleanup.policy names compaction: holes in the
	// offsets are innocent then.
	Compacted bool
	// TimestampType is "CreateTime" or "LogAppendTime".
	TimestampType string
	// MaxMessageBytes is max.message.bytes, the limit of one record batch.
	MaxMessageBytes int64
}

// Partition is one partition of a [Topic].
type Partition struct {
	ID int32
	// Leader is the broker to fetch from, -1 while there is none.
	Leader int32
	// LeaderEpoch counts the elections; -1 on brokers that do not tell (before 2.1).
	LeaderEpoch int32
	// Err is what the broker says is wrong with the partition, or nil.
	Err error
}

// Describe asks the cluster about a topic, past kgo's metadata cache, so that
// the leaders are those of now. It returns [ErrNoTopic] for a topic that is not
// there; that configuration may not be read is no error.
func Describe(ctx context.Context, cl *kgo.Client, topic string) (Topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return Topic{}, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	if len(resp.Topics) != 1 {
		return Topic{}, fmt.Errorf("describe topic %s: broker answered with %d topics", topic, len(resp.Topics))
	}
	mt := resp.Topics[0]
	switch err := kerr.ErrorForCode(mt.ErrorCode); {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return Topic{}, fmt.Errorf("describe topic %s: %w", topic, ErrNoTopic)
	case err != nil:
		return Topic{}, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	t := Topic{Name: topic, ID: mt.TopicID}
	if resp.ClusterID != nil {
		t.Cluster = *resp.ClusterID
	}
	for _, p := range mt.Partitions {
		t.Partitions = append(t.Partitions, Partition{p.Partition, p.Leader, p.LeaderEpoch, kerr.ErrorForCode(p.ErrorCode)})
	}
	slices.SortFunc(t.Partitions, func(a, b Partition) int { return cmp.Compare(a.ID, b.ID) })
	if err := t.readConfig(ctx, cl); err != nil {
		return Topic{}, err
	}
	return t, nil
}

// readConfig fills the fields that come from the topic's configuration. Reading
// it takes DESCRIBE_CONFIGS, which a reader of rows need not have.
func (t *Topic) readConfig(ctx context.Context, cl *kgo.Client) error {
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, t.Name)
	if err == nil && len(configs) == 1 {
		err = configs[0].Err
	}
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return nil
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		// Another broker may answer, one that has not heard of a new topic yet, or
		// already of its end.
		return fmt.Errorf("describe configuration of topic %s: %w", t.Name, ErrNoTopic)
	case err != nil:
		return fmt.Errorf("describe configuration of topic %s: %w", t.Name, err)
	case len(configs) != 1:
		return fmt.Errorf("describe configuration of topic %s: broker answered with %d topics", t.Name, len(configs))
	}
	for _, c := range configs[0].Configs {
		switch c.Key {
		case "cleanup.policy":
			t.Compacted = strings.Contains(c.MaybeValue(), "compact")
		case "message.timestamp.type":
			t.TimestampType = c.MaybeValue()
		case "max.message.bytes":
			if t.MaxMessageBytes, err = strconv.ParseInt(c.MaybeValue(), 10, 64); err != nil {
				return fmt.Errorf("max.message.bytes of topic %s: %w", t.Name, err)
			}
		}
	}
	t.ConfigKnown = true
	return nil
}
