package kafkaconn_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestBrokerLimits(t *testing.T) {
	got, err := kafkaconn.BrokerLimits(deadline(t), dial(t, cluster(t)))
	if err != nil {
		t.Fatal(err)
	}
	// Kafka's defaults, which the stand-in has too.
	want := kafkaconn.Limits{
		Version: got.Version, TransactionVersion: got.TransactionVersion, Known: true, MinInsyncReplicas: 1,
		TransactionMaxTimeout: 15 * time.Minute, TransactionalIDExpiration: 7 * 24 * time.Hour, OffsetsRetention: 7 * 24 * time.Hour,
	}
	if os.Getenv("HEFU_TEST_KAFKA") != "" {
		want.ProducerIDExpiration = 24 * time.Hour // the stand-in does not have it
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Version == "" || strings.Contains(got.Version, "v") {
		t.Errorf("version %q", got.Version)
	}
}

func TestBrokerLimitsOfAnOldCluster(t *testing.T) {
	c := standin(t, kfake.NumBrokers(3), kfake.MaxVersions(kversion.FromString("3.9")), kfake.BrokerConfigs(map[string]string{
		"transaction.max.timeout.ms": "10000", "min.insync.replicas": "2", "offsets.retention.minutes": "60",
	}))
	got, err := kafkaconn.BrokerLimits(deadline(t), dial(t, c))
	if err != nil || got.TransactionVersion != 0 || got.TransactionMaxTimeout != 10*time.Second || got.MinInsyncReplicas != 2 ||
		got.OffsetsRetention != time.Hour {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The strictest broker counts, and one that lacks a setting does not.
func TestBrokerLimitsOfUnlikeBrokers(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	answers := map[string]map[string]string{
		"0": {"transaction.max.timeout.ms": "20000", "min.insync.replicas": "2", "unclean.leader.election.enable": "false"},
		"1": {"transaction.max.timeout.ms": "10000", "min.insync.replicas": "1", "unclean.leader.election.enable": "true"},
		"2": {"transaction.max.timeout.ms": "30000", "min.insync.replicas": "3"},
	}
	fake.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, asked := range req.(*kmsg.DescribeConfigsRequest).Resources {
			rr := kmsg.NewDescribeConfigsResponseResource()
			rr.ResourceType, rr.ResourceName = asked.ResourceType, asked.ResourceName
			for key, value := range answers[asked.ResourceName] {
				rc := kmsg.NewDescribeConfigsResponseResourceConfig()
				rc.Name, rc.Value = key, kmsg.StringPtr(value)
				rr.Configs = append(rr.Configs, rc)
			}
			resp.Resources = append(resp.Resources, rr)
		}
		return resp, nil, true
	})
	cl := dial(t, kafkaconn.Config{Brokers: fake.ListenAddrs()})
	got, err := kafkaconn.BrokerLimits(deadline(t), cl)
	if err != nil || got.TransactionMaxTimeout != 10*time.Second || got.MinInsyncReplicas != 1 || !got.UncleanElection || got.ProducerIDExpiration != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	answers["2"]["transaction.max.timeout.ms"] = "never"
	if _, err := kafkaconn.BrokerLimits(deadline(t), cl); err == nil || !strings.Contains(err.Error(), "configuration of broker 2: transaction.max.timeout.ms") {
		t.Errorf("of nonsense: %v", err)
	}
}

func TestLimitsWithoutConfigACL(t *testing.T) {
	c := standin(t, kfake.SeedTopics(1, "rows"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.User(kafkaconn.Plain, "reader", "pw", kfake.ACL{
			Resource: kmsg.ACLResourceTypeTopic, Name: "rows", Pattern: kmsg.ACLResourcePatternTypeLiteral,
			Operation: kmsg.ACLOperationRead, Allow: true,
		}))
	c.SASL = login(t, kafkaconn.Plain, "reader", "pw")
	cl := dial(t, c)
	brokers, err := kafkaconn.BrokerLimits(deadline(t), cl)
	if err != nil || brokers.Known || brokers.TransactionMaxTimeout != 0 || brokers.TransactionVersion != 2 {
		t.Errorf("brokers: %+v, %v", brokers, err)
	}
	topic, err := kafkaconn.DescribeLimits(deadline(t), cl, "rows")
	if err != nil || topic.Known || topic.Replicas != 1 {
		t.Errorf("topic: %+v, %v", topic, err)
	}
}

func TestDescribeLimits(t *testing.T) {
	ctx, cl := deadline(t), dial(t, cluster(t))
	topic := newTopic(ctx, t, cl, 2, map[string]string{
		"cleanup.policy": "compact,delete", "retention.ms": "3600000", "retention.bytes": "1048576", "min.insync.replicas": "2", "delete.retention.ms": "60000",
	})
	got, err := kafkaconn.DescribeLimits(ctx, cl, topic.Name)
	want := kafkaconn.TopicLimits{
		Replicas: 1, InSync: 1, Known: true, MinInsyncReplicas: 2, CleanupPolicy: "compact,delete",
		Retention: time.Hour, RetentionBytes: 1 << 20, DeleteRetention: time.Minute,
	}
	if err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	ever := newTopic(ctx, t, cl, 1, map[string]string{"retention.ms": "9223372036854775807"})
	if got, err := kafkaconn.DescribeLimits(ctx, cl, ever.Name); err != nil || got.Retention < 100*365*24*time.Hour {
		t.Errorf("for ever: %+v, %v", got, err)
	}
	if got, err := kafkaconn.DescribeLimits(ctx, cl, unique("nowhere")); !errors.Is(err, kafkaconn.ErrNoTopic) {
		t.Errorf("missing topic: %+v, %v", got, err)
	}
}
