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
	cities := map[string]domain.City{}
	base := map[string]int32{}
	var topics []string
	for i, arg := range args[2:] {
		code, topic, _ := strings.Cut(arg, "=")
		cities[topic], base[topic] = domain.City(code), int32(i)*partitions
		topics = append(topics, topic)
	}
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(args[0]), kgo.DisableClientMetrics(),
		kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.TransactionalID(args[1]), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // as Hefu's
		kgo.MaxBufferedRecords(50_000),
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	format := domain.NewRowFormat(zone)
	var lost error // promises are called one after the other, before Flush returns
	kept := func(_ *kgo.Record, err error) {
		if err != nil && lost == nil {
			lost = err
		}
	}
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		if err := cl.BeginTransaction(); err != nil {
			return err
		}
		for began := time.Now(); ; {
			now := time.Now().UnixMicro()
			fetches.EachRecord(func(r *kgo.Record) {
				value := format.AppendHubJSON(make([]byte, 0, len(r.Value)+256), &domain.Row{
					City: cities[r.Topic], ExtractTime: now, Record: r.Value,
					CityPartition: r.Partition, CityOffset: r.Offset, CityTimestamp: r.Timestamp.UnixMilli(),
				})
				cl.Produce(ctx, &kgo.Record{Topic: args[1], Partition: base[r.Topic] + r.Partition, Value: value}, kept)
			})
			rest := transaction - time.Since(began)
			if rest <= 0 {
				break
			}
			more, cancel := context.WithTimeout(ctx, rest)
			fetches = cl.PollFetches(more)
			cancel()
			if more.Err() != nil && fetches.Empty() {
				break
			}
		}
		if err := errors.Join(cl.Flush(ctx), lost); err != nil {
			return fmt.Errorf("produce: %w", err)
		}
		if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
}
