package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// workload is a number of rows of a size in bytes.
type workload struct {
	rows int64
	size int
}

// A row begins with the time when it was made, so that whoever meets it later knows
// how long it took, and goes on like a sensor's: mostly ASCII, some Chinese.
const rowText = `,QL-JC-0042,加速度,0.0173,-9.8066,0.0021,应变,118.25,温度,21.5,"ok"`

// appendRow appends a row of a size.
func appendRow(dst []byte, made time.Time, number int64, size int) []byte {
	end := len(dst) + size
	dst = strconv.AppendInt(dst, made.UnixNano(), 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, number, 10)
	for len(dst)+len(rowText) <= end {
		dst = append(dst, rowText...)
	}
	for len(dst) < end {
		dst = append(dst, '.')
	}
	return dst
}

// feeder writes rows to the cities of a job.
type feeder struct {
	cl     *kgo.Client
	job    job
	number int64
}

// newFeeder makes a feeder; its rows leave the client after at most linger. The batches
// are as small as those of Java producers (batch.size 16384).
func newFeeder(j job, linger time.Duration, more ...kgo.Opt) (*feeder, error) {
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(j.addr), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(16 << 10), kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(100_000),
	}, more...)...)
	return &feeder{cl: cl, job: j}, err
}

// send gives rows to the client, evenly to all partitions, and does not wait. kept
// gets what became of each.
func (f *feeder) send(ctx context.Context, rows int64, size int, kept func(error)) {
	buf := make([]byte, 0, rows*int64(size))
	list := make([]kgo.Record, rows)
	now := time.Now()
	for i := range list {
		start := len(buf)
		buf = appendRow(buf, now, f.number, size)
		list[i] = kgo.Record{
			Topic:     f.job.cities[f.number%2].topic,
			Partition: int32(f.number / 2 % partitions),
			Value:     buf[start:len(buf):len(buf)],
		}
		f.number++
		f.cl.Produce(ctx, &list[i], func(_ *kgo.Record, err error) { kept(err) })
	}
}

// chunk is how many rows share one allocation.
const chunk = 10_000

// fill writes rows and returns when the broker has them.
func (f *feeder) fill(ctx context.Context, rows int64, size int) error {
	var first error // promises are called one after the other, before Flush returns
	kept := func(err error) {
		if err != nil && first == nil {
			first = err
		}
	}
	for left := rows; left > 0; left -= min(left, chunk) {
		f.send(ctx, min(left, chunk), size, kept)
	}
	if err := errors.Join(f.cl.Flush(ctx), first); err != nil {
		return fmt.Errorf("fill %s: %w", f.job.name, err)
	}
	return nil
}

// warm is the number of rows that every pipeline moves before it is measured: one per
// partition, so that all connections are open.
const warm = 2 * partitions

// prefilled writes the warming rows, and then rows in a transaction that stays open:
// nobody who reads committed sees them until it is committed, which is when all of
// them appear at once. So a pipeline can be started beforehand, and its start is not
// measured.
func prefilled(ctx context.Context, j job, w workload) (*feeder, error) {
	f, err := newFeeder(j, 20*time.Millisecond, kgo.TransactionalID(j.name+"-feeder"), kgo.TransactionTimeout(14*time.Minute))
	if err != nil {
		return nil, err
	}
	err = f.cl.BeginTransaction()
	for _, step := range []func() error{
		func() error { return f.fill(ctx, warm, w.size) },
		func() error { return f.appear(ctx) },
		f.cl.BeginTransaction,
		func() error { return f.fill(ctx, w.rows, w.size) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		f.cl.Close()
		return nil, fmt.Errorf("prefill %s: %w", j.name, err)
	}
	return f, nil
}

// appear commits what was prefilled.
func (f *feeder) appear(ctx context.Context) error {
	wrote := []*kgo.Record{{Topic: f.job.cities[0].topic}, {Topic: f.job.cities[1].topic}}
	return kafkaconn.EndTransaction(ctx, f.cl, kgo.TryCommit, wrote...)
}

// madeAt finds the time in a hub value: the row is its column "record".
func madeAt(value []byte) (time.Time, bool) {
	_, record, found := bytes.Cut(value, []byte(`"record":"`))
	digits, _, more := bytes.Cut(record, []byte(","))
	nanos, err := strconv.ParseInt(string(digits), 10, 64)
	return time.Unix(0, nanos), found && more && err == nil
}
