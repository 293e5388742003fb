package hub

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestAppendBatch: what is encoded decodes to the same, with the sequence that Kafka wants.
func TestAppendBatch(t *testing.T) {
	lines := []line{
		{offset: 7, time: 1000, value: []byte("a"), passed: &Passed{Key: []byte("k"), Headers: []Header{{"h", nil}, {"h", []byte("2")}}}},
		{offset: 8, time: 900, value: []byte(""), passed: &Passed{Key: []byte{}}},
		{offset: 9, time: 1500, value: bytes.Repeat([]byte("x"), 300)},
	}
	b := appendBatch([]byte("before"), rowsProducer(domain.Hash{1, 2, 3, 4, 5, 6, 7, 0xff}), math.MaxInt32-1, lines)[len("before"):]
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
		ProducerID: 1<<62 + 0x01020304050607ff>>2&^1, BaseSequence: math.MaxInt32 - 1, Count: 3,
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

// TestSequences: they count down from the last row of an end, in 31 bits, so that where a plan begins
// changes nothing; the very first row of a partition has a producer of its own.
func TestSequences(t *testing.T) {
	const last = 1 << 30
	for behind, want := range map[int64]int32{0: last, 1: last - 1, last: 0, last + 1: math.MaxInt32, 1<<31 + 7: last - 7} {
		if got := sequenceOf(behind); got != want {
			t.Errorf("%d rows behind: %d, want %d", behind, got, want)
		}
	}
	long, short := &tail{producer: 8, all: 10}, &tail{producer: 8, all: 4}
	for row := range int64(4) {
		p, s := long.knows(20+row, 6+row)
		q, u := short.knows(20+row, row)
		if p != 8 || p != q || s != u || s != int32(last-3+row) {
			t.Errorf("row %d is known by %d, %d and by %d, %d", row, p, s, q, u)
		}
	}
	if p, s := long.knows(0, 0); p != 9 || s != 0 {
		t.Errorf("the first row is known by %d, %d", p, s)
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
		"the first": {[]line{row(0, 10), row(1, 10)}, 1000, 1},
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

// TestPartsRise: rows that would pass an offset over that has one are refused, before any marker.
func TestPartsRise(t *testing.T) {
	r := &refiller{topic: kafkaconn.Topic{Name: "hub"}, tails: map[int32]*tail{3: {at: 5}}}
	for name, c := range map[string]struct {
		offsets []int64
		good    bool
	}{
		"rise": {[]int64{5, 6, 9}, true}, "fall": {[]int64{6, 5, 9}, false}, "stay": {[]int64{5, 5, 9}, false}, "are carried": {[]int64{4, 5, 6}, false},
	} {
		p := &Packed{Values: []byte("abc"), Ends: []int{1, 2, 3}, Pieces: []Piece{{Partition: 3, N: 2}, {Partition: 3, N: 1}}, Offsets: c.offsets}
		parts, err := r.partsOf(p)
		if (err == nil) != c.good || c.good && (len(parts) != 1 || len(parts[0].lines) != 3) {
			t.Errorf("offsets that %s: %v", name, err)
		}
	}
}
