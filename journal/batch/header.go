// Package batch decodes Kafka record batches, magic 2 only: their headers, their
// checksums and, decompressed, their records.
//
// It is what hub, Doris, replay and reports share as readers of the journal, so
// that they cannot disagree about a row; it is pure, reads no socket and knows no
// Kafka client. The bytes are laid out as in KIP-98 and
// https://kafka.apache.org/documentation/#recordbatch.
package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Where the fields of a batch stand. The length counts what follows it; the
// checksum covers everything from the attributes on.
const (
	lengthAt     = 8
	epochAt      = 12
	magicAt      = 16
	crcAt        = 17
	attributesAt = 21
	headerSize   = 61
)

// The bits of Header.Attributes (KIP-98; bit 6, the delete horizon of KIP-534,
// changes nothing for a reader: deltas count from BaseTimestamp all the same).
const (
	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

// Header is the fixed part of a record batch.
type Header struct {
	BaseOffset      int64
	Size            int // bytes of the whole batch, this header and its 12-byte prefix included
	LeaderEpoch     int32
	Magic           int8
	CRC             uint32 // CRC32C of everything after it
	Attributes      int16
	LastOffsetDelta int32
	BaseTimestamp   int64 // milliseconds
	MaxTimestamp    int64 // milliseconds
	ProducerID      int64 // -1 for a producer without one
	ProducerEpoch   int16
	BaseSequence    int32
	Count           int32 // records in the batch
}

// LastOffset is the last offset the batch answers for. Compaction keeps it when it
// removes the record that stood there.
func (h *Header) LastOffset() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) }

// Codec is how the records are compressed.
func (h *Header) Codec() Codec { return Codec(h.Attributes & attrCodec) }

// Transactional reports whether the batch is part of a transaction.
func (h *Header) Transactional() bool { return h.Attributes&attrTransactional != 0 }

// Control reports whether the batch holds control records (see ControlType) and no
// rows.
func (h *Header) Control() bool { return h.Attributes&attrControl != 0 }

// LogAppendTime reports whether the broker's clock, MaxTimestamp, is the timestamp
// of every record.
func (h *Header) LogAppendTime() bool { return h.Attributes&attrLogAppendTime != 0 }

// Dense reports whether a record stands at every offset of the batch. A broker
// accepts nothing else from a producer (LogValidator.validateBatch in Apache
// Kafka); only compaction makes a batch sparse.
func (h *Header) Dense() bool { return int64(h.Count) == int64(h.LastOffsetDelta)+1 }

// Overlap is the number of offsets that the batch shares with [first, next). Of a
// dense batch it is the number of records there, without decoding it.
func (h *Header) Overlap(first, next int64) int64 {
	first, next = max(first, h.BaseOffset), min(next, h.LastOffset()+1)
	if next <= first {
		return 0
	}
	return next - first
}

// ParseHeader reads the header of the batch that b begins with; b may be longer
// than the batch. Nothing after the header is looked at: see CheckCRC.
//
// Errors: ErrTruncated when b ends before the batch does, *MagicError for another
// message format, ErrCorrupt when the fields cannot belong together.
func ParseHeader(b []byte) (Header, error) {
	if len(b) <= magicAt {
		return Header{}, ErrTruncated
	}
	be := binary.BigEndian
	base := int64(be.Uint64(b))
	if magic := int8(b[magicAt]); magic != 2 {
		return Header{}, &MagicError{Magic: magic, Offset: base}
	}
	length := int64(int32(be.Uint32(b[lengthAt:])))
	size := length + lengthAt + 4
	if size < headerSize || size > math.MaxInt32 {
		return Header{}, fmt.Errorf("record batch at %d: length %d: %w", base, length, ErrCorrupt)
	}
	if int64(len(b)) < size {
		return Header{}, ErrTruncated
	}
	h := Header{
		BaseOffset:      base,
		Size:            int(size),
		LeaderEpoch:     int32(be.Uint32(b[epochAt:])),
		Magic:           2,
		CRC:             be.Uint32(b[crcAt:]),
		Attributes:      int16(be.Uint16(b[attributesAt:])),
		LastOffsetDelta: int32(be.Uint32(b[23:])),
		BaseTimestamp:   int64(be.Uint64(b[27:])),
		MaxTimestamp:    int64(be.Uint64(b[35:])),
		ProducerID:      int64(be.Uint64(b[43:])),
		ProducerEpoch:   int16(be.Uint16(b[51:])),
		BaseSequence:    int32(be.Uint32(b[53:])),
		Count:           int32(be.Uint32(b[57:])),
	}
	return h, h.check()
}

// check finds fields that no broker writes, before anybody computes with them.
func (h *Header) check() error {
	delta, count := int64(h.LastOffsetDelta), int64(h.Count)
	switch {
	case h.BaseOffset < 0 || h.BaseOffset > math.MaxInt64-math.MaxInt32-1:
		return fmt.Errorf("record batch at %d: base offset: %w", h.BaseOffset, ErrCorrupt)
	case delta < 0:
		return fmt.Errorf("record batch at %d: last offset delta %d: %w", h.BaseOffset, delta, ErrCorrupt)
	case count < 0 || count > delta+1:
		return fmt.Errorf("record batch at %d: %d records in %d offsets: %w", h.BaseOffset, count, delta+1, ErrCorrupt)
	}
	return nil
}

// Next splits a section of batches that follow one another: the first batch, its
// header, and what is left. Errors are those of ParseHeader; then nothing of the
// section is used up.
func Next(section []byte) (h Header, b, rest []byte, err error) {
	h, err = ParseHeader(section)
	if err != nil {
		return Header{}, nil, section, err
	}
	return h, section[:h.Size:h.Size], section[h.Size:], nil
}

// CheckCRC compares the checksum that the batch at the head of b carries with its
// bytes. The broker computed it over what it stores, so it holds as long as nobody
// touched the batch, in the city, on the way or in the journal. Base offset, length,
// leader epoch and magic are not covered: brokers rewrite those.
//
// Errors: those of ParseHeader, and *CRCError.
func CheckCRC(b []byte) error {
	h, err := ParseHeader(b)
	if err != nil {
		return err
	}
	got := crc32.Checksum(b[attributesAt:h.Size], crc32.MakeTable(crc32.Castagnoli))
	if got != h.CRC {
		return &CRCError{Offset: h.BaseOffset, Stored: h.CRC, Computed: got}
	}
	return nil
}
