package hub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// planKey is the key of the record that says whose a progress topic is: no configuration of a
// topic holds free text. It stands in partition 0 before the shadow topic is made.
const planKey = "plan"

// ShadowProgress is the progress topic of a plan's shadow topic.
func ShadowProgress(topic string) string { return topic + "-progress" }

// MakeShadowTopic makes the shadow topic and the progress topic of cfg.Replay's plan, with
// what the live topic cfg.Pipeline.HubTopic has of partitions, replicas, size limits and
// compression; a live topic that is gone is no hindrance, then what the pipeline was made with
// counts. Nothing in it is ever deleted by age or size: rows keep their old timestamps, by
// which a topic with retention.ms would let go of them at once.
//
// Calling it again is no harm. What is there and is not this plan's is not touched: a topic
// that was ever written to, and a progress topic that does not name the plan, are a
// *projections.Refusal.
func MakeShadowTopic(ctx context.Context, cfg Config) error {
	shadow, err := replayed(cfg)
	if err != nil {
		return err
	}
	if t := cfg.Replay.Plan.Target; t.Mode != domain.ModeShadow {
		return &projections.Refusal{Reason: fmt.Sprintf("plan %s: topic %s is the live one, mode %s: no topic is made for it", cfg.Replay.Plan.ID, t.Name, t.Mode)}
	}
	cl, err := kafkaconn.Dial(cfg.Kafka, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer cl.Close()
	want, err := shadowLike(ctx, cl, cfg.Pipeline)
	if err != nil {
		return err
	}
	s := &shadowTopic{cl: cl, topic: shadow.Pipeline.HubTopic, progress: shadow.ProgressTopic, plan: cfg.Replay.Plan.ID}
	if err := s.claim(ctx, int32(cfg.Pipeline.Shards)); err != nil {
		return err
	}
	crash.Point("hub.shadow.claimed")
	if err := s.create(ctx, want); err != nil {
		return err
	}
	crash.Point("hub.shadow.made")
	// One that somebody made by hand may have more partitions, not fewer.
	if err := kafkaconn.EnsureTopic(ctx, cl, s.topic, cfg.Pipeline.HubPartitions, want.config); err != nil {
		return err
	}
	return s.keeps(ctx)
}

// like is what a shadow topic is made with.
type like struct {
	partitions int32
	replicas   int16 // -1: as the brokers do by themselves
	config     map[string]string
}

// shadowLike is what the live topic says.
func shadowLike(ctx context.Context, cl *kgo.Client, p domain.PipelineConfig) (like, error) {
	l := like{partitions: p.HubPartitions, replicas: -1, config: map[string]string{
		"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "CreateTime",
	}}
	t, err := kafkaconn.Describe(ctx, cl, p.HubTopic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	l.partitions = int32(len(t.Partitions))
	limits, err := kafkaconn.DescribeLimits(ctx, cl, p.HubTopic)
	if err != nil {
		return l, err
	}
	l.replicas = int16(limits.Replicas)
	if !t.ConfigKnown {
		return l, nil
	}
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, p.HubTopic)
	if err != nil {
		return l, fmt.Errorf("describe configuration of topic %s: %w", p.HubTopic, err)
	}
	for _, of := range configs {
		if of.Err != nil {
			return l, fmt.Errorf("describe configuration of topic %s: %w", p.HubTopic, of.Err)
		}
		for _, c := range of.Configs {
			l.take(c.Key, c.MaybeValue())
		}
	}
	return l, nil
}

// take is one setting of the live topic. How old a timestamp may be is a setting that not all
// brokers have: those that have it are told that any age will do.
func (l *like) take(key, value string) {
	switch key {
	case "max.message.bytes", "compression.type", "min.insync.replicas", "unclean.leader.election.enable":
		l.config[key] = value
	case "message.timestamp.before.max.ms":
		l.config[key] = strconv.FormatInt(1<<63-1, 10)
	}
}

// shadowTopic is the one that is made.
type shadowTopic struct {
	cl              *kgo.Client
	topic, progress string
	plan            domain.PlanID
}

// claim makes the progress topic and the record in it that names the plan. If the process died
// on any line of it the next one goes on: a shadow topic is there only once its progress
// topic says whose it is.
func (s *shadowTopic) claim(ctx context.Context, shards int32) error {
	whose, used, err := planOf(ctx, s.cl, s.progress)
	if err != nil {
		return err
	}
	if whose == s.plan.String() {
		return nil
	}
	if used {
		return s.refuse("topic %s has records and does not say that it is of this plan (it says %q)", s.progress, whose)
	}
	if used, err = written(ctx, s.cl, s.topic); err != nil {
		return err
	}
	if used {
		return s.refuse("topic %s was written to before, and no %s says that it is of this plan", s.topic, s.progress)
	}
	if err := kafkaconn.EnsureTopic(ctx, s.cl, s.progress, shards, kafkaconn.ProgressConfig()); err != nil {
		return err
	}
	r := &kgo.Record{Topic: s.progress, Partition: 0, Key: []byte(planKey), Value: []byte(s.plan.String())}
	if err := s.cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("name plan %s in %s: %w", s.plan, s.progress, err)
	}
	return nil
}

