package hub

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
)

// TestAppendBatch: what is encoded decodes to the same, with the sequence that Kafka wants.
func TestAppendBatch(t *testing.T) {
	lines := []line{
		{offset: 7, time: 1000, value: []byte("a"), passed: &Passed{Key: []byte("k"), Headers: []Header{{"h", nil}, {"h", []byte("2")}}}},
		{offset: 8, time: 900, value: []byte(""), passed: &Passed{Key: []byte{}}},
		{offset: 9, time: 1500, value: bytes.Repeat([]byte("x"), 300)},
	}
	b := appendBatch([]byte("before"), rowsProducer(domain.PlanID{1, 2, 3, 4}), math.MaxInt32+5, lines)[len("before"):]
	h, whole, rest, err := batch.Next(b)
	if err != nil || len(rest) != 0 || len(whole) != len(b) {
		t.Fatalf("%v, %d bytes are left", err, len(rest))
	}
	if err := batch.CheckCRC(b); err != nil {
		t.Error(err)
	}
	h.CRC = 0
	want := batch.Header{
		Size: len(b), LeaderEpoch: -1, Magic: 2, LastOffsetDelta: 2, BaseTimestamp: 1000, MaxTimestamp: 1500,
		ProducerID: 1<<62 + 0x01020304, BaseSequence: 4, Count: 3,
	}
	if h != want {
		t.Errorf("header\n%+v, want\n%+v", h, want)
	}
	var got []string
	err = (&batch.Decoder{}).Batch(h, b, 0, 3, func(r *batch.Record) error {
		s := fmt.Sprintf("%d %d %q %q %t", r.Offset, r.Timestamp, r.Value, r.Key, r.Key == nil)
		for name, value := range r.Headers() {
			s += fmt.Sprintf(" %s=%q %t", name, value, value == nil)
		}
		got = append(got, s)
		return nil
	})
	says := []string{
		`0 1000 "a" "k" false h="" true h="2" false`, `1 900 "" "" false`, fmt.Sprintf("2 1500 %q \"\" true", lines[2].value),
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(says) {
		t.Errorf("%v\n%q, want\n%q", err, got, says)
	}
}

// TestSequences: they are 31 bits, and go on at 0.
func TestSequences(t *testing.T) {
	for ordinal, want := range map[int64]int32{0: 0, 5: 5, math.MaxInt32: math.MaxInt32, math.MaxInt32 + 1: 0, 3*(math.MaxInt32+1) + 7: 7} {
		if got := sequenceOf(ordinal); got != want {
			t.Errorf("%d: %d, want %d", ordinal, got, want)
		}
	}
}

// TestTogether: a record batch ends where a row has no place in it, and never is larger than the
// topic takes; a row goes alone whatever its size.
func TestTogether(t *testing.T) {
	row := func(offset int64, size int) line { return line{offset: offset, value: make([]byte, size)} }
	for name, c := range map[string]struct {
		lines []line
		most  int
		want  int
	}{
		"all":       {[]line{row(4, 10), row(5, 10), row(6, 10)}, 1000, 3},
		"a gap":     {[]line{row(4, 10), row(5, 10), row(7, 10)}, 1000, 2},
		"too much":  {[]line{row(4, 100), row(5, 100), row(6, 100)}, 400, 2},
		"too large": {[]line{row(4, 1000), row(5, 10)}, 400, 1},
		"one":       {[]line{row(4, 10)}, 1000, 1},
	} {
		n := together(c.lines, c.most)
		if n != c.want {
			t.Errorf("%s: %d, want %d", name, n, c.want)
		}
		if size := len(appendBatch(nil, 1, 0, c.lines[:n])); n > 1 && size > c.most {
			t.Errorf("%s: %d bytes, the topic takes %d", name, size, c.most)
		}
	}
}
