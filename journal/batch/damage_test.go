package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/hefu-io/hefu/journal/batch"
)

// TestHeaderDamage: what ParseHeader says about bytes that are no batch.
func TestHeaderDamage(t *testing.T) {
	be := binary.BigEndian
	tests := map[string]struct {
		damage func(b []byte) []byte
		want   error // nil: *MagicError
		magic  int8
	}{
		"empty":                   {func([]byte) []byte { return nil }, batch.ErrTruncated, 0},
		"shorter than the magic":  {func(b []byte) []byte { return b[:16] }, batch.ErrTruncated, 0},
		"shorter than the header": {func(b []byte) []byte { return b[:60] }, batch.ErrTruncated, 0},
		"one byte short":          {func(b []byte) []byte { return b[:len(b)-1] }, batch.ErrTruncated, 0},
		"magic 0":                 {func(b []byte) []byte { b[16] = 0; return b }, nil, 0},
		"magic 1, truncated":      {func(b []byte) []byte { b[16] = 1; return b[:17] }, nil, 1},
		"magic 3":                 {func(b []byte) []byte { b[16] = 3; return b }, nil, 3},
		"negative length":         {func(b []byte) []byte { b[8] = 0xff; return b }, batch.ErrCorrupt, 0},
		"length below the header": {func(b []byte) []byte { be.PutUint32(b[8:], 48); return b }, batch.ErrCorrupt, 0},
		"length that overflows":   {func(b []byte) []byte { be.PutUint32(b[8:], 0x7fffffff); return b }, batch.ErrCorrupt, 0},
		"negative base offset":    {func(b []byte) []byte { b[0] = 0x80; return b }, batch.ErrCorrupt, 0},
		"base offset at the end":  {func(b []byte) []byte { be.PutUint64(b, 1<<63-1); return b }, batch.ErrCorrupt, 0},
		"negative last delta":     {func(b []byte) []byte { b[23] = 0x80; return b }, batch.ErrCorrupt, 0},
		"last delta of an empty batch below zero": {
			func(b []byte) []byte { be.PutUint32(b[23:], 0xffffffff); be.PutUint32(b[57:], 0); return b },
			batch.ErrCorrupt, 0,
		},
		"negative count": {func(b []byte) []byte { b[57] = 0x80; return b }, batch.ErrCorrupt, 0},
		"more records than offsets": {
			func(b []byte) []byte { be.PutUint32(b[57:], 11); return b },
			batch.ErrCorrupt, 0,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := tc.damage(build(t, 41, batch.None, sample(10)))
			_, err := batch.ParseHeader(b)
			var magic *batch.MagicError
			switch {
			case tc.want != nil && !errors.Is(err, tc.want):
				t.Errorf("error %v, want %v", err, tc.want)
			case tc.want == nil && !errors.As(err, &magic):
				t.Errorf("error %v, want a MagicError", err)
			case tc.want == nil && (magic.Offset != 41 || magic.Magic != tc.magic):
				t.Errorf("magic %d at %d, want %d at 41", magic.Magic, magic.Offset, tc.magic)
			}
			if _, _, rest, err2 := batch.Next(b); err2 == nil || !bytes.Equal(rest, b) {
				t.Errorf("Next: %v, and %d bytes of %d left", err2, len(rest), len(b))
			}
			var d batch.Decoder
			called := func(*batch.Record) error { t.Error("a record was handed out"); return nil }
			if err := d.Records(b, 0, 1<<62, called); err == nil && len(b) > 0 {
				t.Error("Records passed over it")
			}
		})
	}
}

// TestCRC: every byte that the checksum covers counts; of the bytes before, which
// brokers rewrite, none does.
func TestCRC(t *testing.T) {
	b := build(t, 41, batch.LZ4, sample(10))
	if err := batch.CheckCRC(append(bytes.Clone(b), "what follows"...)); err != nil {
		t.Fatal(err)
	}
	for i := 17; i < len(b); i++ {
		b[i] ^= 0x10
		err := batch.CheckCRC(b)
		var crc *batch.CRCError
		structural := errors.Is(err, batch.ErrCorrupt) // a count or delta that cannot be
		if !structural && (!errors.As(err, &crc) || crc.Offset != 41 || crc.Stored == crc.Computed) {
			t.Fatalf("byte %d: %v", i, err)
		}
		b[i] ^= 0x10
	}
	b[7], b[15] = b[7]+1, b[15]+1 // base offset, leader epoch
	if err := batch.CheckCRC(b); err != nil {
		t.Error(err)
	}
}

