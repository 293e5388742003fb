package origin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// cityRow is one record of a city, as kgo reads it.
type cityRow struct {
	offset int64
	time   int64 // milliseconds
	value  string
	null   bool
	// undecided says that it is not committed: its transaction was aborted, or is still open.
	undecided bool
}

const (
	fetchBytes = 4 << 20
	fetchWait  = 500 * time.Millisecond
	// patience is how often a broker may answer with nothing, or refuse, before it is believed.
	patience   = 5
	retryPause = 200 * time.Millisecond
)

// partition reads one partition of a topic again, answer by answer: a consumer would not say
// where a run of offsets ends that holds no record.
type partition struct {
	cl     *kgo.Client
	topic  kafkaconn.Topic
	number int32
	leader kafkaconn.Partition
	bounds kafkaconn.Bounds
	limit  int64 // bytes in a second; 0: any number
}

// look asks where the partition is and what its bounds are.
func (p *partition) look(ctx context.Context, topic string) (err error) {
	if p.topic, err = kafkaconn.Describe(ctx, p.cl, topic); err != nil {
		return err
	}
	all, err := kafkaconn.Offsets(ctx, p.cl, topic)
	for _, of := range p.topic.Partitions {
		if b, told := all[p.number]; of.ID == p.number && told {
			p.leader, p.bounds = of, b
			return nil
		}
	}
	return errors.Join(fmt.Errorf("partition %d of topic %s: no leader tells its bounds", p.number, topic), err)
}

// stable is the end of what can be read.
func (p *partition) stable(uncommitted bool) int64 {
	if uncommitted {
		return p.bounds.HighWatermark
	}
	return p.bounds.LSO
}

// read calls each for every record in a span: those of transactions that did not commit too,
// marked. It returns the bounds that the broker told last. Nothing of the span may lie beyond
// what is stable, or, with uncommitted, beyond the high watermark.
func (p *partition) read(ctx context.Context, in domain.Span, uncommitted bool, each func(cityRow) error) error {
	failed, empty := 0, 0
	for at := in.First; at < in.Next; {
		open := uncommitted && at >= p.bounds.LSO
		rp, err := p.fetch(ctx, at, open)
		if err != nil {
			if failed++; failed > patience || ctx.Err() != nil {
				return err
			}
			if err := pause(ctx, retryPause); err != nil {
				return err
			}
			if err := p.look(ctx, p.topic.Name); err != nil {
				return err
			}
			at = max(at, p.bounds.LogStart) // retention was faster
			continue
		}
		next, err := p.decode(rp, at, in, open, each)
		if err == nil && p.limit > 0 {
			err = pause(ctx, time.Duration(float64(len(rp.RecordBatches))/float64(p.limit)*float64(time.Second)))
		}
		if err != nil {
			return err
		}
		if next > at {
			at, failed, empty = next, 0, 0
			continue
		}
		// Nothing more is there below the bound that was told: compaction took it, or the
		// broker holds its answers back for a quota.
		if empty++; empty > patience {
			return nil
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// byName is a fetch for a topic without an id: 12 is the last version with names.
type byName struct{ *kmsg.FetchRequest }

// MaxVersion is what kgo negotiates down from.
func (byName) MaxVersion() int16 { return 12 }

// fetch asks the leader once, for what is stable or, in the part where transactions are open,
// for everything.
func (p *partition) fetch(ctx context.Context, at int64, open bool) (*kmsg.FetchResponseTopicPartition, error) {
	fetch := kmsg.NewPtrFetchRequest()
	// The answer as a whole has no bound but the partition's: kfake leaves the list of aborted
	// transactions out of one that it cuts at the whole's bound (01_fetch.go, "break full").
	fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes, fetch.SessionEpoch = int32(fetchWait.Milliseconds()), 1, math.MaxInt32, -1
	if !open {
		fetch.IsolationLevel = 1
	}
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = p.topic.Name, p.topic.ID
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes, part.CurrentLeaderEpoch = p.number, at, fetchBytes, p.leader.LeaderEpoch
	topic.Partitions = append(topic.Partitions, part)
	fetch.Topics = append(fetch.Topics, topic)
	var request kmsg.Request = fetch
	if p.topic.ID == [16]byte{} {
		request = byName{fetch}
	}
	answer, err := p.cl.Broker(int(p.leader.Leader)).Request(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("read %s/%d at %d: %w", p.topic.Name, p.number, at, err)
	}
	resp := answer.(*kmsg.FetchResponse)
	err = kerr.ErrorForCode(resp.ErrorCode)
	if err == nil && len(resp.Topics) == 1 && len(resp.Topics[0].Partitions) == 1 {
		rp := &resp.Topics[0].Partitions[0]
		if err = kerr.ErrorForCode(rp.ErrorCode); err == nil {
			return rp, nil
		}
	} else if err == nil {
		err = errors.New("the broker's answer is of another partition")
	}
	return nil, fmt.Errorf("read %s/%d at %d: %w", p.topic.Name, p.number, at, err)
}

// decode hands out the records of an answer that lie in a span and says where the next one
// begins. Which of them are committed kgo says, reading the answer a second time.
func (p *partition) decode(rp *kmsg.FetchResponseTopicPartition, at int64, in domain.Span, open bool, each func(cityRow) error) (int64, error) {
	p.bounds.LogStart, p.bounds.HighWatermark = max(p.bounds.LogStart, rp.LogStartOffset), max(p.bounds.HighWatermark, rp.HighWatermark)
	p.bounds.LSO = max(p.bounds.LSO, rp.LastStableOffset)
	o := kgo.ProcessFetchPartitionOpts{Offset: at, Topic: p.topic.Name, Partition: p.number, IsolationLevel: kgo.ReadUncommitted()}
	all, next := kgo.ProcessFetchPartition(o, rp, kgo.DefaultDecompressor(), nil)
	if all.Err != nil {
		return at, fmt.Errorf("read %s/%d at %d: %w", p.topic.Name, p.number, next, all.Err)
	}
	committed := all.Records
	if len(rp.AbortedTransactions) > 0 {
		o.IsolationLevel = kgo.ReadCommitted()
		stable, _ := kgo.ProcessFetchPartition(o, rp, kgo.DefaultDecompressor(), nil)
		committed = stable.Records
	}
	for _, r := range all.Records {
		for len(committed) > 0 && committed[0].Offset < r.Offset {
			committed = committed[1:]
		}
		if r.Offset < in.First || r.Offset >= in.Next {
			continue
		}
		row := cityRow{offset: r.Offset, time: millisOf(r.Timestamp), value: string(r.Value), null: r.Value == nil}
		row.undecided = open || len(committed) == 0 || committed[0].Offset != r.Offset
		if err := each(row); err != nil {
			return at, err
		}
	}
	return next, nil
}

// millisOf is the milliseconds that kgo made a time of. It multiplies them by a million, which
// wraps beyond the years 1678 to 2262; 10^6 is 2^6 · 15625, and 15625 has an inverse modulo a
// power of two, so that for the next four million years nothing is lost.
func millisOf(t time.Time) int64 {
	const (
		bits    = 58                        // 64 - 6
		inverse = uint64(0x10fb65668c26139) // 15625 · inverse = 1 modulo 2^58
	)
	u := uint64(t.UnixNano()) >> 6 * inverse
	return int64(u<<(64-bits)) >> (64 - bits)
}
