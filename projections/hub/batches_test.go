package hub_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
)

// recordBatch encodes values as one record batch from the offset base on, with
// kmsg, an encoder of somebody else's.
func recordBatch(base int64, values ...string) []byte {
	var records []byte
	for i, v := range values {
		rec := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: int64(i), Value: []byte(v)}
		body := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	return seal(base, int32(len(values)), records)
}

// undecodable is a batch whose header is sound and announces n records.
func undecodable(base int64, n int32) []byte {
	return seal(base, n, []byte("nothing that is a record"))
}

func seal(base int64, n int32, records []byte) []byte {
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(records)), PartitionLeaderEpoch: 3, Magic: 2,
		LastOffsetDelta: n - 1, FirstTimestamp: 1_700_000_000_000, MaxTimestamp: 1_700_000_000_000 + int64(n) - 1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: n, Records: records,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// run makes a run of one source partition out of whole batches.
func run(src domain.SourceID, partition int32, first int64, n int64, batches ...[]byte) domain.Run {
	return domain.Run{
		Source: src, Generation: 1, Partition: partition, LeaderEpoch: 3,
		First: first, Next: first + n, Rows: n, Batches: batches,
	}
}

// values are n rows that name where they come from.
func values(src domain.SourceID, partition int32, first int64, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s/%d/%d", src, partition, first+int64(i))
	}
	return out
}

// rebase moves a batch to another offset; the checksum does not cover it.
func rebase(b []byte, base int64) { binary.BigEndian.PutUint64(b, uint64(base)) }
