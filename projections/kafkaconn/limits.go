package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Limits are what the brokers of a cluster hold their clients to. Where brokers differ
// it is the strictest of them that counts: a transaction may be led by any.
type Limits struct {
	// Version is the release that the broker's requests look like, such as "3.9" or
	// "at least 4.2"; "" where it cannot be guessed.
	Version string
	// TransactionVersion is that of the cluster, see [TransactionVersion].
	TransactionVersion int16
	// Known is false where we may not read the brokers' configuration (DESCRIBE_CONFIGS
	// on the cluster). The fields below are then zero; each is also zero where a broker
	// does not have the setting.
	Known bool
	// TransactionMaxTimeout is transaction.max.timeout.ms: a transactional producer
	// that asks for more is refused.
	TransactionMaxTimeout time.Duration
	// TransactionalIDExpiration is transactional.id.expiration.ms: an id that has
	// written nothing for so long is forgotten.
	TransactionalIDExpiration time.Duration
	// ProducerIDExpiration is producer.id.expiration.ms: how long a silent producer's
	// sequence numbers are remembered (Kafka 3.4 and later).
	ProducerIDExpiration time.Duration
	// MinInsyncReplicas is the brokers' default of min.insync.replicas; topics have
	// their own, see [TopicLimits].
	MinInsyncReplicas int
	// UncleanElection is unclean.leader.election.enable of any broker: a replica that
	// lacks acknowledged records may become the leader.
	UncleanElection bool
	// OffsetsRetention is offsets.retention.minutes: how long the offsets of a group
	// without members are kept.
	OffsetsRetention time.Duration
}

// The settings that Limits come from.
const (
	maxTimeoutKey       = "transaction.max.timeout.ms"
	idExpirationKey     = "transactional.id.expiration.ms"
	pidExpirationKey    = "producer.id.expiration.ms"
	minInsyncKey        = "min.insync.replicas"
	uncleanKey          = "unclean.leader.election.enable"
	offsetsRetentionKey = "offsets.retention.minutes"
)

// BrokerLimits asks every broker that is up. That the configuration may not be read is
// no error: Known is false then.
func BrokerLimits(ctx context.Context, cl *kgo.Client) (Limits, error) {
	var l Limits
	version, err := TransactionVersion(ctx, cl)
	if err != nil {
		return l, err
	}
	l.TransactionVersion = version
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "hefu", "1"
	if resp, err := versions.RequestWith(ctx, cl); err == nil {
		l.Version = release(kversion.FromApiVersionsResponse(resp).VersionGuess())
	}
	brokers, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, cl)
	if err != nil {
		return l, fmt.Errorf("list brokers: %w", err)
	}
	for _, b := range brokers.Brokers {
		values, err := settings(ctx, cl, kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(b.NodeID)),
			maxTimeoutKey, idExpirationKey, pidExpirationKey, minInsyncKey, uncleanKey, offsetsRetentionKey)
		if err != nil {
			return l, fmt.Errorf("configuration of broker %d: %w", b.NodeID, err)
		}
		if values == nil {
			return Limits{Version: l.Version, TransactionVersion: l.TransactionVersion}, nil
		}
		if err := l.take(values); err != nil {
			return l, fmt.Errorf("configuration of broker %d: %w", b.NodeID, err)
		}
	}
	return l, nil
}

// take counts one more broker in.
func (l *Limits) take(values map[string]string) error {
	for _, d := range []struct {
		key  string
		unit time.Duration
		to   *time.Duration
	}{
		{maxTimeoutKey, time.Millisecond, &l.TransactionMaxTimeout},
		{idExpirationKey, time.Millisecond, &l.TransactionalIDExpiration},
		{pidExpirationKey, time.Millisecond, &l.ProducerIDExpiration},
		{offsetsRetentionKey, time.Minute, &l.OffsetsRetention},
	} {
		n, ok, err := number(values, d.key)
		if err != nil {
			return err
		}
		if t := time.Duration(n) * d.unit; ok && (!l.Known || t < *d.to) {
			*d.to = t
		}
	}
	n, ok, err := number(values, minInsyncKey)
	if ok && (!l.Known || int(n) < l.MinInsyncReplicas) {
		l.MinInsyncReplicas = int(n)
	}
	l.UncleanElection = l.UncleanElection || values[uncleanKey] == "true"
	l.Known = true
	return err
}

// release is a guess of kversion without its decoration: "v3.9" is "3.9", and what is
// not like any release is "".
func release(guess string) string {
	if strings.Contains(guess, "unknown") || strings.Contains(guess, "not even") {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(" "+guess, " v", " "))
}

// settings reads some settings of a broker or a topic; nil where we may not.
func settings(ctx context.Context, cl *kgo.Client, of kmsg.ConfigResourceType, name string, keys ...string) (map[string]string, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	rr := kmsg.NewDescribeConfigsRequestResource()
	rr.ResourceType, rr.ResourceName, rr.ConfigNames = of, name, keys
	req.Resources = append(req.Resources, rr)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && len(resp.Resources) != 1 {
		err = fmt.Errorf("broker answered for %d resources", len(resp.Resources))
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return nil, nil
	case err != nil:
		return nil, err
	}
	values := map[string]string{}
	for _, c := range resp.Resources[0].Configs {
		if c.Value != nil {
			values[c.Name] = *c.Value
		}
	}
	return values, nil
}

func number(values map[string]string, key string) (n int64, ok bool, err error) {
	text, ok := values[key]
	if !ok {
		return 0, false, nil
	}
	if n, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, false, fmt.Errorf("%s: %w", key, err)
	}
	return n, true, nil
}
