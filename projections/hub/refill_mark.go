package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// askAgain is the pause between two questions for something that is about to be so.
const askAgain = 2 * time.Millisecond

// fence takes the transactional id over: when it returns, every transaction that an earlier owner
// had begun has its marker, and none of them can begin another.
func (r *refiller) fence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*r.timeout)
	defer cancel()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &r.id, int32(r.timeout.Milliseconds())
	err := decided(ctx, func() error {
		resp, err := req.RequestWith(ctx, r.cl)
		if err == nil {
			r.pid, r.epoch, err = resp.ProducerID, resp.ProducerEpoch, kerr.ErrorForCode(resp.ErrorCode)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("fence transactional id %s: %w", r.id, err)
	}
	return nil
}

// decided asks for as long as a coordinator has the transaction before in work. It has answered, so
// that no request is under way twice.
func decided(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if !errors.Is(err, kerr.ConcurrentTransactions) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(askAgain):
		}
	}
}

// mark gives each of the partitions one marker at its end, and waits until it is there.
func (r *refiller) mark(ctx context.Context, parts []*part) error {
	if len(parts) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var lost, empty []*part
	for _, of := range parts {
		if len(of.open) > 0 {
			lost = append(lost, of)
		} else {
			empty = append(empty, of)
		}
	}
	crash.Point("hub.mark.before")
	if err := r.endLost(ctx, lost); err != nil {
		return err
	}
	if err := r.endEmpty(ctx, empty); err != nil {
		return err
	}
	if err := r.appear(ctx, parts); err != nil {
		return err
	}
	crash.Point("hub.mark.after")
	return nil
}

// endEmpty begins a transaction in partitions and aborts it. If the process dies in between, the
// next owner's fence does, or the coordinator when its time is over: it is one marker all the same.
func (r *refiller) endEmpty(ctx context.Context, parts []*part) error {
	if len(parts) == 0 {
		return nil
	}
	topic := kmsg.NewAddPartitionsToTxnRequestTopic()
	topic.Topic = r.topic.Name
	for _, of := range parts {
		topic.Partitions = append(topic.Partitions, of.partition)
	}
	add := kmsg.NewPtrAddPartitionsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch = r.id, r.pid, r.epoch
	add.Topics = append(add.Topics, topic)
	err := decided(ctx, func() error {
		resp, err := add.RequestWith(ctx, r.cl)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return fmt.Errorf("partition %d: %w", p.Partition, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin a transaction without rows in %s: %w", r.topic.Name, err)
	}
	crash.Point("hub.mark.added")
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch = r.id, r.pid, r.epoch
	resp, err := end.RequestWith(ctx, r.cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("abort a transaction without rows in %s: %w", r.topic.Name, err)
	}
	return nil
}

// endLost writes the lost markers of transactions. A request that comes very late, of an owner that
// stood still exactly here, is a marker too many, which the next look finds.
func (r *refiller) endLost(ctx context.Context, parts []*part) error {
	var lost []lostEnd
	for _, of := range parts {
		lost = append(lost, of.open[0])
	}
	if err := writeMarkers(ctx, r.cl, r.topic.Name, lost); err != nil {
		return needsAlter(err)
	}
	for _, of := range parts {
		of.open = of.open[1:]
	}
	return nil
}

// needsAlter makes of an error of writing a marker a refusal, where only an operator can mend it.
func needsAlter(err error) error {
	if errors.Is(err, kerr.ClusterAuthorizationFailed) {
		return &projections.Refusal{Reason: err.Error() + ": without it a transaction hides its rows for ever; the Kafka user needs ALTER on the cluster for as long as this lasts"}
	}
	return err
}

// appear waits for markers, which a coordinator writes after its answer.
func (r *refiller) appear(ctx context.Context, parts []*part) error {
	for {
		ends, err := r.ends(ctx, parts)
		if err != nil {
			return err
		}
		missing := 0
		for _, of := range parts {
			switch end := ends[of.partition]; {
			case end == of.end:
				missing++
			case end != of.end+1:
				return r.elsewhere(of, end)
			}
		}
		if missing == 0 {
			for _, of := range parts {
				of.end++
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d markers did not come to %s: %w", missing, len(parts), r.topic.Name, ctx.Err())
		case <-time.After(askAgain):
		}
	}
}
