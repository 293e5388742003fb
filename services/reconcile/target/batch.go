package target

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// record is a record of a partition, valid while its batch is read. kgo's own would give a
// time that wraps around outside of 1678 to 2262.
type record struct {
	offset    int64
	timestamp int64  // ms
	value     []byte // nil: it has none
}

// Places in a record batch of format 2 (Kafka protocol, "Record Batch").
const (
	atLength      = 8
	atMagic       = 16
	atCRC         = 17
	atAttributes  = 21
	atLastDelta   = 23
	atBaseTime    = 27
	atMaxTime     = 35
	atProducer    = 43
	atCount       = 57
	batchHeader   = 61
	compression   = 0x07
	logAppendTime = 0x08
	transactional = 0x10
	control       = 0x20
)

// batches reads the record batches of a fetch, committed rows only. It belongs to one
// goroutine.
type batches struct {
	decompressor kgo.Decompressor
	castagnoli   *crc32.Table
	aborted      map[int64][]int64 // first offsets of aborted transactions, by producer, in order
}

func newBatches() *batches {
	return &batches{decompressor: kgo.DefaultDecompressor(), castagnoli: crc32.MakeTable(crc32.Castagnoli)}
}

// read calls each for the records of a fetch in the order of the log, from below those that
// were asked for, and says which offset comes next: behind the last whole batch, even where
// its last records were compacted away.
func (b *batches) read(in *kmsg.FetchResponseTopicPartition, next int64, each func(*record) error) (int64, error) {
	b.aborted = map[int64][]int64{}
	for _, t := range in.AbortedTransactions {
		b.aborted[t.ProducerID] = append(b.aborted[t.ProducerID], t.FirstOffset)
	}
	for _, first := range b.aborted {
		slices.Sort(first)
	}
	for log := in.RecordBatches; len(log) > atMagic; {
		base := int64(binary.BigEndian.Uint64(log))
		size := int(int32(binary.BigEndian.Uint32(log[atLength:]))) + atLength + 4
		if magic := log[atMagic]; magic != 2 {
			return next, fmt.Errorf("batch at %d is of format %d; only 2 is read", base, magic)
		}
		if size >= batchHeader && size > len(log) {
			return next, nil // cut off, as the last one of a fetch may be
		}
		if size < batchHeader || crc32.Checksum(log[atAttributes:size], b.castagnoli) != binary.BigEndian.Uint32(log[atCRC:]) {
			return next, fmt.Errorf("batch at %d does not have its checksum", base)
		}
		if err := b.batch(base, log[:size], each); err != nil {
			return next, err
		}
		next = max(next, base+int64(int32(binary.BigEndian.Uint32(log[atLastDelta:])))+1)
		log = log[size:]
	}
	return next, nil
}

func (b *batches) batch(base int64, log []byte, each func(*record) error) error {
	attributes := binary.BigEndian.Uint16(log[atAttributes:])
	producer := int64(binary.BigEndian.Uint64(log[atProducer:]))
	open := b.aborted[producer]
	aborted := attributes&transactional != 0 && len(open) > 0 && open[0] <= base
	if attributes&control != 0 {
		if aborted { // this is its marker: after it the producer begins anew
			b.aborted[producer] = open[1:]
		}
		return nil
	}
	if aborted {
		return nil
	}
	records := log[batchHeader:]
	if codec := attributes & compression; codec != 0 {
		var err error
		if records, err = b.decompressor.Decompress(records, kgo.CompressionCodecType(codec)); err != nil {
			return fmt.Errorf("batch at %d: %w", base, err)
		}
	}
	r := record{}
	firstTime := int64(binary.BigEndian.Uint64(log[atBaseTime:]))
	in := varints{records}
	for i := range int32(binary.BigEndian.Uint32(log[atCount:])) {
		one, ok := in.bytes()
		of := varints{one}
		ok = ok && of.byte()
		timeDelta, ok1 := of.number()
		offsetDelta, ok2 := of.number()
		_, ok3 := of.bytes() // the key
		value, ok4 := of.bytes()
		if !ok || !ok1 || !ok2 || !ok3 || !ok4 {
			return fmt.Errorf("batch at %d: record %d is no record", base, i)
		}
		r.offset, r.timestamp, r.value = base+offsetDelta, firstTime+timeDelta, value
		if attributes&logAppendTime != 0 {
			r.timestamp = int64(binary.BigEndian.Uint64(log[atMaxTime:]))
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	return nil
}

// varints reads a record's parts.
type varints struct{ left []byte }

func (v *varints) byte() bool {
	if len(v.left) == 0 {
		return false
	}
	v.left = v.left[1:]
	return true
}

func (v *varints) number() (int64, bool) {
	n, used := binary.Varint(v.left)
	if used <= 0 {
		return 0, false
	}
	v.left = v.left[used:]
	return n, true
}

// bytes are as many as the number before them says, nil where that is negative.
func (v *varints) bytes() ([]byte, bool) {
	n, ok := v.number()
	if !ok || n > int64(len(v.left)) {
		return nil, false
	}
	if n < 0 {
		return nil, true
	}
	out := v.left[:n:n]
	v.left = v.left[n:]
	return out, true
}
