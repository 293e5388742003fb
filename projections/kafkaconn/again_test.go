package kafkaconn_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// A cluster that has just been made refuses its first group request and, before
// its brokers are registered, its first topic. The stand-in does neither by
// itself.
func TestNewClusterIsAskedAgain(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	ctx, cl := deadline(t), dial(t, kafkaconn.Config{Brokers: fake.ListenAddrs()})

	fake.ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
		find := req.(*kmsg.FindCoordinatorRequest)
		resp := find.ResponseKind().(*kmsg.FindCoordinatorResponse)
		for _, key := range find.CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.ErrorCode = key, kerr.CoordinatorNotAvailable.Code
			resp.Coordinators = append(resp.Coordinators, c)
		}
		return resp, nil, true
	})
	if got, err := kafkaconn.Committed(ctx, cl, "readers", "rows"); err != nil || len(got) != 0 {
		t.Errorf("first group request: %v, %v", got, err)
	}

	refuse := func(code *kerr.Error) {
		fake.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
			for _, asked := range req.(*kmsg.CreateTopicsRequest).Topics {
				c := kmsg.NewCreateTopicsResponseTopic()
				c.Topic, c.ErrorCode = asked.Topic, code.Code
				resp.Topics = append(resp.Topics, c)
			}
			return resp, nil, true
		})
	}
	refuse(kerr.InvalidReplicationFactor)
	if err := kafkaconn.EnsureTopic(ctx, cl, "progress", 1, nil); err != nil {
		t.Errorf("first topic: %v", err)
	}
	refuse(kerr.PolicyViolation)
	if err := kafkaconn.EnsureTopic(ctx, cl, "never", 1, nil); !errors.Is(err, kerr.PolicyViolation) {
		t.Errorf("another refusal: %v; want it at once", err)
	}
}
