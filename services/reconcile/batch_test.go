package reconcile_test

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func appendVarint(b []byte, n int) []byte { return binary.AppendVarint(b, int64(n)) }

// sealed is a batch with its length and checksum.
func sealed(rb *kmsg.RecordBatch) []byte {
	rb.Length = int32(49 + len(rb.Records))
	b := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// batchOf is a batch of one record.
func batchOf(offset, ms int64, value []byte) []byte {
	b := kmsg.RecordBatch{FirstOffset: offset, Magic: 2, ProducerID: -1, NumRecords: 1, FirstTimestamp: ms, MaxTimestamp: ms}
	r := kmsg.Record{Value: value}
	body := r.AppendTo(nil)[1:]
	b.Records = append(appendVarint(b.Records, len(body)), body...)
	return sealed(&b)
}
