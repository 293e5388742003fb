package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// refusal says of an error at fencing what must be changed, where the brokers do not
// allow what exactly-once needs. As long as the leg was never open it ends the start; one
// that was goes on trying.
func (h *Hub) refusal(ctx context.Context, cl *kgo.Client, err error) error {
	if !errors.Is(err, kerr.InvalidTransactionTimeout) {
		return err
	}
	ours := h.cfg.TransactionTimeout
	most := "which we may not read (DESCRIBE_CONFIGS on the cluster)"
	change := "set transaction_timeout lower"
	if limits, err := kafkaconn.BrokerLimits(ctx, cl); err == nil && limits.Known {
		most = fmt.Sprintf("%d (%s)", limits.TransactionMaxTimeout.Milliseconds(), limits.TransactionMaxTimeout)
		change = fmt.Sprintf("set transaction_timeout to at most %s", limits.TransactionMaxTimeout)
	}
	err = fmt.Errorf("hub topic %s: transaction_timeout is %s, more than the brokers' transaction.max.timeout.ms, %s: %s, or transaction.max.timeout.ms to at least %d: %w",
		h.cfg.Pipeline.HubTopic, ours, most, change, ours.Milliseconds(), err)
	if h.opened {
		return err
	}
	return &projections.Refusal{Reason: err.Error()}
}

// Below transaction.version 2 (KIP-890; brokers before 4.0) all transactions of a writer
// share an epoch until it is fenced. A request to end one that was delayed would end the
// one after it, with only some of its rows. So none is sent twice there: a lost answer is
// a new open, whose fence comes with a new epoch that no delayed request has.
const oldTransactions = "; these brokers give a transaction no epoch of its own (transaction.version below 2, before Kafka 4.0), so no request is sent twice and each lost answer costs a new open"

// tell says once what the leg promises, and what of the brokers that rests on.
func (h *Hub) tell(ctx context.Context, cl *kgo.Client) {
	if h.told {
		return
	}
	limits, err := kafkaconn.BrokerLimits(ctx, cl)
	if err != nil {
		return // it is only to be told; the next open tries again
	}
	h.told = true
	promise := h.cfg.Semantic.HubPromise()
	if h.cfg.Semantic.Exactly() && limits.TransactionVersion < 2 {
		promise += oldTransactions
	}
	most := "unknown: DESCRIBE_CONFIGS on the cluster is missing"
	if limits.Known {
		most = limits.TransactionMaxTimeout.String()
	}
	h.log.InfoContext(ctx, "hub leg is open", "stream", h.stream.String(), "semantic", string(h.cfg.Semantic), "promise", promise,
		"kafka", limits.Version, "transaction_version", limits.TransactionVersion, "transaction_max_timeout", most)
}
