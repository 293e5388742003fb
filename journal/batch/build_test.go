package batch_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal/batch"
)

// row is one record as a test wants it.
type row struct {
	Delta      int32 // offset minus base offset
	Timestamp  int64
	Key, Value []byte
	Headers    []kmsg.Header
}

// records encodes rows with kmsg, an encoder of somebody else's.
func records(rows []row, baseTimestamp int64) []byte {
	var out []byte
	for _, r := range rows {
		rec := kmsg.Record{
			TimestampDelta64: r.Timestamp - baseTimestamp,
			OffsetDelta:      r.Delta,
			Key:              r.Key,
			Value:            r.Value,
			Headers:          r.Headers,
		}
		body := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		out = append(binary.AppendVarint(out, int64(len(body))), body...)
	}
	return out
}

// seal makes a batch of h and the (compressed) records, with length and checksum.
func seal(h batch.Header, payload []byte) []byte {
	rb := kmsg.RecordBatch{
		FirstOffset:          h.BaseOffset,
		Length:               int32(49 + len(payload)),
		PartitionLeaderEpoch: h.LeaderEpoch,
		Magic:                2,
		Attributes:           h.Attributes,
		LastOffsetDelta:      h.LastOffsetDelta,
		FirstTimestamp:       h.BaseTimestamp,
		MaxTimestamp:         h.MaxTimestamp,
		ProducerID:           h.ProducerID,
		ProducerEpoch:        h.ProducerEpoch,
		FirstSequence:        h.BaseSequence,
		NumRecords:           h.Count,
		Records:              payload,
	}
	return reseal(rb.AppendTo(nil))
}

// reseal computes the checksum anew, after a test damaged what it covers.
func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// build is a dense or sparse batch of rows, compressed by kgo.
func build(tb testing.TB, base int64, codec batch.Codec, rows []row) []byte {
	tb.Helper()
	h := batch.Header{BaseOffset: base, Attributes: int16(codec), BaseTimestamp: rows[0].Timestamp, ProducerID: -1, Count: int32(len(rows))}
	for _, r := range rows {
		h.MaxTimestamp = max(h.MaxTimestamp, r.Timestamp)
		h.LastOffsetDelta = r.Delta
	}
	return seal(h, compress(tb, codec, records(rows, h.BaseTimestamp)))
}

func compress(tb testing.TB, codec batch.Codec, raw []byte) []byte {
	tb.Helper()
	of := map[batch.Codec]kgo.CompressionCodec{
		batch.None: kgo.NoCompression(), batch.Gzip: kgo.GzipCompression(), batch.Snappy: kgo.SnappyCompression(),
		batch.LZ4: kgo.Lz4Compression(), batch.Zstd: kgo.ZstdCompression(),
	}[codec]
	c, err := kgo.DefaultCompressor(of)
	if err != nil {
		tb.Fatal(err)
	}
	if c == nil { // no compression
		return raw
	}
	var buf bytes.Buffer
	out, used := c.Compress(&buf, raw)
	if batch.Codec(used) != codec {
		tb.Fatalf("compressed with %d, want %s", used, codec)
	}
	return bytes.Clone(out)
}

// xerial frames snappy blocks as snappy-java does.
func xerial(raw []byte, block int) []byte {
	out := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for len(raw) > 0 {
		n := min(block, len(raw))
		c := snappy.Encode(nil, raw[:n])
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(c))), c...)
		raw = raw[n:]
	}
	return out
}

// sample is n rows of some 200 bytes, as a city sends them.
func sample(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{
			Delta:     int32(i),
			Timestamp: 1700000000000 + int64(i),
			Value: fmt.Appendf(nil, `{"cjbh":"3201%08d","xm":"name %d","sj":"2026-01-02 03:04:%02d","dz":"a street in the old town, %d","bz":"%x"}`,
				i, i%977, i%60, i%311, crc32.ChecksumIEEE([]byte{byte(i), byte(i >> 8)})),
		}
	}
	return rows
}

var codecNames = []batch.Codec{batch.None, batch.Gzip, batch.Snappy, batch.LZ4, batch.Zstd}
