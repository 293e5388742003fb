package origin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// A record batch, magic 2 (KIP-98): 61 bytes of header, then the records, perhaps compressed.
const (
	prefixSize = 12 // base offset and length, which the length does not count
	headerSize = 61
	crcFrom    = 21 // what the checksum covers: all from the attributes on
)

var (
	errCut      = errors.New("it ends too early")
	errChecksum = errors.New("its checksum is another one")
	errShape    = errors.New("its fields contradict each other")
)

// header is the fixed part of a record batch.
type header struct {
	base       int64
	size       int // of the whole batch
	crc        uint32
	attributes int16
	last       int64 // the last offset that it answers for
	firstTime  int64 // milliseconds
	maxTime    int64
	count      int64 // records
}

func (h *header) control() bool       { return h.attributes&0x20 != 0 }
func (h *header) logAppendTime() bool { return h.attributes&0x08 != 0 }
func (h *header) codec() int16        { return h.attributes & 0x07 }

// dense reports whether a record stands at every offset.
func (h *header) dense() bool { return h.count == h.last-h.base+1 }

// within is how many offsets of [first, next) the batch answers for.
func (h *header) within(first, next int64) int64 {
	return max(0, min(next, h.last+1)-max(first, h.base))
}

// nextBatch splits the first batch off a section.
func nextBatch(section []byte) (h header, batch, rest []byte, err error) {
	if len(section) < headerSize {
		return h, nil, nil, errCut
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(section[at:]) }
	i64 := func(at int) int64 { return int64(binary.BigEndian.Uint64(section[at:])) }
	if magic := int8(section[16]); magic != 2 {
		return h, nil, nil, fmt.Errorf("magic %d at %d: %w", magic, i64(0), errors.ErrUnsupported)
	}
	h = header{
		base: i64(0), size: prefixSize + int(int32(u32(8))), crc: u32(17), attributes: int16(binary.BigEndian.Uint16(section[crcFrom:])),
		firstTime: i64(27), maxTime: i64(35), count: int64(int32(u32(57))),
	}
	delta := int64(int32(u32(23)))
	h.last = h.base + delta
	switch {
	case h.size < headerSize || h.base < 0 || h.base > math.MaxInt64-math.MaxInt32-1 || delta < 0 || h.count < 0 || h.count > delta+1:
		return h, nil, nil, fmt.Errorf("record batch at %d: %w", h.base, errShape)
	case h.size > len(section):
		return h, nil, nil, fmt.Errorf("record batch at %d: %w", h.base, errCut)
	}
	return h, section[:h.size], section[h.size:], nil
}

// checksum compares a batch with the CRC32C that the broker stored with it.
func (h *header) checksum(batch []byte) error {
	if got := crc32.Checksum(batch[crcFrom:], crc32.MakeTable(crc32.Castagnoli)); got != h.crc {
		return fmt.Errorf("record batch at %d: %w", h.base, errChecksum)
	}
	return nil
}

// record is one row of a city. Its value is a copy, and stays valid.
type record struct {
	offset int64
	time   int64 // milliseconds; the broker's under LogAppendTime
	value  string
	null   bool // no value, which empty is not
}

// decoder decodes the batches of one reader. The zero value is ready.
type decoder struct {
	codecs  codecs
	records []record
}

// decode is all records of a batch, valid until the next call; an error if one of them is not
// whole: then none of them counts.
func (d *decoder) decode(h *header, batch []byte) ([]record, error) {
	err := h.checksum(batch)
	var text string
	if err == nil {
		text, err = d.codecs.payload(h.codec(), batch[headerSize:])
	}
	if err == nil {
		err = d.parse(h, text)
	}
	if err != nil {
		return nil, fmt.Errorf("record batch at %d: %w", h.base, err)
	}
	return d.records, nil
}

// parse reads the records, which must rise inside the batch and use up all bytes.
func (d *decoder) parse(h *header, text string) error {
	d.records = d.records[:0]
	in := input{text: text}
	last := int64(-1)
	for range h.count {
		r, delta := in.record()
		if in.bad || delta <= last || h.base+delta > h.last {
			return fmt.Errorf("record %d: %w", len(d.records), errShape)
		}
		last = delta
		r.offset = h.base + delta
		r.time += h.firstTime
		if h.logAppendTime() {
			r.time = h.maxTime
		}
		d.records = append(d.records, r)
	}
	if in.text != "" {
		return fmt.Errorf("%d bytes after the last record: %w", len(in.text), errShape)
	}
	return nil
}

// input is what is left of the records' bytes.
type input struct {
	text string
	bad  bool
}

// number reads a zig-zag varint of at most 64 bits.
func (in *input) number() int64 {
	if len(in.text) > 0 && in.text[0] < 0x80 { // nearly all of them are one byte long
		b := in.text[0]
		in.text = in.text[1:]
		return int64(b>>1) ^ -int64(b&1)
	}
	var u uint64
	for i := 0; i < len(in.text) && i < binary.MaxVarintLen64; i++ {
		b := in.text[i]
		u |= uint64(b&0x7F) << (7 * i)
		if b < 0x80 {
			in.text = in.text[i+1:]
			in.bad = in.bad || i == binary.MaxVarintLen64-1 && b > 1
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	in.bad = true
	return 0
}

func (in *input) take(n int64) string {
	if in.bad || n < 0 || n > int64(len(in.text)) {
		in.bad = true
		return ""
	}
	out := in.text[:n]
	in.text = in.text[n:]
	return out
}

// bytes reads a length and as many bytes; a negative length is null.
func (in *input) bytes() (text string, null bool) {
	n := in.number()
	if n < 0 {
		return "", true
	}
	return in.take(n), false
}

// record reads one record; its time is relative to the batch's.
func (in *input) record() (r record, delta int64) {
	body := input{text: in.take(in.number())}
	body.take(1) // attributes, of which magic 2 has none
	r.time = body.number()
	delta = body.number()
	body.bytes() // the key
	r.value, r.null = body.bytes()
	headers := body.number()
	for i := int64(0); i < headers && !body.bad; i++ {
		body.take(body.number()) // a name is never null
		body.bytes()
	}
	in.bad = in.bad || body.bad || headers < 0 || body.text != ""
	return r, delta
}
