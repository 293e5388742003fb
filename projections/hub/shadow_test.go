package hub_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// makeHub makes a topic as the live one is.
func (w *world) makeHub(topic string, config map[string]string) {
	w.t.Helper()
	must(w.t, kafkaconn.EnsureTopic(w.ctx, w.cl, topic, hubPartitions, config))
}

// configured is some settings of a topic, as the broker says.
func (w *world) configured(topic string) map[string]string {
	w.t.Helper()
	all, err := kadm.NewClient(w.cl).DescribeTopicConfigs(w.ctx, topic)
	must(w.t, err)
	out := map[string]string{}
	for _, c := range all[0].Configs {
		switch c.Key {
		case "max.message.bytes", "compression.type", "min.insync.replicas", "retention.ms", "retention.bytes", "cleanup.policy", "message.timestamp.type":
			out[c.Key] = c.MaybeValue()
		case "message.timestamp.before.max.ms":
			if c.MaybeValue() != strconv.FormatInt(1<<63-1, 10) {
				w.t.Errorf("%s=%s", c.Key, c.MaybeValue())
			}
		}
	}
	return out
}

// TestShadowTopic: it is like the live one, but that it keeps rows for ever; it is made once,
// also where the process died in between; and without a live one it is made all the same.
func TestShadowTopic(t *testing.T) {
	w := newWorld(t)
	w.cfg.Pipeline.HubTopic += "-other"
	w.makeHubTopic(map[string]string{"max.message.bytes": "2000000", "compression.type": "gzip", "retention.ms": "1000", "cleanup.policy": "delete"})
	w.commits()
	r := w.planned(domain.Selection{})
	shadow := r.of.Plan.Target.Name
	must(t, hub.MakeShadowTopic(w.ctx, r.cfg))
	want := map[string]string{
		"max.message.bytes": "2000000", "compression.type": "gzip", "min.insync.replicas": "1",
		"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete", "message.timestamp.type": "CreateTime",
	}
	if diff := cmp.Diff(want, w.configured(shadow)); diff != "" {
		t.Error(diff)
	}
	topic := w.described(shadow)
	must(t, hub.MakeShadowTopic(w.ctx, r.cfg))
	if again := w.described(shadow); again.ID != topic.ID || len(again.Partitions) != hubPartitions {
		t.Errorf("%+v, then %+v", topic, again)
	}

	_, err := kadm.NewClient(w.cl).DeleteTopics(w.ctx, shadow, w.cfg.Pipeline.HubTopic)
	must(t, err)
	w.gone(shadow)
	w.gone(w.cfg.Pipeline.HubTopic)
	must(t, hub.MakeShadowTopic(w.ctx, r.cfg))
	if again := w.described(shadow); len(again.Partitions) != hubPartitions {
		t.Errorf("%+v", again)
	}
}

func (w *world) described(topic string) kafkaconn.Topic {
	w.t.Helper()
	t, err := kafkaconn.Describe(w.ctx, w.cl, topic)
	must(w.t, err)
	return t
}

// gone waits until a topic is not there any more.
func (w *world) gone(topic string) {
	w.t.Helper()
	for {
		_, err := kafkaconn.Describe(w.ctx, w.cl, topic)
		if errors.Is(err, kafkaconn.ErrNoTopic) {
			return
		}
		must(w.t, err)
	}
}

// TestShadowTopicOfOthers: what is there and is not this plan's stays as it is, and no replay
// writes to it.
func TestShadowTopicOfOthers(t *testing.T) {
	write := func(w *world, topic string) {
		must(t, w.cl.ProduceSync(w.ctx, &kgo.Record{Topic: topic, Value: []byte("theirs")}).FirstErr())
	}
	for want, before := range map[string]func(w *world, r *replay){
		"was written to before": func(w *world, r *replay) {
			w.makeHub(r.of.Plan.Target.Name, nil)
			write(w, r.of.Plan.Target.Name)
		},
		`has records and does not say that it is of this plan (it says "")`: func(w *world, r *replay) {
			w.makeHub(hub.ShadowProgress(r.of.Plan.Target.Name), nil)
			write(w, hub.ShadowProgress(r.of.Plan.Target.Name))
		},
		`does not say that it is of this plan (it says "01020304")`: func(w *world, r *replay) {
			id := r.of.Plan.ID
			r.of.Plan.ID = domain.PlanID{1, 2, 3, 4}
			must(t, hub.MakeShadowTopic(w.ctx, r.cfg))
			r.of.Plan.ID = id
		},
		"would lose rows": func(w *world, r *replay) { w.makeHub(r.of.Plan.Target.Name, map[string]string{"retention.ms": "1000"}) },
	} {
		t.Run(want, func(t *testing.T) {
			w := newWorld(t)
			w.commits()
			r := w.planned(domain.Selection{})
			before(w, r)
			there := w.ends(r.of.Plan.Target.Name)
			err := hub.MakeShadowTopic(w.ctx, r.cfg)
			var refusal *projections.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want: %s", err, want)
			}
			if diff := cmp.Diff(there, w.ends(r.of.Plan.Target.Name)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ends is where each partition of a topic ends, nil without one.
func (w *world) ends(topic string) map[int32]int64 {
	w.t.Helper()
	bounds, err := kafkaconn.Offsets(w.ctx, w.cl, topic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		return nil
	}
	must(w.t, err)
	out := map[int32]int64{}
	for p, b := range bounds {
		out[p] = b.HighWatermark
	}
	return out
}

// TestReplayUnclaimed: a leg does not write to topics that were not made for its plan.
func TestReplayUnclaimed(t *testing.T) {
	w := newWorld(t)
	w.commits()
	r := w.planned(domain.Selection{})
	_, err := try(w, r.process())
	if err == nil || !strings.Contains(err.Error(), "is made before its lanes run") {
		t.Errorf("opened with %v", err)
	}
	w.makeHub(r.of.Plan.Target.Name, nil)
	w.makeHub(hub.ShadowProgress(r.of.Plan.Target.Name), kafkaconn.ProgressConfig())
	_, err = try(w, r.process())
	if err == nil || !strings.Contains(err.Error(), "does not say that it is of plan "+r.of.Plan.ID.String()) {
		t.Errorf("opened with %v", err)
	}
}
