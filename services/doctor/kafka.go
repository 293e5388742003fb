package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// question is what is asked of one cluster.
type question struct {
	topics  []string
	pattern string // in place of topics: those whose whole name matches
	group   string
	ids     []string // transactional ids that we write with
	// cursor is where reading of a partition goes on; ok is false when that is not known.
	cursor func(topic string, partition int32, b kafkaconn.Bounds) (at int64, ok bool)
	// fromGroup takes the group's offset where the cursor is not known.
	fromGroup bool
	// retention asks for the times of the rows that are next to be deleted.
	retention bool
}

// askKafka asks a cluster with requests that change nothing: no producer id, no group
// membership, no topic is made by asking.
func askKafka(ctx context.Context, c kafkaconn.Config, q question) (f kafkaFacts) {
	f.brokers, f.who = c.Brokers, "User:"+principal(c.SASL)
	cl, err := kafkaconn.Dial(c)
	if err != nil {
		f.err = err
		return f
	}
	defer cl.Close()
	if f.err = f.askCluster(ctx, cl); f.err != nil {
		return f
	}
	f.limits, f.limErr = kafkaconn.BrokerLimits(ctx, cl)
	topics := q.topics
	if q.pattern != "" {
		if topics, f.err = matching(ctx, cl, q.pattern); f.err != nil {
			return f
		}
		f.noTopic = len(topics) == 0
	}
	if q.group != "" {
		f.group = askGroup(ctx, cl, q.group, topics)
	}
	for _, t := range topics {
		f.topics = append(f.topics, f.askTopic(ctx, cl, t, q))
	}
	if len(q.ids) > 0 {
		f.ids = askIDs(ctx, cl, q.ids)
	}
	return f
}

// principal is how ACLs name a login: a Kerberos principal by its first part, unless the
// brokers map it otherwise; … for who is named by a certificate or nothing.
func principal(s *kafkaconn.SASL) string {
	if s == nil {
		return "…"
	}
	name, _, _ := strings.Cut(cmp.Or(s.Principal, s.User), "@")
	name, _, _ = strings.Cut(name, "/")
	return cmp.Or(name, "…")
}

// askCluster asks for the cluster's id, its nodes and whether it guards anything.
func (f *kafkaFacts) askCluster(ctx context.Context, cl *kgo.Client) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, not all
	req.IncludeClusterAuthorizedOperations = true
	meta, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("ask for the cluster: %w", err)
	}
	f.nodes = len(meta.Brokers)
	if meta.ClusterID != nil {
		f.cluster = *meta.ClusterID
	}
	// Which request says what we may do with the cluster depends on its release (KIP-430,
	// KIP-700).
	ops := operations(meta.AuthorizedOperations)
	described := kmsg.NewPtrDescribeClusterRequest()
	described.IncludeClusterAuthorizedOperations = true
	if resp, err := described.RequestWith(ctx, cl); err == nil && resp.ErrorCode == 0 {
		ops = operations(resp.ClusterAuthorizedOperations)
	}
	if ops.told() {
		may := ops.may(kmsg.ACLOperationCreate)
		f.makeTopics = &may
	}
	acls := kmsg.NewPtrDescribeACLsRequest()
	acls.ResourceType, acls.ResourcePatternType = kmsg.ACLResourceTypeCluster, kmsg.ACLResourcePatternTypeAny
	acls.Operation, acls.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp, err := acls.RequestWith(ctx, cl)
	f.open = err == nil && errors.Is(kerr.ErrorForCode(resp.ErrorCode), kerr.SecurityDisabled)
	return nil
}

// matching lists the topics whose whole name a pattern matches.
func matching(ctx context.Context, cl *kgo.Client, pattern string) ([]string, error) {
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, fmt.Errorf("topic_pattern: %w", err)
	}
	return kafkaconn.Topics(ctx, cl, re.MatchString)
}

