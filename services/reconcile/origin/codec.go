package origin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxPayload is how large the records of one batch may be, decompressed, in bytes: more than any
// broker takes from a producer, and little enough to refuse a bomb.
const maxPayload = 256 << 20

var errHuge = errors.New("its records are larger than any batch's")

// xerial is how snappy-java's framing begins (SnappyCodec): 16 bytes, then blocks, each with
// its length in front. Other producers send one bare block.
const (
	xerial     = "\x82SNAPPY\x00"
	xerialSize = 16
)

// codecs are the decompressors of one decoder, made when first needed.
type codecs struct {
	limit int // 0: maxPayload
	out   bytes.Buffer
	zip   *gzip.Reader
	lz4   *lz4.Reader
	zstd  *zstd.Decoder
}

// payload is the records' bytes as text that is nobody else's. The codecs have the numbers of
// Kafka's CompressionType.
func (c *codecs) payload(codec int16, packed []byte) (string, error) {
	limit := c.limit
	if limit <= 0 {
		limit = maxPayload
	}
	c.out.Reset()
	var err error
	switch {
	case codec == 0 || len(packed) == 0: // what compaction emptied keeps its codec
		return string(packed), nil
	case codec == 1:
		err = c.gunzip(packed, limit)
	case codec == 2:
		err = c.unsnappy(packed, limit)
	case codec == 3:
		if c.lz4 == nil {
			c.lz4 = lz4.NewReader(nil)
		}
		c.lz4.Reset(bytes.NewReader(packed))
		err = c.take(c.lz4, limit)
	case codec == 4:
		return c.unzstd(packed, limit)
	default:
		err = fmt.Errorf("codec %d: %w", codec, errors.ErrUnsupported)
	}
	if err != nil {
		return "", err
	}
	return c.out.String(), nil
}

// take reads a stream to its end, or says that it is too long.
func (c *codecs) take(r io.Reader, limit int) error {
	n, err := c.out.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if err == nil && n > int64(limit) {
		err = errHuge
	}
	return err
}

func (c *codecs) gunzip(packed []byte, limit int) (err error) {
	if c.zip == nil {
		c.zip, err = gzip.NewReader(bytes.NewReader(packed))
	} else {
		err = c.zip.Reset(bytes.NewReader(packed))
	}
	if err != nil {
		return err
	}
	return c.take(c.zip, limit)
}

func (c *codecs) unsnappy(packed []byte, limit int) error {
	if !strings.HasPrefix(string(packed[:min(len(packed), len(xerial))]), xerial) {
		return c.block(packed, limit)
	}
	if len(packed) < xerialSize {
		return errCut
	}
	for packed = packed[xerialSize:]; len(packed) > 0; {
		if len(packed) < 4 {
			return errCut
		}
		n := int64(int32(binary.BigEndian.Uint32(packed)))
		packed = packed[4:]
		if n < 0 || n > int64(len(packed)) {
			return errCut
		}
		if err := c.block(packed[:n], limit); err != nil {
			return err
		}
		packed = packed[n:]
	}
	return nil
}

// block adds one bare block of snappy, whose length stands in front.
func (c *codecs) block(packed []byte, limit int) error {
	n, err := snappy.DecodedLen(packed)
	if err != nil {
		return err
	}
	if n > limit-c.out.Len() {
		return errHuge
	}
	text, err := snappy.Decode(nil, packed)
	if err == nil {
		c.out.Write(text)
	}
	return err
}

func (c *codecs) unzstd(packed []byte, limit int) (_ string, err error) {
	if c.zstd == nil {
		// One decoder and no stream: it starts no goroutine, nothing is to be closed.
		c.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)))
		if err != nil {
			return "", err
		}
	}
	c.out.Reset()
	text, err := c.zstd.DecodeAll(packed, c.out.AvailableBuffer())
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = errHuge
	}
	if err != nil {
		return "", err
	}
	c.out.Write(text)
	return c.out.String(), nil
}
