package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// startNaive starts the naive pipeline: what a person writes in an afternoon.
func startNaive(_ context.Context, j job) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(j.dir, nameNaive, self, "naive", j.addr, j.hub, j.cities[0].code+"="+j.cities[0].topic, j.cities[1].code+"="+j.cities[1].topic)
}

// transaction is how long the naive pipeline keeps one open, as long as Hefu at most.
const transaction = 200 * time.Millisecond

// naive is the child that consumes, makes JSON and produces in transactions, with
// plain franz-go: ADDRESS HUB CODE=TOPIC... It keeps no cursor and proves nothing, and
// it writes values with Hefu's own function, so that what is compared is the way and
// not the pen.
func naive(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return errors.New("needs an address, a hub topic and cities")
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	c := copier{hub: args[1], format: flink.NewRowFormat(zone), cities: map[string]domain.City{}, base: map[string]int32{}}
	var topics []string
	for i, arg := range args[2:] {
		code, topic, _ := strings.Cut(arg, "=")
		c.cities[topic], c.base[topic] = domain.City(code), int32(i)*partitions
		topics = append(topics, topic)
	}
	c.cl, err = kgo.NewClient(
		kgo.SeedBrokers(args[0]), kgo.DisableClientMetrics(),
		kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.TransactionalID(c.hub), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // as Hefu's
		kgo.MaxBufferedRecords(50_000),
	)
	if err != nil {
		return err
	}
	defer c.cl.Close()
	for ctx.Err() == nil {
		if err := c.transaction(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// copier is the naive pipeline's state.
type copier struct {
	cl     *kgo.Client
	hub    string
	cities map[string]domain.City
	base   map[string]int32
	format *flink.RowFormat
	lost   error // promises are called one after the other, before Flush returns
}

// transaction copies what comes within its time, from the first row on.
func (c *copier) transaction(ctx context.Context) error {
	fetches := c.cl.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		return err
	}
	if err := c.cl.BeginTransaction(); err != nil {
		return err
	}
	for rest := transaction; rest > 0; {
		began := time.Now()
		c.produce(ctx, fetches)
		more, cancel := context.WithTimeout(ctx, rest)
		fetches = c.cl.PollFetches(more)
		cancel()
		if err := fetches.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		rest -= time.Since(began)
	}
	c.produce(ctx, fetches)
	if err := errors.Join(c.cl.Flush(ctx), c.lost); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	if err := kafkaconn.EndTransaction(ctx, c.cl, kgo.TryCommit, &kgo.Record{Topic: c.hub}); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (c *copier) produce(ctx context.Context, fetches kgo.Fetches) {
	now := time.Now().UnixMicro()
	fetches.EachRecord(func(r *kgo.Record) {
		value := c.format.AppendHubJSON(make([]byte, 0, len(r.Value)+256), &flink.Row{
			City: c.cities[r.Topic], ExtractTime: now, Record: r.Value,
			CityPartition: r.Partition, CityOffset: r.Offset, CityTimestamp: r.Timestamp.UnixMilli(),
		})
		c.cl.Produce(ctx, &kgo.Record{Topic: c.hub, Partition: c.base[r.Topic] + r.Partition, Value: value}, c.kept)
	})
}

func (c *copier) kept(_ *kgo.Record, err error) {
	if err != nil && c.lost == nil {
		c.lost = err
	}
}
