package hub

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/hefu-io/hefu/domain"
)

// rowsProducer is the id under which the rows of a lost end are written, and what the partition knows
// their sequence by; last is the hash of the commit that ended it. Brokers give ids out from 0 on and
// never look who has one; one of ours is the same for every owner and for every plan of the same
// loss, does not expire with a transactional id, and meets no other.
func rowsProducer(last domain.Hash) int64 {
	return 1<<62 | int64(binary.BigEndian.Uint64(last[:])>>2&^1)
}

// lastSequence is the sequence number of the last row of an end: the rows before it count down from
// there, so that a row has the same one whatever plan it is written by.
const lastSequence = 1 << 30

// sequenceOf is the sequence number of a row by how many come behind it: 31 bits, before which it
// begins anew.
func sequenceOf(behind int64) int32 { return int32((lastSequence - behind) & math.MaxInt32) }

// together is how many of the lines go into one record batch: the first ones, without a gap and
// within the bytes that the topic takes. One goes always, and alone where it is the first of the
// partition (tail.knows).
func together(lines []line, most int) int {
	size := batchHeader
	for i, l := range lines {
		size += len(l.value) + batchOverhead - batchHeader
		if l.passed != nil {
			size += l.passed.size()
		}
		if i > 0 && (size > most || l.offset != lines[i-1].offset+1 || lines[0].offset == 0) {
			return i
		}
	}
	return len(lines)
}

// Of a record batch (https://kafka.apache.org/documentation/#recordbatch).
const (
	batchHeader   = 61
	batchPrefix   = 12 // offset and length
	batchCRC      = 17
	batchCovered  = 21 // by the checksum, and what follows
	batchMagic    = 2
	noLeaderEpoch = -1
)

// appendBatch encodes lines as one record batch of the epoch 0 of a producer, in no transaction and
// not compressed, as the hub leg's are; sequence is that of the first line.
func appendBatch(dst []byte, producer int64, sequence int32, lines []line) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, batchHeader)...)
	first, newest := lines[0].time, lines[0].time
	var rec []byte
	for i, l := range lines {
		rec = appendRecord(rec[:0], int64(i), l.time-first, &l)
		dst = append(binary.AppendVarint(dst, int64(len(rec))), rec...)
		newest = max(newest, l.time)
	}
	b := dst[start:]
	n := uint32(len(lines))
	leader := int32(noLeaderEpoch)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchPrefix))
	binary.BigEndian.PutUint32(b[12:], uint32(leader))
	b[16] = batchMagic
	binary.BigEndian.PutUint32(b[23:], n-1)
	binary.BigEndian.PutUint64(b[27:], uint64(first))
	binary.BigEndian.PutUint64(b[35:], uint64(newest))
	binary.BigEndian.PutUint64(b[43:], uint64(producer))
	binary.BigEndian.PutUint32(b[53:], uint32(sequence))
	binary.BigEndian.PutUint32(b[57:], n)
	binary.BigEndian.PutUint32(b[batchCRC:], crc32.Checksum(b[batchCovered:], crc32.MakeTable(crc32.Castagnoli)))
	return dst
}

// appendRecord encodes one row without its length.
func appendRecord(b []byte, delta, timeDelta int64, l *line) []byte {
	b = append(b, 0) // attributes
	b = binary.AppendVarint(b, timeDelta)
	b = binary.AppendVarint(b, delta)
	var none Passed
	passed := l.passed
	if passed == nil {
		passed = &none
	}
	b = appendBytes(b, passed.Key)
	b = appendBytes(b, l.value)
	b = binary.AppendVarint(b, int64(len(passed.Headers)))
	for _, h := range passed.Headers {
		b = append(binary.AppendVarint(b, int64(len(h.Name))), h.Name...)
		b = appendBytes(b, h.Value)
	}
	return b
}

// appendBytes encodes bytes behind their length, which is -1 for nil.
func appendBytes(b, of []byte) []byte {
	if of == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(of))), of...)
}
