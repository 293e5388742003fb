package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// batchOverhead bounds what a record batch of one record is larger than its value:
// the batch header of 61 bytes and the record's own numbers, 36 at most
// (https://kafka.apache.org/documentation/#recordbatch).
const batchOverhead = 61 + 36

// defaultBatchBytes is the broker's default of max.message.bytes, for where we may
// not read the topic's configuration.
const defaultBatchBytes = 1_048_588

// maxBatchBytes bounds a batch also where the hub would take more: kgo holds it in
// one piece.
const maxBatchBytes = 64 << 20

// untilFlushed is the longest linger that kgo takes, and longer than it takes to hand a
// batch over: what is not sent by then is flushed.
const untilFlushed = time.Minute

// kgoSender is a Sender on franz-go.
type kgoSender struct {
	cl       *kgo.Client
	topic    string
	progress string
	shard    int
	semantic domain.Semantic
	records  []kgo.Record    // one batch's, used again for the next
	ends     map[int32]int64 // the highest offset of each partition so far

	mu    sync.Mutex
	acked int
	err   error   // the first one
	at    []int64 // of the semantic none: each row's offset, -1 without one
}

// senderConfig is what a kgoSender needs to know of the hub.
type senderConfig struct {
	kafka         kafkaconn.Config
	semantic      domain.Semantic
	transactional string
	timeout       time.Duration
	topic         string
	progress      string
	shard         int
	batchBytes    int
	version       int16 // transaction.version
}

// openKgoSender makes a client and, with exactly-once, fences: when it returns, no
// transaction of an earlier owner can commit any more, and what it committed before is
// decided. Without, there is nothing in Kafka to fence with.
func openKgoSender(ctx context.Context, c senderConfig, more ...kgo.Opt) (*kgoSender, error) {
	opts := append(c.promises(), []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// lz4 here costs the sender more CPU than all the rest (speed.md).
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(int32(c.batchBytes)),
		kgo.BrokerMaxWriteBytes(int32(max(4<<20, c.batchBytes+(1<<16)))),
		// What leaves together is handed over whole and then flushed. A record batch
		// leaves as soon as it is full, while the rows behind it are still being handed
		// over; the rest waits for the flush, so that there is no first request with a
		// single row in it. What bounds the buffer is ours.
		kgo.ProducerLinger(untilFlushed),
		kgo.MaxBufferedRecords(1 << 30),
	}...)
	cl, err := kafkaconn.Dial(c.kafka, append(opts, more...)...)
	if err != nil {
		return nil, err
	}
	if c.semantic != domain.None { // which has no producer id
		if _, _, err := cl.ProducerID(ctx); err != nil {
			cl.Close()
			return nil, fmt.Errorf("%s: %w", c.asks(), err)
		}
	}
	return &kgoSender{
		cl: cl, topic: c.topic, progress: c.progress, shard: c.shard, semantic: c.semantic, ends: map[int32]int64{},
	}, nil
}

// promises are the options that make the semantic.
func (c *senderConfig) promises() []kgo.Opt {
	switch c.semantic {
	case domain.None:
		return []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(), kgo.RecordRetries(0)}
	case domain.AtLeastOnce:
		return []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}
	case domain.ExactlyOnce:
	}
	opts := []kgo.Opt{
		kgo.TransactionalID(c.transactional),
		kgo.TransactionTimeout(c.timeout),
		kgo.RequiredAcks(kgo.AllISRAcks()),
	}
	if c.version < 2 {
		// Without an epoch per transaction a delayed EndTxn would end the transaction
		// after the one it was sent for; so it is never sent twice.
		opts = append(opts, kgo.RequestRetries(0))
	}
	return opts
}

// asks is what the first request of the client is for.
func (c *senderConfig) asks() string {
	if c.semantic.Exactly() {
		return "fence transactional id " + c.transactional
	}
	return "get a producer id"
}

// Close implements Sender.
func (s *kgoSender) Close() { s.cl.Close() }

