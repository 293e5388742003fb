package doris_test

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// record is one record of a city: nil is null.
type record struct {
	value []byte
	ts    int64
}

// recordBatch encodes records as one batch from the offset base on, with kmsg, an
// encoder of somebody else's. As on a broker the first timestamp is the first record's
// and the maximum is the maximum.
func recordBatch(base int64, records ...record) []byte {
	var body []byte
	most := records[0].ts
	for i, r := range records {
		rec := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: r.ts - records[0].ts, Value: r.value}
		b := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		body = append(binary.AppendVarint(body, int64(len(b))), b...)
		most = max(most, r.ts)
	}
	return seal(base, int32(len(records)), records[0].ts, most, body)
}

// undecodable is a batch whose header is sound and announces n records.
func undecodable(base int64, n int32) []byte {
	return seal(base, n, cityTime, cityTime, []byte("nothing that is a record"))
}

func seal(base int64, n int32, first, most int64, records []byte) []byte {
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(records)), PartitionLeaderEpoch: 3, Magic: 2,
		LastOffsetDelta: n - 1, FirstTimestamp: first, MaxTimestamp: most,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: n, Records: records,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}
