package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// Record is one row of a batch. Its slices point into the batch or into a buffer of
// the Decoder.
type Record struct {
	Offset    int64
	Timestamp int64  // milliseconds; MaxTimestamp of the batch under LogAppendTime
	Key       []byte // nil: null; not nil and empty: empty
	Value     []byte // nil: null; not nil and empty: empty
	// HeaderCount and RawHeaders are the record's headers as stored: for each the
	// length of its key, key, length of its value (negative: null), value.
	HeaderCount int
	RawHeaders  []byte
}

// Headers walks the headers of a record that a Decoder handed out, in their order;
// names may repeat, a value may be nil.
func (r *Record) Headers() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		in := cursor{b: r.RawHeaders}
		for range r.HeaderCount {
			key, value := in.bytes(), in.bytes()
			if in.err != nil || !yield(key, value) {
				return
			}
		}
	}
}

// ControlType says what a control record ends (ControlRecordType.java). Other
// numbers than these exist, but not in topics with rows.
type ControlType int16

// The markers that end a transaction.
const (
	AbortMarker  ControlType = 0
	CommitMarker ControlType = 1
)

// ParseControlType reads the key of a control record: version, then type.
func ParseControlType(key []byte) (ControlType, error) {
	if len(key) < 4 {
		return 0, fmt.Errorf("control record key of %d bytes: %w", len(key), ErrCorrupt)
	}
	return ControlType(binary.BigEndian.Uint16(key[2:])), nil
}

// What can be wrong inside a record. These are values, so that the walk over a
// batch allocates only when it fails.
var (
	errLength  = errors.New("length is negative or runs past the end")
	errVarint  = errors.New("number does not end")
	errHeaders = errors.New("header count is negative")
	errTail    = errors.New("bytes after the last header")
)

// cursor reads from b and keeps the first error; after it, it returns zeroes.
type cursor struct {
	b   []byte
	err error
}

// varint reads a zig-zag number.
func (c *cursor) varint() int64 {
	if len(c.b) > 0 && c.b[0] < 0x80 { // nearly all of them are one byte long
		u := c.b[0]
		c.b = c.b[1:]
		return int64(u>>1) ^ -int64(u&1)
	}
	return c.longVarint()
}

func (c *cursor) longVarint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.fail(errVarint)
		return 0
	}
	c.b = c.b[n:]
	return v
}

// take cuts off the next n bytes.
func (c *cursor) take(n int64) []byte {
	if n < 0 || n > int64(len(c.b)) {
		c.fail(errLength)
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

// bytes reads a length and as many bytes; a negative length is null, as in
// DefaultRecord.java.
func (c *cursor) bytes() []byte {
	n := c.varint()
	if n < 0 || c.err != nil {
		return nil
	}
	return c.take(n)
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.b = nil
}

// record reads the next record up to its headers and returns its offset delta.
func (c *cursor) record(r *Record) (delta, timestampDelta int64) {
	body := cursor{b: c.take(c.varint()), err: c.err}
	body.take(1) // attributes, unused in magic 2
	timestampDelta = body.varint()
	delta = body.varint()
	r.Key = body.bytes()
	r.Value = body.bytes()
	r.HeaderCount = int(body.varint())
	r.RawHeaders = body.b
	c.err = body.err
	return delta, timestampDelta
}

// checkHeaders walks the headers, which must fill RawHeaders.
func (r *Record) checkHeaders() error {
	in := cursor{b: r.RawHeaders}
	if r.HeaderCount < 0 {
		return errHeaders
	}
	for i := 0; i < r.HeaderCount && in.err == nil; i++ {
		in.take(in.varint()) // a key is never null
		in.bytes()
	}
	if in.err == nil && len(in.b) > 0 {
		return errTail
	}
	return in.err
}
