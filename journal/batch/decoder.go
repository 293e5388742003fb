package batch

import (
	"errors"
	"fmt"
)

// DefaultMaxOutput bounds what one batch may decompress to: sixteen times the
// largest batch that the embedded journal takes, and above the largest window of
// zstd's levels (128 MiB at level 22), which a frame may name whatever it holds.
const DefaultMaxOutput = 256 << 20

// What can be wrong between the records of a batch.
var (
	errOrder = errors.New("offsets do not rise inside the batch")
	errLeft  = errors.New("bytes after the last record")
)

// Decoder hands out the records of batches. It keeps its buffers between calls, so
// that a row costs no allocation. The zero value is ready; a Decoder serves one
// goroutine.
type Decoder struct {
	// MaxOutput bounds the decompressed bytes of one batch; 0 means
	// DefaultMaxOutput. A batch beyond it does not decode, and so is excluded:
	// all readers of a journal must use the same bound. Set it before the first call.
	MaxOutput int

	codecs codecs
	out    []byte
	rec    Record
}

// Records calls fn for each data record with first <= offset < next of all batches
// of a section, in order; control batches are passed over. The record and its slices
// are valid until fn returns. Checksums are not looked at.
//
// It ends with the first error: that of fn as it is, those of Next, or a
// *DecodeError. Whoever wants to go on after a batch that does not decode calls
// Next and Batch instead.
func (d *Decoder) Records(section []byte, first, next int64, fn func(*Record) error) error {
	for len(section) > 0 {
		h, b, rest, err := Next(section)
		if err != nil {
			return err
		}
		section = rest
		if h.Control() {
			continue
		}
		if err := d.Batch(h, b, first, next, fn); err != nil {
			return err
		}
	}
	return nil
}

// Batch calls fn for each record with first <= offset < next of one batch, as Next
// returned it; of a control batch too. The record and its slices are valid until fn
// returns.
//
// The whole batch is checked before the first call of fn, also outside of
// [first, next): Count records at rising offsets up to LastOffset that use up all
// bytes. If it is not like that the error is a *DecodeError and fn was not called.
// A batch wholly outside of [first, next) is not looked at. An error of fn is
// returned as it is.
func (d *Decoder) Batch(h Header, b []byte, first, next int64, fn func(*Record) error) error {
	if h.Overlap(first, next) == 0 {
		return nil
	}
	raw, err := d.payload(&h, b)
	if err == nil {
		err = d.validate(&h, raw)
	}
	if err != nil {
		return &DecodeError{Header: h, Err: err}
	}
	in, r := cursor{b: raw}, &d.rec
	for range h.Count {
		delta, timestampDelta := in.record(r)
		r.Offset = h.BaseOffset + delta
		if r.Offset < first {
			continue
		}
		if r.Offset >= next {
			break
		}
		r.Timestamp = h.BaseTimestamp + timestampDelta
		if h.LogAppendTime() {
			r.Timestamp = h.MaxTimestamp
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// payload is the records of a batch, decompressed.
func (d *Decoder) payload(h *Header, b []byte) ([]byte, error) {
	if len(b) < headerSize {
		return nil, ErrTruncated
	}
	raw := b[headerSize:]
	// A batch that compaction emptied may keep its codec and has nothing to decompress.
	if h.Codec() == None || len(raw) == 0 {
		return raw, nil
	}
	limit := d.MaxOutput
	if limit <= 0 {
		limit = DefaultMaxOutput
	}
	out, err := d.codecs.decompress(d.out, raw, h.Codec(), limit)
	if err != nil {
		return nil, err
	}
	d.out = out
	return out, nil
}

// validate walks all records once before any is handed out: rows of a batch that
// breaks off half-way must not reach a target that then counts the batch as excluded.
func (d *Decoder) validate(h *Header, raw []byte) error {
	in, r := cursor{b: raw}, &d.rec
	last := int64(-1)
	for i := range h.Count {
		delta, _ := in.record(r)
		if in.err != nil {
			return fmt.Errorf("record %d: %w", i, in.err)
		}
		if delta <= last || delta > int64(h.LastOffsetDelta) {
			return fmt.Errorf("record %d at offset %d: %w", i, h.BaseOffset+delta, errOrder)
		}
		last = delta
		if err := r.checkHeaders(); err != nil {
			return fmt.Errorf("record %d at offset %d: %w", i, h.BaseOffset+delta, err)
		}
	}
	if len(in.b) > 0 {
		return errLeft
	}
	return nil
}
