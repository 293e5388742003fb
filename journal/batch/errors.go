package batch

import (
	"errors"
	"fmt"
)

var (
	// ErrTruncated says that the bytes end before the batch does. The tail of a
	// fetch response may be cut like that (KIP-74); a section of the journal not.
	ErrTruncated = errors.New("record batch is truncated")
	// ErrCorrupt says that bytes contradict each other.
	ErrCorrupt = errors.New("record batch is corrupt")
	// ErrTooLarge says that a batch decompresses to more than Decoder.MaxOutput.
	ErrTooLarge = errors.New("decompressed records exceed the bound")
)

// MagicError says that a batch has another message format than 2. Formats 0 and 1
// are what brokers before 0.11, and topics with log.message.format.version below
// that, may still hold.
type MagicError struct {
	Magic  int8
	Offset int64 // as stored; of a compressed format 1 set it is the last one's
}

// Error implements error.
func (e *MagicError) Error() string {
	return fmt.Sprintf("record batch at %d: magic %d, only 2 is read", e.Offset, e.Magic)
}

// CRCError says that the bytes of a batch are not those that its checksum was
// computed over.
type CRCError struct {
	Offset           int64 // base offset of the batch
	Stored, Computed uint32
}

// Error implements error.
func (e *CRCError) Error() string {
	return fmt.Sprintf("record batch at %d: stored CRC32C %08x, computed %08x", e.Offset, e.Stored, e.Computed)
}

// DecodeError says that the records of a whole batch could not be read; none of
// them was handed out. The batches after it are not concerned.
//
// How many rows that are is known from the header: Header.Overlap of the run that
// was asked for. It is exact, because ingest journals no sparse batch that does not
// decode.
type DecodeError struct {
	Header Header
	Err    error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode record batch at %d (%d records, %s): %v",
		e.Header.BaseOffset, e.Header.Count, e.Header.Codec(), e.Err)
}

// Unwrap gives the cause.
func (e *DecodeError) Unwrap() error { return e.Err }