// TestRecordDamage: a batch whose records are not what its header says is refused as
// a whole, typed, and the batch after it still decodes.
func TestRecordDamage(t *testing.T) {
	rows := sample(4)
	rows[1].Key = []byte("key")
	raw := records(rows, rows[0].Timestamp)
	rec := func(body ...byte) []byte { return append(binary.AppendVarint(nil, int64(len(body))), body...) }
	sealed := func(count, last int32, codec batch.Codec, payload []byte) []byte {
		return seal(batch.Header{BaseOffset: 100, Count: count, LastOffsetDelta: last, Attributes: int16(codec)}, payload)
	}
	const null = 1 // the varint of -1
	tests := map[string][]byte{
		"a record fewer than counted":   sealed(5, 4, batch.None, raw),
		"a record more than counted":    sealed(3, 3, batch.None, raw),
		"bytes after the last record":   sealed(4, 3, batch.None, append(bytes.Clone(raw), 0)),
		"last record cut":               sealed(4, 3, batch.None, raw[:len(raw)-1]),
		"count without any bytes":       sealed(1<<30, 1<<30-1, batch.None, raw),
		"count zero with bytes":         sealed(0, 3, batch.None, raw),
		"count zero, compressed bytes":  sealed(0, 3, batch.Zstd, compress(t, batch.Zstd, raw)),
		"last delta below a record's":   sealed(3, 2, batch.None, records([]row{rows[0], rows[1], rows[3]}, 0)),
		"offset twice":                  sealed(2, 1, batch.None, records([]row{rows[1], rows[1]}, 0)),
		"offsets fall":                  sealed(2, 1, batch.None, records([]row{rows[1], rows[0]}, 0)),
		"negative offset":               sealed(1, 0, batch.None, rec(0, 0, 1, null, null, 0)),
		"negative record length":        sealed(1, 0, batch.None, []byte{5, 0, 0, 0, null, null, 0}),
		"key longer than the record":    sealed(1, 0, batch.None, rec(0, 0, 0, 40, null, 0)),
		"value longer than the record":  sealed(1, 0, batch.None, rec(0, 0, 0, null, 40, 0)),
		"no header count":               sealed(1, 0, batch.None, append(rec(0, 0, 0, null, null), 0)),
		"negative header count":         sealed(1, 0, batch.None, rec(0, 0, 0, null, null, 1)),
		"more headers than bytes":       sealed(1, 0, batch.None, rec(0, 0, 0, null, null, 4, 2, 'k', null)),
		"null header key":               sealed(1, 0, batch.None, rec(0, 0, 0, null, null, 2, null, null)),
		"bytes after the headers":       sealed(1, 0, batch.None, rec(0, 0, 0, null, null, 0, 0)),
		"number of eleven bytes":        sealed(1, 0, batch.None, rec(0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0, null, null, 0)),
		"codec 5":                       sealed(4, 3, 5, raw),
		"gzip that is none":             sealed(4, 3, batch.Gzip, raw),
		"snappy that is none":           sealed(4, 3, batch.Snappy, raw),
		"lz4 that is none":              sealed(4, 3, batch.LZ4, raw),
		"zstd that is none":             sealed(4, 3, batch.Zstd, raw),
		"gzip cut":                      cut(t, batch.Gzip, raw, sealed),
		"snappy cut":                    cut(t, batch.Snappy, raw, sealed),
		"lz4 cut":                       cut(t, batch.LZ4, raw, sealed),
		"zstd cut":                      cut(t, batch.Zstd, raw, sealed),
		"gzip without anything":         sealed(4, 3, batch.Gzip, nil),
		"xerial: header cut":            sealed(4, 3, batch.Snappy, xerial(raw, 100)[:12]),
		"xerial: block length cut":      sealed(4, 3, batch.Snappy, xerial(raw, 100)[:18]),
		"xerial: negative block length": sealed(4, 3, batch.Snappy, append(xerial(nil, 1), 0xff, 0, 0, 0)),
		"xerial: block cut":             sealed(4, 3, batch.Snappy, xerial(raw, 100)[:40]),
	}
	good := build(t, 300, batch.Snappy, rows)
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			h, b, rest, err := batch.Next(append(bytes.Clone(bad), good...))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			fn := func(*batch.Record) error { n++; return nil }
			var d batch.Decoder
			var de *batch.DecodeError
			err = d.Batch(h, b, 0, 1<<62, fn)
			if !errors.As(err, &de) || de.Header != h || n != 0 {
				t.Errorf("%d records, error %v; want none and a DecodeError", n, err)
			}
			if err := d.Records(rest, 0, 1<<62, fn); err != nil || n != 4 {
				t.Errorf("the batch after it: %d records, %v", n, err)
			}
		})
	}
}

// cut is a batch whose compressed records miss their second half.
func cut(t *testing.T, codec batch.Codec, raw []byte, sealed func(int32, int32, batch.Codec, []byte) []byte) []byte {
	c := compress(t, codec, raw)
	return sealed(4, 3, codec, c[:len(c)/2])
}

// TestBatchNeedsItsBytes: a header with more, fewer or no bytes is refused.
func TestBatchNeedsItsBytes(t *testing.T) {
	section := append(build(t, 0, batch.None, sample(2)), build(t, 2, batch.None, sample(2))...)
	h, _, _, err := batch.Next(section)
	if err != nil {
		t.Fatal(err)
	}
	var d batch.Decoder
	var de *batch.DecodeError
	if err := d.Batch(h, section, 0, 4, func(*batch.Record) error { return nil }); !errors.As(err, &de) {
		t.Errorf("error %v, want a DecodeError", err)
	}
	if err := d.Batch(batch.Header{Count: 1}, nil, 0, 4, func(*batch.Record) error { return nil }); !errors.As(err, &de) {
		t.Errorf("error %v, want a DecodeError", err)
	}
}

// TestEmptyBatch: what compaction leaves of a batch has no rows and is no damage,
// also when it keeps its codec.
func TestEmptyBatch(t *testing.T) {
	for _, codec := range codecNames {
		b := seal(batch.Header{BaseOffset: 5, LastOffsetDelta: 3, Attributes: int16(codec)}, nil)
		var d batch.Decoder
		err := d.Records(b, 0, 100, func(*batch.Record) error { t.Error("a record"); return nil })
		if err != nil {
			t.Errorf("%s: %v", codec, err)
		}
	}
}
