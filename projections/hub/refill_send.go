package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// refiller is a Sender that puts rows at the offsets which they had.
type refiller struct {
	cl         *kgo.Client
	topic      kafkaconn.Topic
	tails      map[int32]*tail
	timeout    time.Duration // of a transaction, and of each step
	batchBytes int

	id    string // transactional, of the markers
	pid   int64
	epoch int16
}

// line is a row on its way to its place.
type line struct {
	offset int64
	time   int64 // in milliseconds
	value  []byte
	passed *Passed // nil: neither key nor headers
}

// part is what a batch has of one partition: lines, of which the first done are in their place.
type part struct {
	*tail
	lines []line
	done  int
}

// step is what a partition needs next.
type step int

const (
	nothing step = iota
	toMark
	toWrite
)

// next passes over the lines that are in their place and says what comes now. Behind the last row
// of all a marker is due only where a transaction waits for it.
func (p *part) next() step {
	for p.done < len(p.lines) && p.lines[p.done].offset < p.end {
		p.done++
	}
	switch {
	case p.done < len(p.lines) && p.lines[p.done].offset == p.end:
		return toWrite
	case p.done < len(p.lines), p.end >= p.span.Next && len(p.open) > 0:
		return toMark
	default:
		return nothing
	}
}

// Close implements Sender.
func (r *refiller) Close() { r.cl.Close() }

// Commit implements Sender: that the rows are there says all that a progress record would.
func (r *refiller) Commit(context.Context, []byte) (int64, error) { return 0, nil }

// Produce implements Sender: it puts the rows at p.Offsets, behind a marker for each offset before
// them that has none. Where partitions have gaps of the same length, as after a transaction, one
// round makes the markers of all of them.
func (r *refiller) Produce(ctx context.Context, p *Packed, _ int64) error {
	parts, err := r.partsOf(p)
	if err != nil {
		return err
	}
	if err := r.unmoved(ctx, parts); err != nil {
		return err
	}
	for {
		var marks, writes []*part
		for _, of := range parts {
			switch of.next() {
			case toMark:
				marks = append(marks, of)
			case toWrite:
				writes = append(writes, of)
			case nothing:
			}
		}
		if len(marks) == 0 && len(writes) == 0 {
			break
		}
		if err := r.mark(ctx, marks); err != nil {
			return err
		}
		if err := r.write(ctx, writes); err != nil {
			return err
		}
	}
	for _, of := range parts {
		of.at, of.rows = of.lines[len(of.lines)-1].offset+1, of.rows+int64(len(of.lines))
	}
	return nil
}

// partsOf sorts the rows of a batch by partition.
func (r *refiller) partsOf(p *Packed) ([]*part, error) {
	var parts []*part
	by := map[int32]*part{}
	row, start := 0, 0
	for _, piece := range p.Pieces {
		of := by[piece.Partition]
		if of == nil {
			t := r.tails[piece.Partition]
			if t == nil {
				return nil, fmt.Errorf("rows of hub partition %s/%d, of which the plan fills nothing in", r.topic.Name, piece.Partition)
			}
			of = &part{tail: t}
			by[piece.Partition], parts = of, append(parts, of)
		}
		for range piece.N {
			l := line{offset: p.Offsets[row], time: piece.Time, value: p.Values[start:p.Ends[row]]}
			if len(p.Passed) > 0 {
				l.passed = &p.Passed[row]
			}
			// An offset that is passed over becomes a marker, which is for ever.
			if n := len(of.lines); l.offset < of.at || n > 0 && l.offset <= of.lines[n-1].offset {
				return nil, fmt.Errorf("row %d of a batch is of hub partition %s/%d offset %d, which is not behind the one before it", row, r.topic.Name, piece.Partition, l.offset)
			}
			of.lines = append(of.lines, l)
			row, start = row+1, p.Ends[row]
		}
	}
	return parts, nil
}

