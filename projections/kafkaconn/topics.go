package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topics lists the topics of a cluster whose names match, sorted. Those that the brokers
// call internal are never among them, nor are those that we may not describe: a cluster
// does not show them.
func Topics(ctx context.Context, cl *kgo.Client, match func(name string) bool) ([]string, error) {
	req := kmsg.NewPtrMetadataRequest() // no list of topics: all of them
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var names []string
	for _, t := range resp.Topics {
		if t.Topic == nil || t.IsInternal || !match(*t.Topic) {
			continue
		}
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			continue // it is being deleted
		case err != nil:
			return nil, fmt.Errorf("list topics: %s: %w", *t.Topic, err)
		}
		names = append(names, *t.Topic)
	}
	slices.Sort(names)
	return names, nil
}
