package kafkaconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// OpenTransaction is a transaction that is open in one partition: nothing at or above
// its first offset is shown to readers with read_committed.
type OpenTransaction struct {
	Topic     string
	Partition int32
	// FirstOffset is where it begins in the partition. The least of a partition is its
	// last stable offset.
	FirstOffset int64
	// ProducerID, ProducerEpoch and CoordinatorEpoch are the partition's knowledge;
	// CoordinatorEpoch is -1 when no coordinator has ended one of this producer's here.
	ProducerID       int64
	ProducerEpoch    int16
	CoordinatorEpoch int32
	// LastTimestamp is the time of the producer's last batch in this partition.
	LastTimestamp time.Time
	// TransactionalID is the owner; "" where no coordinator names one: it has
	// forgotten the producer, or it hides the id from us (DESCRIBE on it).
	TransactionalID string
	// State is the coordinator's word for what the owner is doing, such as "Ongoing",
	// "PrepareCommit" or "Empty"; "" where the owner is not known, or not described.
	State string
	// Timeout is the owner's transaction.timeout.ms and StartedAt when its transaction
	// began; zero where not known.
	Timeout   time.Duration
	StartedAt time.Time
	// Hanging: no coordinator will ever end it, for it knows of no such producer, or
	// of no transaction of that producer in this partition. Readers wait for ever.
	// (An owner that is hidden from us looks the same.)
	Hanging bool
}

// OpenTransactions lists what is open in a topic, by partition and offset: the leaders
// are asked (READ on the topic), and the coordinators name the owners (DESCRIBE on the
// transactional ids, which a reader may lack: the owner is empty then). Partitions and
// owners that could not be asked are named in the error, so both are worth looking at.
// [ErrNoTopic] where there is no such topic. Kafka 2.8 and later can be asked.
func OpenTransactions(ctx context.Context, cl *kgo.Client, topic string) ([]OpenTransaction, error) {
	t, err := Describe(ctx, cl, topic)
	if err != nil {
		return nil, err
	}
	adm := kadm.NewClient(cl)
	open, err := producers(ctx, adm, t)
	if len(open) == 0 {
		return nil, err
	}
	err = errors.Join(err, owners(ctx, adm, open))
	if !slices.ContainsFunc(open, func(t OpenTransaction) bool { return t.Hanging }) {
		return open, err
	}
	// One that ended between the two questions looks as if it hung; it is gone now.
	still, again := producers(ctx, adm, t)
	if again != nil {
		return open, errors.Join(err, again)
	}
	return slices.DeleteFunc(open, func(t OpenTransaction) bool {
		return t.Hanging && !slices.ContainsFunc(still, t.same)
	}), err
}

// same reports whether both are one transaction in one partition.
func (t OpenTransaction) same(o OpenTransaction) bool {
	return t.Partition == o.Partition && t.ProducerID == o.ProducerID && t.FirstOffset == o.FirstOffset
}

// producers asks the leaders.
func producers(ctx context.Context, adm *kadm.Client, topic Topic) ([]OpenTransaction, error) {
	var asked kadm.TopicsSet
	for _, p := range topic.Partitions {
		asked.Add(topic.Name, p.ID)
	}
	described, err := adm.DescribeProducers(ctx, asked)
	if err != nil {
		err = fmt.Errorf("describe producers of %s (needs READ on the topic): %w", topic.Name, err)
	}
	var open []OpenTransaction
	for _, p := range described.SortedPartitions() {
		if p.Err != nil {
			err = errors.Join(err, fmt.Errorf("describe producers of %s/%d: %w", topic.Name, p.Partition, p.Err))
		}
		for _, a := range p.ActiveProducers {
			if a.CurrentTxnStartOffset < 0 {
				continue // it writes here, and has nothing open
			}
			open = append(open, OpenTransaction{
				Topic: topic.Name, Partition: p.Partition, FirstOffset: a.CurrentTxnStartOffset,
				ProducerID: a.ProducerID, ProducerEpoch: a.ProducerEpoch, CoordinatorEpoch: a.CoordinatorEpoch,
				LastTimestamp: time.UnixMilli(a.LastTimestamp),
			})
		}
	}
	slices.SortFunc(open, func(a, b OpenTransaction) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.FirstOffset, b.FirstOffset))
	})
	return open, err
}

// owners asks the coordinators whose the transactions are.
func owners(ctx context.Context, adm *kadm.Client, open []OpenTransaction) error {
	ids := map[int64]bool{}
	for _, t := range open {
		ids[t.ProducerID] = true
	}
	listed, err := adm.ListTransactions(ctx, slices.Sorted(maps.Keys(ids)), nil)
	if err != nil {
		return fmt.Errorf("list transactions of %d producers: %w", len(ids), err)
	}
	names := map[int64]string{}
	for _, l := range listed {
		names[l.ProducerID] = l.TxnID
	}
	var described kadm.DescribedTransactions
	if len(names) > 0 {
		// Of no ids it would describe all that there are.
		described, err = adm.DescribeTransactions(ctx, slices.Sorted(maps.Values(names))...)
		if err != nil {
			err = fmt.Errorf("describe transactions: %w", err)
		}
	}
	for i := range open {
		t := &open[i]
		t.TransactionalID = names[t.ProducerID]
		d, ok := described[t.TransactionalID]
		switch {
		case t.TransactionalID == "":
			t.Hanging = true
		case !ok:
			// Not told; the error says so.
		case errors.Is(d.Err, kerr.TransactionalIDNotFound):
			t.Hanging = true
		case d.Err != nil:
			err = errors.Join(err, fmt.Errorf("describe transactional id %s: %w", t.TransactionalID, d.Err))
		default:
			t.State, t.Timeout = d.State, time.Duration(d.TimeoutMillis)*time.Millisecond
			if d.StartTimestamp > 0 {
				t.StartedAt = time.UnixMilli(d.StartTimestamp)
			}
			// What a coordinator still has to end lists this partition.
			t.Hanging = d.ProducerID != t.ProducerID || !d.Topics.Lookup(t.Topic, t.Partition)
		}
	}
	return err
}

// EndCommand is the line of Kafka's own tools that ends the transaction without
// committing it (KIP-664, KIP-939). For one that hangs it writes the abort marker that
// nobody else will write (ALTER on the cluster). For one that its owner may still end
// it fences the owner, for a marker alone would abort its rows in this partition only;
// it takes the tool of 4.1 or later, whatever the brokers are, and WRITE on the
// transactional id.
func (t OpenTransaction) EndCommand(bootstrap string) string {
	tool := "kafka-transactions.sh --bootstrap-server " + quoted(bootstrap)
	if t.Hanging || t.TransactionalID == "" {
		return tool + " abort --topic " + quoted(t.Topic) + " --partition " + strconv.Itoa(int(t.Partition)) +
			" --start-offset " + strconv.FormatInt(t.FirstOffset, 10)
	}
	return tool + " forceTerminateTransaction --transactionalId " + quoted(t.TransactionalID)
}

// quoted is a word for a POSIX shell. Brokers take any text for a transactional id.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:,/@", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
