package batch_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal/batch"
)

// decoded is what a record was, after its bytes are gone; see digest.
type decoded struct {
	Offset, Timestamp int64
	Key, Value        string
	Headers           []string
}

func keep(out *[]decoded) func(*batch.Record) error {
	return func(r *batch.Record) error {
		d := decoded{Offset: r.Offset, Timestamp: r.Timestamp, Key: digest(r.Key), Value: digest(r.Value)}
		for k, v := range r.Headers() {
			d.Headers = append(d.Headers, string(k)+"="+digest(v))
		}
		*out = append(*out, d)
		return nil
	}
}

// TestAgainstKgo: the same section, in every codec and sparse too, is read as kgo
// reads it.
func TestAgainstKgo(t *testing.T) {
	var section []byte
	base := int64(10)
	for _, codec := range codecNames {
		rows := sample(50)
		rows[3].Key, rows[4].Key, rows[5].Value, rows[6].Value = []byte("k"), []byte{}, nil, []byte{}
		rows[7].Headers = []kmsg.Header{{Key: "h", Value: []byte("1")}, {Key: "h"}, {Key: "", Value: []byte{}}}
		rows[8].Value = bytes.Repeat([]byte("long "), 40_000)
		section = append(section, build(t, base, codec, rows)...)
		base += 50
		sparse := append(append([]row{}, rows[2:9]...), rows[30:31]...)
		section = append(section, build(t, base, codec, sparse)...)
		base += 31
	}
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"},
		&kmsg.FetchResponseTopicPartition{RecordBatches: section}, kgo.DefaultDecompressor(), nil)
	if fp.Err != nil || next != base || len(fp.Records) != 5*58 {
		t.Fatalf("kgo read %d records up to %d: %v", len(fp.Records), next, fp.Err)
	}
	var want []decoded
	for _, r := range fp.Records {
		d := decoded{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: digest(r.Key), Value: digest(r.Value)}
		for _, h := range r.Headers {
			d.Headers = append(d.Headers, h.Key+"="+digest(h.Value))
		}
		want = append(want, d)
	}
	var got []decoded
	var d batch.Decoder
	if err := d.Records(section, 0, base, keep(&got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestClip: only offsets inside [first, next) are handed out, also from the middle of
// a batch, and the buffers of one batch do not leak into the next.
func TestClip(t *testing.T) {
	section := append(build(t, 100, batch.Zstd, sample(10)), build(t, 110, batch.None, sample(10))...)
	var d batch.Decoder
	for first := int64(98); first < 123; first++ {
		for next := first; next < 123; next++ {
			var got, want []int64
			err := d.Records(section, first, next, func(r *batch.Record) error {
				got = append(got, r.Offset)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for o := max(first, 100); o < min(next, 120); o++ {
				want = append(want, o)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("[%d,%d): %s", first, next, diff)
			}
		}
	}
}

// TestXerial: a frame of several blocks is one stream.
func TestXerial(t *testing.T) {
	rows := sample(2000)
	raw := records(rows, rows[0].Timestamp)
	h := batch.Header{Attributes: int16(batch.Snappy), LastOffsetDelta: 1999, Count: 2000}
	b := seal(h, xerial(raw, 32<<10))
	d := batch.Decoder{MaxOutput: len(raw)}
	var got []decoded
	if err := d.Records(b, 0, 2000, keep(&got)); err != nil || len(got) != 2000 || got[1999].Value != digest(rows[1999].Value) {
		t.Fatalf("%d rows: %v", len(got), err)
	}
	d.MaxOutput-- // the bound is over all blocks
	if err := d.Records(b, 0, 2000, keep(&got)); !errors.Is(err, batch.ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
}

// TestMaxOutput: one byte more than allowed does not decode, in any codec, and a
// small batch that claims or holds a lot costs no memory to speak of.
func TestMaxOutput(t *testing.T) {
	rows := sample(3)
	rows[1].Value = make([]byte, 16<<20)
	size := len(records(rows, rows[0].Timestamp))
	for _, codec := range codecNames[1:] {
		t.Run(codec.String(), func(t *testing.T) {
			b := build(t, 0, codec, rows)
			n := 0
			count := func(*batch.Record) error { n++; return nil }
			exact := batch.Decoder{MaxOutput: size}
			if err := exact.Records(b, 0, 3, count); err != nil || n != 3 {
				t.Fatalf("at the bound: %d rows, %v", n, err)
			}
			short := batch.Decoder{MaxOutput: size - 1}
			err := short.Records(b, 0, 3, count)
			var de *batch.DecodeError
			if !errors.As(err, &de) || !errors.Is(err, batch.ErrTooLarge) || de.Header.Count != 3 || n != 3 {
				t.Fatalf("beyond the bound: %d rows, %v", n, err)
			}
			tiny := batch.Decoder{MaxOutput: 4 << 10}
			bytesUsed := allocated(func() {
				if err := tiny.Records(b, 0, 3, count); !errors.Is(err, batch.ErrTooLarge) {
					t.Error(err)
				}
			})
			// A frame of lz4 may name blocks of 4 MiB, and its reader takes one at once, or
			// two where its pool forgets them (it does under the race detector).
			if bytesUsed > 9<<20 {
				t.Errorf("%d bytes allocated to refuse 16 MiB at a bound of 4 KiB", bytesUsed)
			}
		})
	}
}

// allocated is the number of bytes that fn allocates when it runs again.
func allocated(fn func()) uint64 {
	fn()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestCallbackError: an error of the caller's comes back as it is and ends the walk.
func TestCallbackError(t *testing.T) {
	stop := errors.New("stop")
	n := 0
	var d batch.Decoder
	err := d.Records(build(t, 0, batch.None, sample(10)), 0, 10, func(*batch.Record) error {
		if n++; n == 4 {
			return stop
		}
		return nil
	})
	if err != stop || n != 4 { //nolint:errorlint // identity is what is promised
		t.Errorf("%d calls, %v", n, err)
	}
}

// TestTimestamps: milliseconds stay what they were, where time.Time would wrap.
func TestTimestamps(t *testing.T) {
	for _, ts := range []int64{0, -1, 99_999_999_999_999, -99_999_999_999_999, math.MaxInt64, math.MinInt64} {
		t.Run(fmt.Sprint(ts), func(t *testing.T) {
			b := build(t, 0, batch.None, []row{{Timestamp: ts}})
			var d batch.Decoder
			var got []decoded
			if err := d.Records(b, 0, 1, keep(&got)); err != nil || got[0].Timestamp != ts {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// TestNoAllocations: a row costs none, in any codec.
func TestNoAllocations(t *testing.T) {
	for _, codec := range codecNames {
		b := build(t, 0, codec, sample(1000))
		var d batch.Decoder
		var size int
		fn := func(r *batch.Record) error { size += len(r.Value); return nil }
		allocs := testing.AllocsPerRun(20, func() {
			if err := d.Records(b, 0, 1000, fn); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 20 { // per batch, by the decompressors; a row each would be 1,000
			t.Errorf("%s: %.0f allocations for 1,000 rows", codec, allocs)
		}
	}
}
