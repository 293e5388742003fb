package hub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
// transaction over: what is not sent by then is flushed.
const untilFlushed = time.Minute

// kgoSender is a Sender on franz-go.
type kgoSender struct {
	cl       *kgo.Client
	topic    string
	progress string
	shard    int
	records  []kgo.Record    // one transaction's, used again for the next
	ends     map[int32]int64 // the highest offset of each partition so far

	mu    sync.Mutex
	acked int
	err   error // the first one
}

// senderConfig is what a kgoSender needs to know of the hub.
type senderConfig struct {
	kafka         kafkaconn.Config
	transactional string
	timeout       time.Duration
	topic         string
	progress      string
	shard         int
	batchBytes    int
	version       int16 // transaction.version
}

// openKgoSender makes a client and fences: when it returns, no transaction of an
// earlier owner can commit any more, and what it committed before is decided.
func openKgoSender(ctx context.Context, c senderConfig, more ...kgo.Opt) (*kgoSender, error) {
	opts := []kgo.Opt{
		kgo.TransactionalID(c.transactional),
		kgo.TransactionTimeout(c.timeout),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// lz4 here costs the sender more CPU than all the rest (speed.md).
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(int32(c.batchBytes)),
		kgo.BrokerMaxWriteBytes(int32(max(4<<20, c.batchBytes+(1<<16)))),
		// A transaction is handed over whole and then flushed. A batch leaves as soon as
		// it is full, while the rows behind it are still being handed over; the rest
		// waits for the flush, so that there is no first request with a single row in
		// it. What bounds the buffer is the transaction.
		kgo.ProducerLinger(untilFlushed),
		kgo.MaxBufferedRecords(1 << 30),
	}
	if c.version < 2 {
		// Without an epoch per transaction a delayed EndTxn would end the transaction
		// after the one it was sent for; so it is never sent twice.
		opts = append(opts, kgo.RequestRetries(0))
	}
	cl, err := kafkaconn.Dial(c.kafka, append(opts, more...)...)
	if err != nil {
		return nil, err
	}
	if _, _, err := cl.ProducerID(ctx); err != nil {
		cl.Close()
		return nil, fmt.Errorf("fence transactional id %s: %w", c.transactional, err)
	}
	return &kgoSender{
		cl: cl, topic: c.topic, progress: c.progress, shard: c.shard, ends: map[int32]int64{},
	}, nil
}

// Close implements Sender.
func (s *kgoSender) Close() { s.cl.Close() }

// Produce implements Sender.
func (s *kgoSender) Produce(ctx context.Context, p *Packed, timestamp int64) error {
	if len(p.Ends) == 0 {
		return errors.New("produce: no rows, and kgo calls an empty transaction committed")
	}
	if err := s.cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	s.mu.Lock()
	s.acked, s.err = 0, nil
	s.mu.Unlock()
	if cap(s.records) < len(p.Ends) {
		s.records = make([]kgo.Record, len(p.Ends)*5/4)
	}
	s.records = s.records[:len(p.Ends)]
	at, row, start := time.UnixMilli(timestamp), 0, 0
	for _, piece := range p.Pieces {
		for range piece.N {
			end := p.Ends[row]
			s.records[row] = kgo.Record{Topic: s.topic, Partition: piece.Partition, Value: p.Values[start:end:end], Timestamp: at}
			s.cl.Produce(ctx, &s.records[row], s.promise)
			row, start = row+1, end
		}
	}
	crash.Point("hub.produce.after")
	if err := s.flush(ctx, row, "produce "+strconv.Itoa(row)+" rows to "+s.topic); err != nil {
		return err
	}
	return s.places(p)
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
	r := &kgo.Record{Topic: s.progress, Partition: int32(s.shard), Key: strconv.AppendInt(nil, int64(s.shard), 10), Value: record}
	s.cl.Produce(ctx, r, s.promise)
	if err := s.flush(ctx, 1, "produce progress record"); err != nil {
		return 0, err
	}
	crash.Point("hub.progress.after")
	if err := s.cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return 0, fmt.Errorf("commit transaction: %w", err)
	}
	return r.Offset, nil
}
