package kafkaconn_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestDescribe(t *testing.T) {
	ctx, cl := deadline(t), dial(t, cluster(t))
	topic := newTopic(ctx, t, cl, 3, map[string]string{
		"cleanup.policy": "compact,delete", "message.timestamp.type": "LogAppendTime", "max.message.bytes": "2097152",
	})
	if topic.Cluster == "" || topic.ID == [16]byte{} {
		t.Errorf("cluster %q, topic id %x: want both", topic.Cluster, topic.ID)
	}
	if len(topic.Partitions) != 3 {
		t.Fatalf("partitions %+v, want 3", topic.Partitions)
	}
	for i, p := range topic.Partitions {
		if p.ID != int32(i) || p.Leader < 0 || p.LeaderEpoch < 0 || p.Err != nil {
			t.Errorf("partition %d: %+v", i, p)
		}
	}
	if !topic.ConfigKnown || !topic.Compacted || topic.TimestampType != "LogAppendTime" || topic.MaxMessageBytes != 2097152 {
		t.Errorf("configuration: %+v", topic)
	}
	if plain := newTopic(ctx, t, cl, 1, nil); plain.Compacted || plain.TimestampType != "CreateTime" || plain.MaxMessageBytes <= 0 {
		t.Errorf("default configuration: %+v", plain)
	}
}

func TestDescribeMissingAndMadeAnew(t *testing.T) {
	ctx, cl := deadline(t), dial(t, cluster(t))
	if _, err := kafkaconn.Describe(ctx, cl, unique("nowhere")); !errors.Is(err, kafkaconn.ErrNoTopic) {
		t.Errorf("missing topic: %v, want ErrNoTopic", err)
	}
	before := newTopic(ctx, t, cl, 1, nil)
	remake(ctx, t, cl, before.Name)
	after, err := kafkaconn.Describe(ctx, cl, before.Name)
	if err != nil {
		t.Fatal(err)
	}
	if after.ID == before.ID {
		t.Errorf("topic made anew kept id %x", after.ID)
	}
}

func TestDescribeWithoutConfigACL(t *testing.T) {
	c := standin(t, kfake.SeedTopics(1, "rows"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.User(kafkaconn.Plain, "reader", "pw", kfake.ACL{
			Resource: kmsg.ACLResourceTypeTopic, Name: "rows", Pattern: kmsg.ACLResourcePatternTypeLiteral,
			Operation: kmsg.ACLOperationRead, Allow: true,
		}))
	c.SASL = login(t, kafkaconn.Plain, "reader", "pw")
	topic, err := kafkaconn.Describe(deadline(t), dial(t, c), "rows")
	if err != nil {
		t.Fatal(err)
	}
	if topic.ConfigKnown || topic.TimestampType != "" || len(topic.Partitions) != 1 {
		t.Errorf("%+v: want a partition and no configuration", topic)
	}
}

func TestEnsureTopic(t *testing.T) {
	ctx, cl := deadline(t), dial(t, cluster(t))
	name := unique("progress")
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		both.Go(func() { errs[i] = kafkaconn.EnsureTopic(ctx, cl, name, 4, kafkaconn.ProgressConfig()) })
	}
	both.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("two at once: %v", err)
	}
	t.Cleanup(func() { _, _ = kadm.NewClient(cl).DeleteTopic(deadline(t), name) })
	topic, err := kafkaconn.Describe(ctx, cl, name)
	if err != nil {
		t.Fatal(err)
	}
	if len(topic.Partitions) != 4 || !topic.Compacted {
		t.Errorf("made %+v", topic)
	}
	if err := kafkaconn.EnsureTopic(ctx, cl, name, 3, nil); err != nil {
		t.Errorf("fewer than there are: %v", err)
	}
	if err := kafkaconn.EnsureTopic(ctx, cl, name, 5, nil); err == nil {
		t.Error("more partitions than there are: no error")
	}
}

func TestTransactionVersion(t *testing.T) {
	ctx := deadline(t)
	if v, err := kafkaconn.TransactionVersion(ctx, dial(t, cluster(t))); err != nil || v < 0 || v > 2 {
		t.Errorf("got %d, %v", v, err)
	}
	if v, err := kafkaconn.TransactionVersion(ctx, dial(t, standin(t))); err != nil || v != 2 {
		t.Errorf("like 4.x: %d, %v; want 2", v, err)
	}
	old := standin(t, kfake.MaxVersions(kversion.FromString("3.9")))
	if v, err := kafkaconn.TransactionVersion(ctx, dial(t, old)); err != nil || v != 0 {
		t.Errorf("like 3.9: %d, %v; want 0", v, err)
	}
}
