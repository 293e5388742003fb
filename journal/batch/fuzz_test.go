package batch_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/hefu-io/hefu/journal/batch"
)

// FuzzDecode: whatever the bytes are, nothing panics, nothing grows beyond the bound,
// and a batch gives exactly the records of its header, in order, or none and an error.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/java/*.bin")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 8<<10 {
			f.Add(b, int64(1003), int64(1010))
		}
	}
	for _, codec := range codecNames {
		f.Add(build(f, 7, codec, sample(5)), int64(0), int64(1<<62))
	}
	f.Add(build(f, 7, batch.None, sample(5)), int64(math.MaxInt64), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, section []byte, first, next int64) {
		d := batch.Decoder{MaxOutput: 1 << 20}
		for len(section) > 0 {
			h, b, rest, err := batch.Next(section)
			if err != nil {
				return
			}
			section = rest
			whole, err := walk(t, &d, h, b, 0, h.LastOffset()+1)
			if err == nil && whole != int64(h.Count) {
				t.Fatalf("%d records, the header counts %d", whole, h.Count)
			}
			part, err := walk(t, &d, h, b, first, next)
			if n := h.Overlap(first, next); err == nil && (part > n || h.Dense() && part != n) {
				t.Fatalf("%d records in [%d,%d) of a batch at %d", part, first, next, h.BaseOffset)
			}
		}
	})
}

// walk counts the records of a batch inside [first, next).
func walk(t *testing.T, d *batch.Decoder, h batch.Header, b []byte, first, next int64) (n int64, err error) {
	last := int64(-1)
	err = d.Batch(h, b, first, next, func(r *batch.Record) error {
		if r.Offset <= last || r.Offset < first || r.Offset >= next || r.Offset > h.LastOffset() {
			t.Fatalf("offset %d after %d in [%d,%d)", r.Offset, last, first, next)
		}
		last = r.Offset
		headers := 0
		for range r.Headers() {
			headers++
		}
		if headers != r.HeaderCount {
			t.Fatalf("%d headers, counted %d", headers, r.HeaderCount)
		}
		n++
		return nil
	})
	var de *batch.DecodeError
	if err != nil && (n > 0 || !errors.As(err, &de)) {
		t.Fatalf("%d records, then %v", n, err)
	}
	return n, err
}
