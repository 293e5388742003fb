package origin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal/batch"
)

// plain is a record as every decoder can say it.
type plain struct {
	Offset, Time int64
	Value        string
	Null         bool
}

// ours decodes a section as a run over [first, next) is.
func ours(section []byte, first, next int64) (out []plain, err error) {
	var d decoder
	for len(section) > 0 {
		h, b, rest, err := nextBatch(section)
		if err != nil {
			return out, err
		}
		if section = rest; h.control() || h.within(first, next) == 0 {
			continue
		}
		list, err := d.decode(&h, b)
		if err != nil {
			return out, err
		}
		for _, r := range list {
			if r.offset >= first && r.offset < next {
				out = append(out, plain{r.offset, r.time, r.value, r.null})
			}
		}
	}
	return out, nil
}

func theirs(section []byte, first, next int64) (out []plain, err error) {
	var d batch.Decoder
	err = d.Records(section, first, next, func(r *batch.Record) error {
		out = append(out, plain{r.Offset, r.Timestamp, string(r.Value), r.Value == nil})
		return nil
	})
	return out, err
}

func kgos(t *testing.T, section []byte) (out []plain) {
	t.Helper()
	fp, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"},
		&kmsg.FetchResponseTopicPartition{RecordBatches: section}, kgo.DefaultDecompressor(), nil)
	must(t, fp.Err)
	for _, r := range fp.Records {
		out = append(out, plain{r.Offset, millisOf(r.Timestamp), string(r.Value), r.Value == nil})
	}
	return out
}

// strange is a section with what real batches have: every codec, holes, keys, headers, no value,
// an empty one, a long one, times outside of the calendar, LogAppendTime, a control batch.
func strange(t testing.TB) []byte {
	var section []byte
	base := int64(1000)
	for codec := range int16(5) {
		rows := []sent{
			{delta: 0, ms: -1, value: []byte("first"), key: []byte("k")},
			{delta: 1, ms: timeOf},
			{delta: 2, ms: timeOf + 1, value: []byte{}},
			{delta: 5, ms: 253_402_300_800_000, value: bytes.Repeat([]byte("long"), 40_000), key: []byte{}},
			{delta: 6, ms: -99_999_999_999_999, value: []byte("h"), header: []kmsg.Header{{Key: "h", Value: []byte("1")}, {Key: "h"}, {Value: []byte{}}}},
			{delta: 300, ms: 0, value: []byte("last")},
		}
		section = append(section, batchOf(t, base, codec, rows...)...)
		base += 301
		section = append(section, batchOf(t, base, codec|0x08, sent{ms: 5, value: []byte("a")}, sent{delta: 1, ms: 9, value: []byte("b")})...)
		base += 2
		section = append(section, batchOf(t, base, 0x30, sent{ms: 9, key: []byte{0, 0, 0, 1}, value: []byte{0, 0, 0, 0, 0, 0}})...)
		base++
	}
	return section
}

// TestDecode: every record is what kgo and the movers' decoder read, also of a part.
func TestDecode(t *testing.T) {
	section := strange(t)
	got, err := ours(section, 0, math.MaxInt64)
	must(t, err)
	if diff := cmp.Diff(kgos(t, section), got); diff != "" || len(got) != 40 {
		t.Errorf("%d records: %s", len(got), diff)
	}
	for first := int64(998); first < 1320; first += 3 {
		for next := first; next < 1320; next += 41 {
			got, err := ours(section, first, next)
			must(t, err)
			want, err := theirs(section, first, next)
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("[%d,%d): %s", first, next, diff)
			}
		}
	}
}

