package kafkaconn_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Topics that match are listed, those that the brokers keep for themselves never; one with
// an error is not passed over, or it would look as if it were not there.
func TestTopics(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "QL_2", "QL_1", "other"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: k.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	match := func(name string) bool { return strings.HasPrefix(name, "QL") || strings.HasPrefix(name, "__") }
	got, err := kafkaconn.Topics(t.Context(), cl, match)
	if err != nil || !slices.Equal(got, []string{"QL_1", "QL_2"}) {
		t.Fatalf("%q, %v", got, err)
	}
	answer := func(code int16) {
		k.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.MetadataResponse)
			for _, name := range []string{"__consumer_offsets", "__ours", "QL_1"} {
				mt := kmsg.NewMetadataResponseTopic()
				mt.Topic, mt.IsInternal = kmsg.StringPtr(name), name == "__consumer_offsets"
				if name == "QL_1" {
					mt.ErrorCode = code
				}
				resp.Topics = append(resp.Topics, mt)
			}
			return resp, nil, true
		})
	}
	answer(0)
	if got, err = kafkaconn.Topics(t.Context(), cl, match); err != nil || !slices.Equal(got, []string{"QL_1", "__ours"}) {
		t.Errorf("with an internal one: %q, %v", got, err)
	}
	answer(kerr.TopicAuthorizationFailed.Code)
	if _, err = kafkaconn.Topics(t.Context(), cl, match); err == nil || !strings.Contains(err.Error(), "QL_1: TOPIC_AUTHORIZATION_FAILED") {
		t.Errorf("with an error: %v", err)
	}
}