func (s *shadowTopic) refuse(format string, args ...any) error {
	return &projections.Refusal{Reason: fmt.Sprintf("plan %s: ", s.plan) + fmt.Sprintf(format, args...) +
		": it is left as it is; plan another name for the shadow, or delete the topic"}
}

// create makes the topic unless it is there.
func (s *shadowTopic) create(ctx context.Context, like like) error {
	values := map[string]*string{}
	for k, v := range like.config {
		values[k] = &v
	}
	_, err := kafkaconn.Describe(ctx, s.cl, s.topic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		_, err = kadm.NewClient(s.cl).CreateTopic(ctx, like.partitions, like.replicas, values, s.topic)
		if errors.Is(err, kerr.TopicAlreadyExists) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("create shadow topic %s with %d partitions: %w", s.topic, like.partitions, err)
	}
	return nil
}

// keeps demands of a topic, which somebody else may have made or changed, that rows stay in it.
func (s *shadowTopic) keeps(ctx context.Context) error {
	l, err := kafkaconn.DescribeLimits(ctx, s.cl, s.topic)
	if err != nil {
		return err
	}
	if l.Known && (l.Retention >= 0 || l.RetentionBytes >= 0 || strings.Contains(l.CleanupPolicy, "compact")) {
		return s.refuse("topic %s would lose rows: it needs cleanup.policy=delete, retention.ms=-1 and retention.bytes=-1, since rows keep their old timestamps", s.topic)
	}
	return nil
}

// ours demands that the plan's topics were made for it (MakeShadowTopic).
func (h *Hub) ours(ctx context.Context, cl *kgo.Client) error {
	whose, _, err := planOf(ctx, cl, h.cfg.ProgressTopic)
	if err == nil && whose != h.cfg.Replay.Plan.ID.String() {
		err = fmt.Errorf("topic %s does not say that it is of plan %s (it says %q): nothing is written", h.cfg.ProgressTopic, h.cfg.Replay.Plan.ID, whose)
	}
	return err
}

// planOf reads whose a progress topic is, "" for nobody's, and whether it was written to.
func planOf(ctx context.Context, cl *kgo.Client, progress string) (whose string, used bool, err error) {
	if used, err = written(ctx, cl, progress); err != nil || !used {
		return "", used, err
	}
	t, err := kafkaconn.Describe(ctx, cl, progress)
	if err != nil {
		return "", used, err
	}
	last, err := everything(ctx, cl, t, 0)
	return last.plan, used, err
}

// written reports whether a topic has had a record ever; one that is not there has not.
func written(ctx context.Context, cl *kgo.Client, topic string) (bool, error) {
	bounds, err := kafkaconn.Offsets(ctx, cl, topic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		return false, nil
	}
	for _, b := range bounds {
		if b.HighWatermark > 0 {
			return true, err
		}
	}
	return false, err
}