// Produce implements Sender.
func (s *kgoSender) Produce(ctx context.Context, p *Packed, timestamp int64) error {
	if s.semantic.Exactly() {
		if err := s.cl.BeginTransaction(); err != nil {
			return fmt.Errorf("begin transaction: %w", err)
		}
	}
	s.begin(len(p.Ends))
	if cap(s.records) < len(p.Ends) {
		s.records = make([]kgo.Record, len(p.Ends)*5/4)
	}
	s.records = s.records[:len(p.Ends)]
	row, start := 0, 0
	for _, piece := range p.Pieces {
		at := time.UnixMilli(cmp.Or(piece.Time, timestamp))
		for range piece.N {
			end := p.Ends[row]
			s.records[row] = kgo.Record{Topic: s.topic, Partition: piece.Partition, Value: p.Values[start:end:end], Timestamp: at}
			if len(p.Passed) > 0 {
				p.Passed[row].into(&s.records[row])
			}
			s.cl.Produce(ctx, &s.records[row], s.promiseOf(row))
			row, start = row+1, end
		}
	}
	crash.Point("hub.produce.after")
	err := s.flush(ctx, row, "produce "+strconv.Itoa(row)+" rows to "+s.topic)
	if s.semantic == domain.None {
		return s.acknowledged(p, err)
	}
	if err != nil {
		return err
	}
	return s.places(p)
}

// into gives a record what it takes over.
func (p *Passed) into(r *kgo.Record) {
	r.Key = p.Key
	for _, h := range p.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
	}
}

// begin forgets the batch before.
func (s *kgoSender) begin(rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked, s.err, s.at = 0, nil, s.at[:0]
	if s.semantic == domain.None {
		for range rows {
			s.at = append(s.at, -1)
		}
	}
}

// promiseOf is what kgo calls for a row. The semantic none goes on without rows whose
// promise is still out, so there each notes its offset where it can be read safely.
func (s *kgoSender) promiseOf(row int) func(*kgo.Record, error) {
	if s.semantic != domain.None {
		return s.promise
	}
	return func(r *kgo.Record, err error) {
		s.promise(r, err)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.at[row] = r.Offset
		}
	}
}

// acknowledged fills in the offsets that are known; err is that of the flush.
func (s *kgoSender) acknowledged(p *Packed, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Offsets = append(p.Offsets[:0], s.at...)
	if err == nil {
		return nil
	}
	missing := &unacknowledgedError{err: err}
	for _, at := range p.Offsets {
		if at < 0 {
			missing.rows++
		}
	}
	return missing
}

// promise is called by kgo for each record, one after the other.
func (s *kgoSender) promise(r *kgo.Record, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && r.Offset < 0 {
		err = errors.New("acknowledged without an offset")
	}
	if err == nil {
		s.acked++
	} else if s.err == nil {
		s.err = fmt.Errorf("%s/%d: %w", r.Topic, r.Partition, err)
	}
}

// flush waits for n promises and demands that all were kept.
func (s *kgoSender) flush(ctx context.Context, n int, what string) error {
	err := s.cl.Flush(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return fmt.Errorf("%s: %w", what, s.err)
	case err != nil:
		return fmt.Errorf("%s: %d of %d acknowledged: %w", what, s.acked, n, err)
	case s.acked != n:
		return fmt.Errorf("%s: %d of %d acknowledged", what, s.acked, n)
	}
	return nil
}

// places fills in the offsets and demands that they rise.
func (s *kgoSender) places(p *Packed) error {
	p.Offsets = p.Offsets[:0]
	row := 0
	for _, piece := range p.Pieces {
		last, known := s.ends[piece.Partition]
		for range piece.N {
			at := s.records[row].Offset
			if known && at <= last {
				return fmt.Errorf("produce to %s/%d: row at offset %d after one at %d", s.topic, piece.Partition, at, last)
			}
			last, known = at, true
			p.Offsets = append(p.Offsets, at)
			row++
		}
		s.ends[piece.Partition] = last
	}
	return nil
}

// Commit implements Sender.
func (s *kgoSender) Commit(ctx context.Context, record []byte) (int64, error) {
	s.mu.Lock()
	s.acked = 0
	s.mu.Unlock()
	r := &kgo.Record{Topic: s.progress, Partition: int32(s.shard), Key: []byte(recordKey(s.shard, s.semantic)), Value: record}
	s.cl.Produce(ctx, r, s.promise)
	if err := s.flush(ctx, 1, "produce progress record"); err != nil {
		return 0, err
	}
	crash.Point("hub.progress.after")
	if s.semantic.Exactly() {
		wrote := []*kgo.Record{r}
		if len(s.records) > 0 {
			wrote = append(wrote, &s.records[0])
		}
		if err := kafkaconn.EndTransaction(ctx, s.cl, kgo.TryCommit, wrote...); err != nil {
			return 0, fmt.Errorf("commit transaction: %w", err)
		}
	}
	return r.Offset, nil
}
