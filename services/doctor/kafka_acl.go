package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// operations are what a broker says that we may do with a thing, a bit each (KIP-430).
type operations int32

// told is false for a broker that does not say (before 2.3).
func (o operations) told() bool { return o != math.MinInt32 }

func (o operations) may(op kmsg.ACLOperation) bool { return o.told() && o&(1<<op) != 0 }

func topicOperations(ctx context.Context, cl *kgo.Client, topic string) (operations, error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	req.IncludeTopicAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && len(resp.Topics) != 1 {
		err = fmt.Errorf("broker answered with %d topics", len(resp.Topics))
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return math.MinInt32, fmt.Errorf("what we may do with topic %s: %w", topic, err)
	}
	return operations(resp.Topics[0].AuthorizedOperations), nil
}

// exists reports whether a cluster has an internal topic. To ask for the coordinator of
// a group or an id makes its topic where there is none yet, and nothing is made here. A
// topic that is hidden from us is there.
func exists(ctx context.Context, cl *kgo.Client, topic string) (bool, error) {
	_, err := topicOperations(ctx, cl, topic)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return false, nil
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return true, nil
	}
	return true, err
}

// askGroup reads a group's offsets. It never joins and never commits.
func askGroup(ctx context.Context, cl *kgo.Client, group string, topics []string) *groupFacts {
	f := &groupFacts{name: group, may: math.MinInt32, committed: map[string]map[int32]int64{}}
	there, err := exists(ctx, cl, "__consumer_offsets")
	if err == nil && !there {
		// Brokers that keep groups elsewhere, as stand-ins do, list them all the same.
		var listed kadm.ListedGroups
		listed, err = kadm.NewClient(cl).ListGroups(ctx)
		_, there = listed[group]
	}
	if err != nil || !there {
		f.err, f.absent = err, err == nil
		return f
	}
	for _, t := range topics {
		if f.committed[t], f.err = kafkaconn.Committed(ctx, cl, group, t); f.err != nil {
			return f
		}
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{group}, true
	// No answer leaves it untold.
	if resp, err := req.RequestWith(ctx, cl); err == nil && len(resp.Groups) == 1 && resp.Groups[0].ErrorCode == 0 {
		f.may = operations(resp.Groups[0].AuthorizedOperations)
	}
	return f
}

// errNoIDs says that no transaction was ever begun on a cluster, so that nobody can be
// asked about ids.
var errNoIDs = errors.New("no transaction was ever begun on this cluster")

// askIDs asks whether we may describe our transactional ids: WRITE includes that, so who
// may not describe may not write either. An id that nobody wrote with is no error.
func askIDs(ctx context.Context, cl *kgo.Client, ids []string) map[string]error {
	out := map[string]error{}
	there, err := exists(ctx, cl, "__transaction_state")
	if err == nil && !there {
		err = errNoIDs
	}
	var described kadm.DescribedTransactions
	if err == nil {
		described, err = kadm.NewClient(cl).DescribeTransactions(ctx, ids...)
	}
	for _, id := range ids {
		d, ok := described[id]
		switch {
		case ok && errors.Is(d.Err, kerr.TransactionalIDNotFound):
			out[id] = nil
		case ok:
			out[id] = d.Err
		default:
			out[id] = err
		}
	}
	return out
}
