package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is how the records of a batch are compressed.
type Codec int8

// The codecs of Kafka (CompressionType.java); their numbers are on the wire.
const (
	None   Codec = 0
	Gzip   Codec = 1
	Snappy Codec = 2
	LZ4    Codec = 3
	Zstd   Codec = 4
)

// String is the name that Kafka's configuration uses.
func (c Codec) String() string {
	names := [...]string{"none", "gzip", "snappy", "lz4", "zstd"}
	if c < 0 || int(c) >= len(names) {
		return fmt.Sprintf("codec %d", int8(c))
	}
	return names[c]
}

// The xerial framing of snappy, as Java producers write it (snappy-java,
// SnappyCodec): magic, version and compatible version, then blocks, each with its
// length in four bytes. Other producers send one bare block.
const (
	xerialMagic  = "\x82SNAPPY\x00"
	xerialHeader = len(xerialMagic) + 8
)

// codecs are the decompressors of one Decoder, made when first needed.
type codecs struct {
	src  bytes.Reader
	gzip *gzip.Reader
	lz4  *lz4.Reader
	zstd *zstd.Decoder
}

// decompress appends to dst[:0], at most limit bytes.
func (c *codecs) decompress(dst, src []byte, codec Codec, limit int) ([]byte, error) {
	dst = dst[:0]
	switch codec {
	case Gzip:
		return c.gunzip(dst, src, limit)
	case Snappy:
		if bytes.HasPrefix(src, []byte(xerialMagic)) {
			return unxerial(dst, src, limit)
		}
		return unsnappy(dst, src, limit)
	case LZ4:
		c.src.Reset(src)
		if c.lz4 == nil {
			c.lz4 = lz4.NewReader(&c.src)
		} else {
			c.lz4.Reset(&c.src)
		}
		return readAll(dst, c.lz4, limit)
	case Zstd:
		return c.unzstd(dst, src, limit)
	default:
		return nil, fmt.Errorf("%s: %w", codec, errors.ErrUnsupported)
	}
}

func (c *codecs) gunzip(dst, src []byte, limit int) (_ []byte, err error) {
	c.src.Reset(src)
	if c.gzip == nil {
		c.gzip, err = gzip.NewReader(&c.src)
	} else {
		err = c.gzip.Reset(&c.src)
	}
	if err != nil {
		return nil, err
	}
	return readAll(dst, c.gzip, limit)
}

func (c *codecs) unzstd(dst, src []byte, limit int) (_ []byte, err error) {
	if c.zstd == nil {
		// One decoder and no stream: it starts no goroutine, nothing is to be closed.
		c.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)))
		if err != nil {
			return nil, err
		}
	}
	out, err := c.zstd.DecodeAll(src, dst)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil, ErrTooLarge
	}
	return out, err
}

// unsnappy appends one bare block. Its length stands in front, so that the bound is
// checked before anything is allocated.
func unsnappy(dst, block []byte, limit int) ([]byte, error) {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return nil, err
	}
	if n > limit-len(dst) {
		return nil, ErrTooLarge
	}
	at := len(dst)
	dst = grow(dst, n)
	if _, err := snappy.Decode(dst[at:at+n:at+n], block); err != nil {
		return nil, err
	}
	return dst[:at+n], nil
}

func unxerial(dst, src []byte, limit int) (_ []byte, err error) {
	if len(src) < xerialHeader {
		return nil, io.ErrUnexpectedEOF
	}
	for src = src[xerialHeader:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := int64(int32(binary.BigEndian.Uint32(src)))
		src = src[4:]
		if n < 0 || n > int64(len(src)) {
			return nil, fmt.Errorf("snappy block of %d bytes in %d: %w", n, len(src), ErrCorrupt)
		}
		if dst, err = unsnappy(dst, src[:n], limit); err != nil {
			return nil, err
		}
		src = src[n:]
	}
	return dst, nil
}

// readAll appends what r gives, and stops when that is more than limit bytes.
func readAll(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = grow(dst, max(len(dst), 64<<10))
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return nil, ErrTooLarge
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// grow makes room for n more bytes.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return append(make([]byte, 0, len(dst)+n), dst...)
}