// unmoved demands that the partitions end where they did when it was last told: a step that begins
// elsewhere puts rows where they do not belong. Whoever wrote there is found at the next open.
func (r *refiller) unmoved(ctx context.Context, parts []*part) error {
	ends, err := r.ends(ctx, parts)
	if err != nil {
		return err
	}
	for _, of := range parts {
		if ends[of.partition] != of.end {
			return r.elsewhere(of, ends[of.partition])
		}
	}
	return nil
}

// ends asks where partitions end; the time -1 is Kafka's for that.
func (r *refiller) ends(ctx context.Context, parts []*part) (map[int32]int64, error) {
	ask := map[int32]int64{}
	for _, of := range parts {
		ask[of.partition] = -1
	}
	return kafkaconn.OffsetsAfter(ctx, r.cl, r.topic.Name, ask)
}

func (r *refiller) elsewhere(of *part, end int64) error {
	return fmt.Errorf("hub partition %s/%d goes on at %d, and must at %d: somebody else writes there", r.topic.Name, of.partition, end, of.end)
}

// write puts the next rows of each partition into their places, a record batch each.
func (r *refiller) write(ctx context.Context, parts []*part) error {
	by := map[int32][]*part{}
	for _, of := range parts {
		leader := r.topic.Partitions[of.partition].Leader
		by[leader] = append(by[leader], of)
	}
	for _, leader := range slices.Sorted(maps.Keys(by)) {
		if err := r.writeTo(ctx, leader, by[leader]); err != nil {
			return err
		}
	}
	return nil
}

func (r *refiller) writeTo(ctx context.Context, leader int32, parts []*part) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = r.topic.Name, r.topic.ID
	took := map[int32]int64{}
	for _, of := range parts {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition = of.partition
		n := together(of.lines[of.done:], r.batchBytes)
		producer, sequence := of.knows(of.end, of.rows+int64(of.done))
		p.Records = appendBatch(nil, producer, sequence, of.lines[of.done:of.done+n])
		took[of.partition] = int64(n)
		topic.Partitions = append(topic.Partitions, p)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, int32(r.timeout.Milliseconds()), []kmsg.ProduceRequestTopic{topic}
	crash.Point("hub.refill.before")
	at, err := r.produce(ctx, leader, req)
	if err != nil {
		return err
	}
	crash.Point("hub.refill.after")
	for _, of := range parts {
		if base, told := at[of.partition]; !told || base != of.end {
			return r.elsewhere(of, base)
		}
		of.end += took[of.partition]
	}
	return nil
}

// produceByName is a request to brokers that give topics no ids (see kafkaconn.Fetch); 12 is the
// last version with names.
type produceByName struct{ *kmsg.ProduceRequest }

// MaxVersion is what kgo negotiates down from.
func (produceByName) MaxVersion() int16 { return 12 }

// produce gives the offset of each batch. A batch that is there already is acknowledged with its own.
func (r *refiller) produce(ctx context.Context, leader int32, of *kmsg.ProduceRequest) (map[int32]int64, error) {
	var req kmsg.Request = of
	if r.topic.ID == [16]byte{} {
		req = produceByName{of}
	}
	resp, err := r.cl.Broker(int(leader)).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("write rows to %s at broker %d: %w", r.topic.Name, leader, err)
	}
	at := map[int32]int64{}
	for _, t := range resp.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, r.refusedRows(p.Partition, err)
			}
			at[p.Partition] = p.BaseOffset
		}
	}
	return at, nil
}

// refusedRows says of a partition's answer what to do about it, where an operator must.
func (r *refiller) refusedRows(partition int32, err error) error {
	err = fmt.Errorf("write rows to %s/%d at %d: %w", r.topic.Name, partition, r.tails[partition].end, err)
	if errors.Is(err, kerr.InvalidTimestamp) {
		return &projections.Refusal{Reason: err.Error() + ": rows keep the time that they had; raise message.timestamp.before.max.ms of the topic for as long as this lasts"}
	}
	return err
}