func (f *kafkaFacts) askTopic(ctx context.Context, cl *kgo.Client, name string, q question) topicFacts {
	t := topicFacts{name: name, broker: f.brokers[0], who: f.who}
	if t.topic, t.err = kafkaconn.Describe(ctx, cl, name); t.err != nil {
		t.absent = errors.Is(t.err, kafkaconn.ErrNoTopic)
		return t
	}
	if t.limits, t.err = kafkaconn.DescribeLimits(ctx, cl, name); t.err != nil {
		return t
	}
	if t.may, t.err = topicOperations(ctx, cl, name); t.err != nil {
		return t
	}
	bounds, err := kafkaconn.Offsets(ctx, cl, name)
	if len(t.leaderless()) == 0 {
		t.err = err // else it is about the partitions without a leader, and said of them
	}
	for _, p := range t.topic.Partitions {
		b, ok := bounds[p.ID]
		if !ok {
			continue
		}
		part := partFacts{id: p.ID, bounds: b, cursor: -1}
		if q.cursor != nil {
			if at, known := q.cursor(name, p.ID, b); known {
				part.cursor = at
			} else if at, known := f.groupAt(name, p.ID); known && q.fromGroup && at >= b.LogStart {
				part.cursor = at
			}
		}
		t.parts = append(t.parts, part)
	}
	if q.retention {
		t.askTimes(ctx, cl)
	}
	t.openAt, t.opErr = kafkaconn.OpenTransactions(ctx, cl, name)
	newest, err := kadm.NewClient(cl).ListMaxTimestampOffsets(ctx, name)
	if err == nil {
		newest.Each(func(o kadm.ListedOffset) {
			if at := time.UnixMilli(o.Timestamp); o.Err == nil && o.Timestamp > 0 && at.After(t.newest) {
				t.newest = at
			}
		})
	}
	return t
}

// leaderless are the partitions that nobody can read or write now.
func (t *topicFacts) leaderless() (all []string) {
	for _, p := range t.topic.Partitions {
		if p.Leader < 0 || p.Err != nil {
			all = append(all, strconv.Itoa(int(p.ID)))
		}
	}
	return all
}

// groupAt is the offset of the group in a partition.
func (f *kafkaFacts) groupAt(topic string, partition int32) (int64, bool) {
	if f.group == nil {
		return 0, false
	}
	at, ok := f.group.committed[topic][partition]
	return at, ok
}

// askTimes asks for the times of the rows that retention is about to take. Rows that
// nobody waits for are not asked for: nothing is lost with them.
func (t *topicFacts) askTimes(ctx context.Context, cl *kgo.Client) {
	for i := range t.parts {
		p := &t.parts[i]
		if p.cursor < p.bounds.LogStart || p.cursor >= p.bounds.HighWatermark {
			continue
		}
		p.unread = t.timeAt(ctx, cl, p.id, p.cursor)
		if t.limits.RetentionBytes >= 0 && t.limits.Known {
			p.oldest = t.timeAt(ctx, cl, p.id, p.bounds.LogStart)
		}
	}
}

// timeAt is the time of the batch at an offset, zero where it was not found. One batch
// comes, whatever its size.
func (t *topicFacts) timeAt(ctx context.Context, cl *kgo.Client, partition int32, offset int64) time.Time {
	for _, p := range t.topic.Partitions {
		if p.ID != partition || p.Leader < 0 {
			continue
		}
		got, err := kafkaconn.Fetch(ctx, cl, p.Leader, t.topic, []kafkaconn.FetchPartition{
			{Partition: partition, Offset: offset, MaxBytes: 1, LeaderEpoch: -1},
		}, kafkaconn.FetchOptions{MaxWait: 100 * time.Millisecond, MinBytes: 1, MaxBytes: 1})
		if err != nil || got[0].Err != nil {
			return time.Time{}
		}
		h, err := batch.ParseHeader(got[0].RecordBatches)
		if err != nil || h.MaxTimestamp < 0 {
			return time.Time{}
		}
		return time.UnixMilli(h.MaxTimestamp)
	}
	return time.Time{}
}