// TestLogAppendTime: the broker's time is the time of each record.
func TestLogAppendTime(t *testing.T) {
	got, err := ours(batchOf(t, 7, 0x08, sent{ms: 5}, sent{delta: 1, ms: 9}), 0, 100)
	if err != nil || len(got) != 2 || got[0].Time != 9 || got[1].Time != 9 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestXerial: a frame of several blocks, as snappy-java writes it, is one stream.
func TestXerial(t *testing.T) {
	raw := batchOf(t, 0, 0, sent{ms: 1, value: bytes.Repeat([]byte("xy"), 50_000)}, sent{delta: 1, ms: 2, value: []byte("z")})[headerSize:]
	out := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	for rest := raw; len(rest) > 0; rest = rest[min(32<<10, len(rest)):] {
		c := snappy.Encode(nil, rest[:min(32<<10, len(rest))])
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(c))), c...)
	}
	b := seal(&kmsg.RecordBatch{Magic: 2, Attributes: 2, LastOffsetDelta: 1, FirstTimestamp: 1, MaxTimestamp: 2, ProducerID: -1, NumRecords: 2, Records: out})
	got, err := ours(b, 0, 2)
	if want, _ := theirs(b, 0, 2); err != nil || len(got) != 2 || cmp.Diff(want, got) != "" {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// TestDamage: whatever byte of a batch is another one, no record is made of it; only what the
// checksum does not cover may change, and what it says is then a contradiction or harmless.
func TestDamage(t *testing.T) {
	whole := batchOf(t, 10, 0, sent{ms: 1, value: []byte("one")}, sent{delta: 1, ms: 2, value: []byte("two")})
	for at := crcFrom - 4; at < len(whole); at++ {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		if got, err := ours(bad, 0, 100); err == nil {
			t.Errorf("byte %d: %+v", at, got)
		}
	}
	for n := range whole {
		if got, err := ours(whole[:n], 0, 100); err == nil && n > 0 {
			t.Errorf("cut at %d: %+v", n, got)
		}
	}
	for name, damage := range map[string]func([]byte){
		"more records than there are": func(b []byte) { b[60] = 3 },
		"fewer records":               func(b []byte) { b[60] = 1 },
		"offsets beyond the batch":    func(b []byte) { b[26] = 0; b[60] = 1 },
		"a codec of nobody":           func(b []byte) { b[22] |= 7 },
		"a header too many":           func(b []byte) { b[len(b)-1] = 2 },
		"the same offset twice":       func(b []byte) { b[len(b)-7] = 0 },
	} {
		bad := bytes.Clone(whole)
		damage(bad)
		if got, err := ours(reseal(bad), 0, 100); err == nil {
			t.Errorf("%s: %+v", name, got)
		} else if errors.Is(err, errChecksum) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ours(append(bytes.Clone(whole[:16]), append([]byte{1}, whole[17:]...)...), 0, 100); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("magic 1: %v", err)
	}
}

// TestHuge: a small batch that holds a lot is refused, in every codec.
func TestHuge(t *testing.T) {
	for codec := int16(1); codec < 5; codec++ {
		h, b, _, err := nextBatch(batchOf(t, 0, codec, sent{value: make([]byte, 8<<20)}))
		must(t, err)
		d := decoder{codecs: codecs{limit: 4 << 10}}
		if _, err := d.decode(&h, b); !errors.Is(err, errHuge) {
			t.Errorf("codec %d: %v", codec, err)
		}
	}
}

// TestHugeBlocks: the bound is over all blocks of a frame.
func TestHugeBlocks(t *testing.T) {
	frame := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	block := snappy.Encode(nil, make([]byte, 3000))
	for range 2 {
		frame = append(binary.BigEndian.AppendUint32(frame, uint32(len(block))), block...)
	}
	if _, err := (&codecs{limit: 5999}).payload(2, frame); !errors.Is(err, errHuge) {
		t.Error(err)
	}
	if text, err := (&codecs{limit: 6000}).payload(2, frame); err != nil || len(text) != 6000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// FuzzDecode: nothing panics, and what this decoder and the movers' both take is the same to both.
// They may not differ about whether a batch with the right checksum decodes.
func FuzzDecode(f *testing.F) {
	f.Add(strange(f), int64(0), int64(math.MaxInt64))
	for codec := range int16(5) {
		f.Add(batchOf(f, 3, codec, sent{ms: 1, value: []byte("one")}, sent{delta: 2, ms: 2}), int64(3), int64(5))
	}
	f.Fuzz(func(t *testing.T, section []byte, first, next int64) {
		if len(section) > headerSize { // the checksum of the first batch is right, or nothing would be found
			if h, err := batch.ParseHeader(section); err == nil {
				reseal(section[:h.Size])
			}
		}
		got, err := ours(section, first, next)
		want, err2 := theirs(section, first, next)
		if (err == nil) != (err2 == nil) && !errors.Is(err, errChecksum) {
			t.Fatalf("%v, the movers: %v", err, err2)
		}
		if err == nil && cmp.Diff(want, got) != "" {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for codec := range int16(5) {
		b.Run(fmt.Sprintf("codec%d", codec), func(b *testing.B) {
			const n = 1000
			rows := make([]sent, n)
			for i := range rows {
				rows[i] = sent{delta: int32(i), ms: timeOf + int64(i), value: fmt.Appendf(nil, `{"id":%d,"text":"%0170d"}`, i*7919, i)}
			}
			h, batch, _, err := nextBatch(batchOf(b, 0, codec, rows...))
			must(b, err)
			b.SetBytes(n * 200)
			b.ReportAllocs()
			var d decoder
			for b.Loop() {
				if _, err := d.decode(&h, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
